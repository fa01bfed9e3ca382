"""Random complete guidelines, as folders: for pictures and whatever else must hold for any guideline.

Valid by construction (declared, stratified, with scope or without), with labels that are long, quoted, or not Latin.
"""

from __future__ import annotations

import random
from pathlib import Path

_WORDS = [
    "pain",
    "fever",
    "<38>",
    "“quoted”",
    "&",
    "more:",
    "a/b",
    "swelling-of-the-whole-leg",
    "unreasonablylongwordwithoutanyplacetobreakit",
    "כאב",
    "боль",
    "痛み",
    "ärgerlich",
    "x=y;",
    "(maybe)",
    "50%",
    "|",
    "pipes",
    "#",
    "hash",
    "[bracket]",
    "a|b",
    "back\\\\slash",
    "it's",
    "of",
    "the",
    "and",
]

_TOML = """id = "random"
title = "Random & <odd> “guideline”"
version = "1.0.{seed}"
main = [{main}]
review = "draft"
review_note = "Random."
references_note = "None."
unresolved = [7]
unresolved_note = "Seven."
disclaimer = "Random."
[source]
title = "Random"
publisher = "Random"
date = "2026-01-01"
review = "none"
[[references]]
number = 1
title = "One"
publisher = "Random"
year = 2026
resolved = true
"""


def write_guideline(  # noqa: PLR0915 - a generator is a list of choices
    folder: Path, seed: int, *, rules: int = 12, criteria: int = 5, depth: int = 3
) -> Path:
    """A guideline with about so many concepts, so many criteria a rule, concepts over concepts so deep."""
    dice = random.Random(seed)

    def words(least: int, most: int) -> str:
        return " ".join(dice.choice(_WORDS) for _ in range(dice.randint(least, most))).replace('"', '\\"')

    findings = [f"f{i}" for i in range(max(4, criteria + dice.randint(0, 6)))]
    measures = [f"m{i}" for i in range(3)]
    out = ['.statement S1 "One." kind(do) cites(1)', '.screen checks "the checks"']
    for name in findings:
        screen = " screen(checks)" if dice.random() < 0.4 else ""
        wording = f' true("{words(2, 9)}") false("{words(2, 9)}")' if dice.random() < 0.8 else ""
        out.append(f'.finding {name} "{words(1, 6)}"{screen}{wording}')
    for name in measures:
        unit = dice.choice(["day", "week", "point"])
        out.append(f'.measure {name} "{words(1, 4)}" unit({unit}) range(0, 500)')
    groups = [words(1, 4) for _ in range(dice.randint(1, 5))]
    interventions = [f"i{i}" for i in range(dice.randint(1, 9))]
    for name in interventions:
        group = f' group("{dice.choice(groups)}")' if dice.random() < 0.85 else ""
        out.append(f'.intervention {name} "{words(1, 8)}"{group}')
    concepts: list[list[str]] = [[]]
    number = 0

    def note() -> str:
        nonlocal number
        number += 1
        title = f', title = "{words(1, 7)}"' if dice.random() < 0.6 else ""
        return f'#[id = "R-{number}", statements = ["S1"], cites = [{dice.choice(["", "1", "1, 7"])}]{title}'

    def condition(level: int) -> str:
        kind = dice.random()
        known = [c for layer in concepts[:level] for c in layer]
        if known and kind < 0.35:
            return f"{'!' if dice.random() < 0.25 else ''}{dice.choice(known)}(P)"
        if kind < 0.5:
            variable = f"V{dice.randint(0, 10**6)}"
            low = dice.randint(1, 40)
            bound = f"{low}..{low + 9}" if dice.random() < 0.3 else str(low)
            operator = dice.choice([">=", "<", "<=", ">"])
            return f"measure(P, {dice.choice(measures)}, {variable}), {variable} {operator} {bound}"
        if kind < 0.58:
            members = "; ".join(f"finding(P, {f})" for f in dice.sample(findings, 3))
            return f"atleast {dice.randint(1, 2)} {{ {members} }}"
        return f"{'!' if dice.random() < 0.3 else ''}finding(P, {dice.choice(findings)})"

    for level in range(depth):
        layer = []
        for place in range(max(1, rules // depth)):
            name = f"c{level}_{place}"
            layer.append(name)
            out.append(f'.concept {name}(P: patient) true("{words(2, 8)}") false("{words(2, 8)}")')
            for _ in range(dice.choice([1, 1, 2, 4])):
                body = ", ".join(dict.fromkeys(condition(level + 1) for _ in range(dice.randint(1, criteria))))
                out += [note() + "]", f"{name}(P) :- patient(P), {body}."]
        concepts.append(layer)
    declared = '.concept in_scope(P: patient) true("in scope") false("out of scope")'
    out += [declared, note() + "]", f"in_scope(P) :- finding(P, {findings[0]})."]
    scope = "in_scope(P), "
    for name in interventions:
        stances = dice.sample(["urgent", "do", "consider", "defer", "avoid", "emergency"], dice.randint(1, 3))
        for stance in stances:
            body = ", ".join(dict.fromkeys(condition(depth) for _ in range(dice.randint(0, 3)))) or "patient(P)"
            says = f'{note()}, strength = strong, says = "{words(3, 12)}"]'
            out += [says, f"advise(P, {name}, {stance}) :- {scope}{body}."]
        for item in range(dice.choice([0, 0, 1, 7])):
            out += [f'{note()}, says = "{words(2, 10)}"]', f"include(P, {name}, x{item}) :- {scope}patient(P)."]
    main = dice.sample(interventions, dice.randint(0, len(interventions)))
    folder.mkdir(parents=True, exist_ok=True)
    metadata = _TOML.format(seed=seed, main=", ".join(f'"{m}"' for m in main))
    (folder / "guideline.toml").write_text(metadata, encoding="utf-8")
    (folder / "rules.dl").write_text("\n".join(out) + "\n", encoding="utf-8")
    return folder


def record(seed: int, findings: list[str], measures: list[str]) -> dict[str, object]:
    """A random patient record."""
    dice = random.Random(seed)
    known = {f: dice.choice(["present", "absent", "unknown"]) for f in findings if dice.random() < 0.6}
    numbers = {m: dice.randint(0, 60) for m in measures if dice.random() < 0.6}
    screens = {"checks": "complete"} if dice.random() < 0.4 else {}
    about = {"patient": f"random-{seed}", "as_of": "2026-01-01"}
    return {**about, "findings": known, "measures": numbers, "screens": screens}
