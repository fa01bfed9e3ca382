"""A generator of proofs, most of them wrong: whatever the checker accepts is so.

Each proof is put together at random over a small program with loops, negation and counting: any value for any atom, any
rule, any reference, any place, any blocks, some of them honest by chance. What every atom is worth is worked out by the
engine. A proof that is accepted must say so of every atom in it.
"""

from __future__ import annotations

import itertools
import random
from typing import Any

import pytest

from certificates_by_hand import document, holds, record
from guidelog.checker import Rejected, check, read_rules
from guidelog.patients import close, patient_from_content
from programs import compiled_of

Json = Any

START = """\
.finding a "a"
.finding b "b"
.concept in_scope(P: patient) true("in scope") false("out of scope")
#[id = "SC"]
in_scope(P) :- patient(P).
"""
PROGRAMS = {
    "a loop": """
.concept x(P: patient) true("x") false("no x")
.concept y(P: patient) true("y") false("no y")
.concept z(P: patient) true("z") false("no z")
#[id = "XY"]
x(P) :- y(P).
#[id = "XA"]
x(P) :- finding(P, a).
#[id = "YX"]
y(P) :- x(P), !finding(P, b).
#[id = "ZX"]
z(P) :- patient(P), !x(P).
""",
    "a rule about itself": """
.concept x(P: patient) true("x") false("no x")
.concept y(P: patient) true("y") false("no y")
#[id = "XX"]
x(P) :- x(P), finding(P, a).
#[id = "XB"]
x(P) :- finding(P, b).
#[id = "YX"]
y(P) :- atleast 1 { x(P); y(P) }.
""",
    "negation over a loop": """
.concept x(P: patient) true("x") false("no x")
.concept y(P: patient) true("y") false("no y")
.concept z(P: patient) true("z") false("no z")
#[id = "XY"]
x(P) :- y(P), finding(P, a).
#[id = "YX"]
y(P) :- x(P).
#[id = "YB"]
y(P) :- finding(P, b).
#[id = "ZA"]
z(P) :- patient(P), !x(P), !y(P).
#[id = "ZB"]
z(P) :- x(P), !finding(P, b).
""",
    "counting in a loop": """
.decl item(F: finding)
item(a). item(b).
.concept x(P: patient) true("x") false("no x")
.concept y(P: patient) true("y") false("no y")
.concept z(P: patient) true("z") false("no z")
#[id = "X2"]
x(P) :- atleast 2 { finding(P, F) : item(F); y(P); z(P) }.
#[id = "YX"]
y(P) :- atleast 1 { x(P); finding(P, b) }.
#[id = "ZX"]
z(P) :- x(P), y(P).
#[id = "ZY"]
z(P) :- finding(P, a), finding(P, b).
""",
    "counting what is not": """
.concept x(P: patient) true("x") false("no x")
.concept y(P: patient) true("y") false("no y")
.concept z(P: patient) true("z") false("no z")
#[id = "XA"]
x(P) :- finding(P, a).
#[id = "YB"]
y(P) :- finding(P, b), !x(P).
#[id = "Z1"]
z(P) :- patient(P), atleast 1 { !x(P); !y(P); finding(P, b) }.
#[id = "Z2"]
z(P) :- patient(P), atleast 3 { !x(P); !y(P); !finding(P, b) }.
""",
    "counting what is not, second in a list": """
.concept x(P: patient) true("x") false("no x")
.concept y(P: patient) true("y") false("no y")
.concept z(P: patient) true("z") false("no z")
#[id = "XA"]
x(P) :- finding(P, a), y(P).
#[id = "YB"]
y(P) :- x(P).
#[id = "YC"]
y(P) :- finding(P, b).
#[id = "ZN"]
z(P) :- atleast 2 { finding(P, a); !x(P); !y(P) }.
""",
    "what is settled": """
.intervention go "go"
.statement S1 "what it says" kind(do)
.concept x(P: patient) true("x") false("no x")
.concept y(P: patient) true("y") false("no y")
#[id = "XA", unsettled = "Ask for a."]
x(P) :- finding(P, a).
#[id = "YX"]
y(P) :- x(P), in_scope(P).
#[id = "YB"]
y(P) :- finding(P, b), !x(P).
""",
}
VALUES = "FUT"
STATES = {"present": True, "absent": False, "unknown": None}


def truth(text: str, patient: Json, atoms: list[str]) -> dict[str, str]:
    """What the engine says of every atom."""
    compiled = compiled_of(text)
    model = compiled.evaluate(
        close(patient_from_content(patient, compiled.names.vocabulary), compiled.names.vocabulary)
    )
    certain, possible = (
        {f"{a[0]}({','.join(map(str, a[1:]))})" for a in side} for side in (model.certain, model.possible)
    )
    return {atom: "T" if atom in certain else "U" if atom in possible else "F" for atom in atoms}


def invented(book: Any, atoms: list[str], real: dict[str, str], chance: random.Random) -> tuple[str, list[Json]]:
    """Blocks of steps, and the atom that they are about."""
    chosen = chance.sample(atoms, chance.randint(1, len(atoms)))
    goal = chance.choice(chosen)
    number = {atom: place for place, atom in enumerate(chosen)}
    steps = [_step(book, atom, real, number, chance) for atom in chosen]
    cuts = sorted(chance.sample(range(len(steps) + 1), min(len(steps), chance.randint(0, 3))))
    blocks = [steps[start:end] for start, end in itertools.pairwise([0, *cuts, len(steps)])]
    return goal, blocks


def _step(book: Any, atom: str, real: dict[str, str], number: dict[str, int], chance: random.Random) -> Json:
    value = real[atom] if chance.random() < 0.6 else chance.choice(VALUES)
    instances = book.instances[atom]
    made: Json = {"atom": atom, "value": value}
    if value != "F":
        (rule, *subst), body = chance.choice([*instances.items()])
        made |= {"rule": rule, "subst": dict(subst), "from": [_reference(e, number, chance) for e in body]}
    if value != "T":
        made["fails"] = [
            [rule, dict(subst), chance.randrange(len(body) or 1)] for (rule, *subst), body in instances.items()
        ]
    return made


def _reference(element: Any, number: dict[str, int], chance: random.Random) -> Json:
    if element.number is not None:
        places = chance.sample(range(len(element.members)), min(element.number, len(element.members)))
        return [[place, _reference(element.members[place], number, chance)] for place in places]
    named = element.factors[0][0] if element.factors else None
    honest = number.get(named)
    return honest if chance.random() < 0.95 else chance.choice([None, 0, 1, 2])


@pytest.mark.parametrize("program", PROGRAMS.values(), ids=PROGRAMS)
def test_what_is_accepted_is_so(program: str) -> None:
    text = START + program
    files = {"m.dl": text}
    book = read_rules(files, {})
    atoms = sorted(book.instances)
    chance = random.Random(program)
    accepted = refused = 0
    for states in itertools.product(STATES, repeat=2):
        patient = record(findings=dict(zip("ab", states, strict=True)))
        real = truth(text, patient, atoms)
        start = document(patient, files=files)
        for _ in range(250):
            goal, blocks = invented(book, atoms, real, chance)
            rule = next((s.get("rule", "") for block in blocks for s in block if s["atom"] == goal), "")
            start["certificates"] = [holds(goal, rule, *blocks)]
            try:
                check(start, book, patient)
            except Rejected:
                refused += 1
                continue
            accepted += 1
            said = {step["atom"]: step["value"] for block in blocks for step in block}
            assert said == {atom: real[atom] for atom in said}, (patient["findings"], blocks)
    assert accepted > 20
    assert refused > 200
