"""Long chains, long loops and wide rules: nothing overflows or hangs, and what is too large is said."""

from __future__ import annotations

import json
import time

import pytest

from explaining import uncertified
from guidelog import pipeline
from guidelog.diagnostics import InputError
from guidelog.explain.changes.smallest import ways_to
from guidelog.explain.questions import witness
from guidelog.explain.questions.next import next_question
from guidelog.explain.why import why
from guidelog.explain.why_not import why_not
from guidelog.semantics import plan
from guidelog.semantics.bdd import Diagrams, TooLarge
from guidelog.semantics.cone import Cone
from guidelog.semantics.status import Status
from programs import compiled_of, patient_of

STEPS = 10_000
HEAD = """
.statement S1 "one thing" kind(do) cites()
.intervention ia "a treatment"
.concept in_scope(P: patient) true("in scope") false("not in scope")
#[id = "SC", statements = ["S1"], cites = []]
in_scope(P) :- patient(P).
"""
ADVICE = """
#[id = "A1", statements = ["S1"], cites = [], strength = strong, says = "it is reached"]
advise(P, ia, do) :- step(P, {last}).
#[id = "A2", statements = ["S1"], cites = [], strength = strong, says = "it is not reached"]
advise(P, ia, defer) :- patient(P), !step(P, {last}).
"""

pytestmark = pytest.mark.slow


def chain() -> str:
    """`step` from one number to the next, by one recursive rule over a relation of 10,000 pairs."""
    rules = [
        HEAD,
        '.finding fa "the start"',
        ".decl digit(D: number)",
        ".decl count(N: number)",
        ".decl next(A: number, B: number)",
    ]
    rules += [f"digit({i})." for i in range(100)]
    rules.append('#[id = "N0"]\ncount(N) :- digit(A), digit(B), N = 100 * A + B.')
    rules.append('#[id = "N1"]\nnext(A, B) :- count(A), B = A + 1.')
    rules.append('.concept step(P: patient, N: number) true("step {N} is reached") false("step {N} is not reached")')
    rules.append('#[id = "R0", statements = ["S1"], cites = []]\nstep(P, 0) :- finding(P, fa).')
    rules.append('#[id = "R1", statements = ["S1"], cites = []]\nstep(P, B) :- step(P, A), next(A, B).')
    return "\n".join(rules) + ADVICE.format(last=STEPS)


def loop() -> str:
    """The chain closed to a ring, so that all steps depend on each other."""
    return f"{chain()}\nnext({STEPS}, 0).\n"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shape", "value"), [(chain, "present"), (chain, "unknown"), (loop, "present"), (loop, "absent")]
)
def test_a_proof_of_10_000_steps(shape: object, value: str) -> None:
    compiled = compiled_of(shape())  # type: ignore[operator]
    record = patient_of(compiled, findings={"fa": value})
    answers = uncertified(compiled, record)
    (answer,) = answers.answers
    started = time.monotonic()
    explained = why(answers, answer, every=True)
    json.dumps(explained.to_json())
    if value == "present":
        assert explained.proof.depth >= STEPS
    if value != "unknown":
        assert explained.reasons == (frozenset({"fa"}),)
    refused = why_not(answers, answer)
    json.dumps(refused.to_json())
    if value != "present":
        (candidate,) = refused.candidates
        assert [b.criterion.input for b in candidate.blockers] == ["fa"], "the blocker at the bottom is found"
    if value == "unknown":
        assert answer.questions == (("fa",),)
        question = next_question(answers)
        assert question is not None
        assert question.question == "fa"
    way = ways_to(answers, "ia", Status.NOT_NOW if value == "present" else Status.RECOMMENDED).ways[0]
    assert [(c.input, c.value) for c in way] == [("fa", "absent" if value == "present" else "present")]
    assert time.monotonic() - started < 300


def test_a_proof_of_10_000_steps_with_its_certificate() -> None:
    """The whole way, as a command goes it: pyDatalog's rounds, the certificate, the independent checker, the proof."""
    compiled = compiled_of(chain())
    answers = pipeline.ask(compiled, patient_of(compiled, findings={"fa": "present"}))
    assert answers.answers[0].certified
    assert why(answers, answers.answers[0]).proof.depth >= STEPS


