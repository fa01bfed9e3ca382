"""What a picture of a patient paints is what `ask` certifies: on the guideline, on cases that were wrong, on random ones."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from drawn import KB, ROOT, answers, assert_sound, compile_folder, compiled
from guidelog import pipeline
from guidelog.compiled import Compiled
from guidelog.diagrams.interchange import lines_between, to_mermaid
from guidelog.diagrams.outline import table_words
from guidelog.diagrams.pathway.derive import infer
from guidelog.diagrams.pathway.model import Node, Pathway
from guidelog.diagrams.patient.statuses import Overlaying
from guidelog.diagrams.pictures import pathway_picture, patient_picture, rules_picture
from guidelog.explain.answers import Answers
from guidelog.language.stances import STANCES
from guidelog.patients import patient_from_content, read_patient, read_text
from guidelog.semantics.status import STATUS_OF_STANCE, Status, stances_in
from guidelog.wording.presentation import presentation

CASES = ROOT / "tests" / "diagrams" / "cases"
WORDS = {presentation(status).word.upper(): status for status in Status}
SAID = {**WORDS, "CERTAIN": None, "HOLDS": None}
"""The words of a line that claim a status; the last two claim the one of the line's own stance."""


def faults(pathway: Pathway, given: Answers) -> Iterator[str]:
    """Where the picture says another status than the certified answer, or leaves one out."""
    overlay = Overlaying(pathway, given).overlay()
    found = {a.intervention: a.status for a in given.answers}
    painted: set[tuple[str, Status]] = set()
    for node in pathway.nodes():
        table = pathway.tables[node.table].items if node.kind == "urgent" and node.table else ()
        lines = [(node.key, place, item) for place, item in enumerate(node.body)]
        lines += [(node.table, place, item) for place, item in enumerate(table)]
        for owner, place, item in lines:
            chip = overlay.items.get((owner, place))
            if item.intervention is None or chip is None or chip.word not in SAID:
                continue
            says = SAID[chip.word] or STATUS_OF_STANCE[item.stance]
            painted.add((item.intervention, says))
            if says is not found[item.intervention]:
                yield f"box {node.number}, {item.intervention} {item.stance}: {chip.word}, not {found[item.intervention]}"
        mark = overlay.nodes[node.key]
        names = {name for name, _ in node.interventions}
        if names and (mark.word or mark.look.word) in WORDS:
            says = WORDS[mark.word or mark.look.word]
            painted |= {(name, says) for name in names if found[name] is says}
            if not any(found[name] is says for name in names):
                yield f"box {node.number}, {sorted(names)}: {says}, not {[found[n] for n in sorted(names)]}"
            if node.kind == "exit" and says in (Status.RECOMMENDED, Status.CONSIDER):
                yield f"box {node.number}: an exit that is {says}"
    for name, status in found.items():
        held = stances_in(given.world, name)
        drawn = {s for n in pathway.nodes() for i, s in n.interventions if i == name}
        decided = [s for s in STANCES if held.get(s) is True and STATUS_OF_STANCE[s] is status]
        shown = (name, status) in painted or _exit_marked(pathway, overlay.nodes, name)
        if set(decided) & drawn and not shown and not _is_left(pathway, given, name, decided):
            yield f"{name}: {status} is nowhere"


def _exit_marked(pathway: Pathway, nodes: object, name: str) -> bool:
    """An exit that is reached, and in which nothing has to be told apart, says it by its title."""
    assert isinstance(nodes, dict)
    return any(
        nodes[n.key].look.word == "REACHED"
        for n in pathway.nodes()
        if n.kind == "exit" and name in dict(n.interventions)
    )


def _is_left(pathway: Pathway, given: Answers, name: str, decided: list[str]) -> bool:
    """Whether none of the rules that decide stands in a box (they are listed as not drawn)."""
    rules = {r.id for n in pathway.nodes() for r in n.rules}
    behind = {i.rule.id for s in decided for i in given.world.holding(("advise", name, s))}
    return not behind & rules


