"""Every vignette is answered as expected: the whole way from the file through `ask` to the JSON that users get.

The expectations are read with PyYAML and compared here (kb/lumbar_radiculopathy/vignettes/README.md says what they
mean), without the runner of `guidelog test`. An unexpected answer is reported with what was expected, what came, and
why it was expected.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from guidelog import pipeline
from guidelog.compiled import Compiled
from guidelog.explain.answers import Answers
from guidelog.ground.program import GroundRule
from guidelog.language.guideline import read_guideline
from guidelog.patients import read_patient
from guidelog.semantics.kleene import Value, World
from guidelog.source import Source

KB = Path(__file__).parents[2] / "kb" / "lumbar_radiculopathy"
FILES = sorted((KB / "vignettes").glob("*.yaml"))


@cache
def compiled() -> Compiled:
    return pipeline.compile_guideline(read_guideline(KB))


def answered(path: Path) -> tuple[Answers, Mapping[str, Any]]:
    """What `ask` says about a vignette, and what it expects."""
    text = path.read_text(encoding="utf-8")
    patient = read_patient(Source(path.name, text), compiled().names.vocabulary)
    return pipeline.ask(compiled(), patient), yaml.safe_load(text)["expect"]


def disagreements(found: Answers, expected: Mapping[str, Any]) -> Iterator[str]:
    answers = {answer["intervention"]: answer for answer in found.to_json()["answers"]}
    for intervention, wanted in expected.get("answers", {}).items():
        answer = answers[intervention]
        for key, value in (wanted if isinstance(wanted, dict) else {"status": wanted}).items():
            got = part(answer, key)
            if key in ("statements", "decisions", "rules"):
                agrees = set(value) <= set(got)
            elif key in ("if_resolved", "questions", "includes", "items"):
                agrees = same(got, value)
            else:
                agrees = got == value
            if not agrees:
                yield f"{intervention} {key}: expected {value}, got {got}"
    for statement in expected.get("fires", ()):
        if applies(found.world, statement) is not True:
            yield f"{statement} does not fire"
    for statement in expected.get("withholds", ()):
        if applies(found.world, statement) is not False:
            yield f"{statement} is not withheld"


def part(answer: Mapping[str, Any], key: str) -> Any:
    match key:
        case "because":
            return answer["undetermined_because"]
        case "items":
            return [item["item"] for item in answer["includes"]]
        case "includes":
            return sorted({statement for item in answer["includes"] for statement in item["statements"]})
        case _:
            return answer[key]


def same(found: list[Any], expected: list[Any]) -> bool:
    """The same whatever the order, also of the questions in a set."""
    return sorted(map(str, map(ordered, found))) == sorted(map(str, map(ordered, expected)))


def ordered(item: Any) -> Any:
    return sorted(item) if isinstance(item, list) else item


STANCES = {"do": ("urgent", "do"), "consider": ("consider",), "avoid": ("avoid", "defer"), "defer": ("avoid", "defer")}


def applies(world: World, statement: str) -> Value:
    """Whether a rule of the statement's own certainly applies, or certainly none: advice of its kind, else what it is a
    condition of.
    """
    kind = compiled().names.statements[statement].kind
    instances = [
        i for rules in world.program.instances.values() for i in rules if statement in i.rule.listed("statements")
    ]
    advice = [i for i in instances if i.head and i.head[0] == "advise" and i.head[2] in STANCES.get(kind, ())]
    concepts = [i for i in instances if i.head and i.head[0] not in ("advise", "include", "note")]
    fewest = min((len(i.rule.listed("statements")) for i in concepts), default=0)
    concepts = [i for i in concepts if len(i.rule.listed("statements")) == fewest]
    own = (
        advice
        or (concepts if kind == "criterion" else [])
        or [i for i in instances if i.head and i.head[0] in ("include", "note")]
    )
    values = [applied(world, instance) for instance in own or instances]
    return True if True in values else None if None in values else False


def applied(world: World, instance: GroundRule) -> Value:
    values = {world.element(element) for element in instance.elements}
    if any(world.element(instance.elements[place]) is None for place in instance.settled):
        return False
    if instance.head and instance.head[0] == "advise" and instance.head[2] in ("do", "consider", "avoid", "defer"):
        held = world.atom(("advise", instance.head[1], "hold"))
        values.add(None if held is None else not held)
    return False if False in values else None if None in values else True


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_vignette(path: Path) -> None:
    found, expected = answered(path)
    assert set(expected) <= {"why", "statements", "fires", "withholds", "answers"}, (
        "nothing is expected that is not compared"
    )
    assert not list(disagreements(found, expected)), expected["why"]
    assert all(answer.certified for answer in found.answers)


def test_there_are_enough_vignettes() -> None:
    assert len(FILES) >= 40


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"answers": {"mri_lumbar": "urgent"}}, "mri_lumbar status: expected urgent, got undetermined"),
        (
            {"answers": {"mri_lumbar": {"because": "guideline_range"}}},
            "mri_lumbar because: expected guideline_range, got missing_data",
        ),
        (
            {"answers": {"mri_lumbar": {"questions": [["mri_done"]]}}},
            "mri_lumbar questions: expected [['mri_done']], got",
        ),
        ({"answers": {"mri_lumbar": {"if_resolved": ["urgent"]}}}, "mri_lumbar if_resolved: expected ['urgent'], got"),
        ({"answers": {"mri_lumbar": {"statements": ["S39"]}}}, "mri_lumbar statements: expected ['S39'], got"),
        ({"fires": ["S15"]}, "S15 does not fire"),
        ({"withholds": ["S01"]}, "S01 is not withheld"),
    ],
)
def test_a_wrong_expectation_is_noticed(change: Mapping[str, Any], message: str) -> None:
    found, _ = answered(KB / "vignettes" / "seed.yaml")
    [said] = disagreements(found, change)
    assert said.startswith(message)