def test_what_is_too_much_for_a_circuit_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "MOST_STEPS", 5_000)
    compiled = compiled_of(loop())
    with pytest.raises(InputError, match="steps to make"):
        uncertified(compiled, patient_of(compiled))


def test_shared_criteria_are_opened_once() -> None:
    """Each of forty levels rests twice on the one below: two to the fortieth openings, or forty."""
    rules = [HEAD, '.finding fa "the start"']
    for i in range(40):
        below = ("finding(P, fa)", "finding(P, fa)") if not i else (f"left{i - 1}(P)", f"right{i - 1}(P)")
        for side in ("left", "right"):
            rules.append(f'.concept {side}{i}(P: patient) true("{side} {i}") false("not {side} {i}")')
            rules.append(
                f'#[id = "{side}{i}", statements = ["S1"], cites = []]\n{side}{i}(P) :- {below[0]}, {below[1]}.'
            )
    rules.append(
        '#[id = "A1", statements = ["S1"], cites = [], strength = strong, says = "so"]\nadvise(P, ia, do) :- left39(P).'
    )
    compiled = compiled_of("\n".join(rules).replace("finding(P, fa), finding(P, fa)", "finding(P, fa)"))
    answers = uncertified(compiled, patient_of(compiled, findings={"fa": "absent"}))
    assert len(json.dumps(why_not(answers, answers.answers[0]).to_json())) < 100_000
    assert len(why(answers, answers.answers[0]).proof.nodes) < 100


def pairs(number: int) -> str:
    """Advice that a small diagram in the order of declaration cannot hold: the first half compared with the second."""
    rules = [HEAD]
    rules += [f'.finding a{i} "sign a{i}"' for i in range(number)]
    rules += [f'.finding b{i} "sign b{i}"' for i in range(number)]
    rules += [
        f'#[id = "A{i}", statements = ["S1"], cites = [], strength = strong, says = "both"]\n'
        f"advise(P, ia, do) :- finding(P, a{i}), finding(P, b{i})."
        for i in range(number)
    ]
    return "\n".join(rules)


def test_diagrams_have_a_budget() -> None:
    diagrams = Diagrams(200)
    with pytest.raises(TooLarge):
        diagrams.any(diagrams.both(diagrams.variable(i), diagrams.variable(i + 20)) for i in range(20))


def test_what_is_too_large_for_diagrams_is_found_by_clingo() -> None:
    """2 to the 24th paths in the diagram; for clingo a hundred clauses."""
    compiled = compiled_of(pairs(24))
    answers = uncertified(compiled, patient_of(compiled, findings={"a0": "present", "a1": "absent"}))
    (answer,) = answers.answers
    expected = {f"{side}{i}" for side in "ab" for i in range(24)} - {"a0", "a1", "b1"}
    assert answer.questions is not None
    assert set(answer.questions[0]) == expected
    found = ways_to(answers, "ia", Status.RECOMMENDED)
    assert [[c.input for c in way] for way in found.ways] == [["b0"]]


def test_a_search_without_time_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = compiled_of(pairs(24))
    monkeypatch.setattr("guidelog.explain.questions.SECONDS", 0.0)
    answers = uncertified(compiled, patient_of(compiled))
    assert answers.answers[0].questions is None
    with pytest.raises(witness.OutOfTime):
        witness.Settling(Cone(answers.world.program, answers.facts, "ia"), 0.0).questions()


def test_more_unknown_inputs_than_python_may_recurse() -> None:
    """A conjunction of 1,500 unknown findings: as deep a diagram, and no stack overflow."""
    rules = [HEAD, *(f'.finding f{i} "sign f{i}"' for i in range(1500))]
    body = ", ".join(f"finding(P, f{i})" for i in range(1500))
    rules.append(
        f'#[id = "A1", statements = ["S1"], cites = [], strength = strong, says = "all"]\nadvise(P, ia, do) :- {body}.'
    )
    compiled = compiled_of("\n".join(rules))
    answers = uncertified(compiled, patient_of(compiled, findings={"f0": "absent"}))
    assert answers.answers[0].status is Status.NOT_NOW
    found = ways_to(answers, "ia", Status.RECOMMENDED)
    assert not found.decided or len(found.ways[0]) == 1500