@pytest.mark.parametrize("name", sorted(p.stem for p in (KB / "vignettes").glob("*.yaml"))[::4])
def test_vignettes(name: str) -> None:
    assert list(faults(infer(compiled(KB)), answers(name))) == []


@pytest.mark.parametrize("case", ["two-refusals", "two-stances-for"])
@pytest.mark.parametrize("weeks", [1, 3, 5])
@pytest.mark.parametrize("age", [50, 95])
def test_two_stances_of_a_kind(case: str, weeks: int, age: int) -> None:
    """Once the first of two refusals was drawn and the other nowhere, and the second of two options was blocked."""
    known = compiled(CASES / case)
    content = {
        "patient": "p", "as_of": "2026-01-01", "findings": {"condition": "present"},
        "measures": {"waiting_weeks": weeks, **({"age": age} if case == "two-refusals" else {})},
        "screens": {"alarm_signs": "complete"},
    }  # fmt: skip
    given = pipeline.ask(known, patient_from_content(content, known.names.vocabulary))
    assert list(faults(infer(known), given)) == []
    assert_sound(patient_picture(known, given))


@pytest.mark.parametrize("seed", range(12))
def test_random_guidelines_with_all_stances(seed: int, tmp_path: Path) -> None:
    known = compile_folder(mixed_guideline(tmp_path / "g", seed))
    pathway = infer(known)
    seen: set[Status] = set()
    for number in range(12):
        given = pipeline.ask(known, patient_from_content(mixed_record(seed * 100 + number), known.names.vocabulary))
        seen |= {a.status for a in given.answers}
        assert list(faults(pathway, given)) == [], number
    assert len(seen) >= 3
    assert_sound(patient_picture(known, given))


def mixed_guideline(folder: Path, seed: int) -> Path:
    """A small guideline in which an intervention has many stances at once, each on conditions of its own."""
    dice = random.Random(seed)
    out = ['.statement S1 "One." kind(do) cites(1)']
    out += [f'.finding f{i} "sign {i}" true("sign {i} is there") false("sign {i} is not there")' for i in range(5)]
    out += ['.measure weeks "weeks" unit(week) range(0, 100)']
    out += [f'.intervention i{i} "action {i}" group("Group {i % 3}")' for i in range(5)]
    out += ['.concept in_scope(P: patient) true("in scope") false("out of scope")']
    out += ['#[id = "SCOPE", statements = ["S1"], cites = [1]]', "in_scope(P) :- finding(P, f0)."]
    number = 0
    for i in range(5):
        for stance in dice.sample(list(STANCES), dice.randint(2, 5)):
            for _ in range(dice.choice([1, 1, 2])):
                number += 1
                body = [f"{dice.choice(['', '!'])}finding(P, f{dice.randint(1, 4)})" for _ in range(dice.randint(0, 2))]
                if dice.random() < 0.4:
                    body.append(f"measure(P, weeks, W), W {dice.choice(['>=', '<'])} {dice.randint(2, 8)}")
                head = f'#[id = "R-{number}", statements = ["S1"], cites = [1], says = "Rule {number}"]'
                out += [head, f"advise(P, i{i}, {stance}) :- {', '.join(dict.fromkeys(['in_scope(P)', *body]))}."]
    folder.mkdir(parents=True)
    main = ", ".join(f'"i{i}"' for i in dice.sample(range(5), dice.randint(0, 4)))
    text = (ROOT / "tests" / "guidelines" / "sore_throat" / "guideline.toml").read_text(encoding="utf-8")
    lines = [f"main = [{main}]" if line.startswith("main") else line for line in text.splitlines()]
    (folder / "guideline.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "rules.dl").write_text("\n".join(out) + "\n", encoding="utf-8")
    return folder


def mixed_record(seed: int) -> dict[str, object]:
    """A record of such a guideline; mostly in scope."""
    dice = random.Random(seed)
    findings = {f"f{i}": dice.choice(["present", "absent"]) for i in range(5) if dice.random() < 0.7}
    if dice.random() < 0.8:
        findings["f0"] = "present"
    measures = {"weeks": dice.randint(0, 10)} if dice.random() < 0.7 else {}
    return {"patient": f"m{seed}", "as_of": "2026-01-01", "findings": findings, "measures": measures}


def test_a_wrong_picture_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The check above fails when a box is painted by a rule's stance in place of the certified status."""
    from guidelog.diagrams.patient import lines

    known = compiled(CASES / "two-refusals")
    patient = read_patient(read_text(CASES / "two-refusals" / "p.yaml"), known.names.vocabulary)
    given = pipeline.ask(known, patient)
    monkeypatch.setattr(
        lines.Statuses, "painted", lambda self, name, stance, rules=(): lines.of_status(STATUS_OF_STANCE[stance])
    )
    assert list(faults(infer(known), given))


# every rule, every line
def rule_numbers(known: Compiled) -> tuple[set[str], set[str], set[str]]:
    pathway = infer(known)
    boxes = [*(n for n in pathway.nodes())]
    items = [*(i for n in boxes for i in n.body), *(i for t in pathway.tables.values() for i in t.items)]
    drawn = {r.id or "" for r in (*(r for n in boxes for r in n.rules), *(r for i in items for r in i.rules))}
    return (
        {r.id or "" for r in known.program.numbered_rules},
        drawn,
        {r for v in pathway.not_drawn().values() for r in v},
    )


def test_every_rule_is_drawn_or_listed_as_not_drawn() -> None:
    """And counted alike on the pathway and the rule map."""
    known = compiled(KB)
    every, drawn, left = rule_numbers(known)
    assert every == drawn | left
    assert not drawn & left
    picture = pathway_picture(known)
    for number in left:
        assert number in picture.outline
        assert number in picture.scenes[0].texts()
    count = f"{len(every)} rules"
    assert count in picture.scenes[0].texts()
    assert count in rules_picture(known.guideline, known.program, known.names).scenes[0].texts()


def test_lines_that_leave_a_decision_are_labelled_in_every_format() -> None:
    pathway = infer(compiled(KB))
    decisions = {n.number for n in pathway.nodes() if n.kind == "decision"}
    lines = list(lines_between(pathway))
    assert all(label in ("Yes", "No") for tail, _, label in lines if tail.number in decisions)
    assert any(label == "go on with" for *_, label in lines)
    picture = pathway_picture(compiled(KB))
    assert not any(
        line.count("-->") and "|" not in line
        for line in to_mermaid(picture).splitlines()
        if line.split(" -->")[0].strip() in {f"b{n - 1}" for n in decisions}
    )
    words = "\n".join(table_words(picture.graph))
    assert all(f"{label} {head.number}" in words for tail, head, label in lines if tail.number in decisions)
    pages = [edge for edge in picture.scenes[-1].edges if _number(edge.tail, pathway.nodes()) in decisions]
    assert all(edge.label for edge in pages if edge.arrow == "normal")


def _number(box: str, nodes: list[Node]) -> int:
    return next((n.number for n in nodes if f"box-{n.key}" == box), 0)


def test_mermaid_has_phases_rules_and_citations() -> None:
    text = to_mermaid(pathway_picture(compiled(KB)))
    for phase in infer(compiled(KB)).all_phases():
        assert f'["{phase.title}"]' in text
    assert "URG-1" in text
    assert "#91;1#93;" in text


def test_an_emergency_comes_first() -> None:
    picture = patient_picture(compiled(KB), answers("red-flag-suspected-cancer"))
    first = next(box for box in picture.scenes[0].boxes if box.id == "emergency")
    assert first.y < min(b.y for b in picture.scenes[0].boxes if b.id != "emergency")
    assert first.w > 0.9 * picture.scenes[0].w
    assert picture.outline.splitlines()[2] == "EMERGENCY"
    assert (
        picture.outline.index("EMERGENCY")
        < picture.outline.index("AFTER THE EMERGENCY")
        < picture.outline.index("PHASE 1")
    )
    assert not any(b.id == "emergency" for b in patient_picture(compiled(KB), answers("seed")).scenes[0].boxes)
