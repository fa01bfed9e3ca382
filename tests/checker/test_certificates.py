"""Certificates of real answers: accepted as they are, rejected when anything in certificate, rules or record is changed."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from guidelog import checker
from guidelog.compiled import Compiled
from guidelog.language.guideline import read_guideline
from guidelog.patients import read_patient, read_text
from guidelog.pipeline import CertificateError, ask, certify, compile_guideline
from guidelog.semantics.kleene import Model
from guidelog.semantics.one_patient import CircuitEngine
from programs import compiled_of, patient_of

FOLDER = Path(__file__).parents[2] / "kb" / "lumbar_radiculopathy"
TELLING = [
    "seed",
    "red-flag-saddle-anesthesia",
    "failed-care-candidate-bilateral",
    "mri-known-from-its-findings",
    "nothing-known",
]


@pytest.fixture(scope="module")
def compiled() -> Compiled:
    return compile_guideline(read_guideline(FOLDER))


def certificate(compiled: Compiled, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    patient = read_patient(read_text(FOLDER / "vignettes" / f"{name}.yaml"), compiled.names.vocabulary)
    return json.loads(json.dumps(ask(compiled, patient).certificate)), dict(patient.content)


def accepts(compiled: Compiled, document: Any, record: Any) -> bool:
    identity = {"id": compiled.guideline.id, "version": compiled.guideline.version}
    try:
        checker.check(document, compiled.rulebook, record, guideline=identity)
    except checker.Rejected:
        return False
    return True


@pytest.mark.parametrize("path", sorted((FOLDER / "vignettes").glob("*.yaml")), ids=lambda p: p.stem)
def test_every_vignette_is_certified(compiled: Compiled, path: Path) -> None:
    document, record = certificate(compiled, path.stem)
    assert accepts(compiled, document, record)
    assert len(document["certificates"]) >= 19


def test_who_was_answered_before_changes_nothing(compiled: Compiled) -> None:
    """What is said of rules is put together once for a guideline; a patient who comes first gets it anew."""
    quick = compiled.on(CircuitEngine)
    paths = sorted((FOLDER / "vignettes").glob("*.yaml"))[::4]
    patients = [read_patient(read_text(path), compiled.names.vocabulary) for path in paths]

    def said(patient: Any) -> Any:
        found = ask(quick, patient, asking=())
        assert all(answer.certified for answer in found.answers)
        return found.to_json(), found.certificate

    first = []
    for patient in patients:
        quick.ground.kept.clear()
        first.append(said(patient))
    again = [said(patient) for patient in patients[::-1]]
    assert quick.ground.kept
    assert again[::-1] == first
    assert [said(patient) for patient in patients] == first
    # A copy has other rules, which must not be taken for those that had their places.
    copied = copy.deepcopy(quick.ground)
    assert copied.kept["told"] == type(quick.ground.kept["told"])()


def test_no_two_parts_of_a_certificate_are_one_object(compiled: Compiled) -> None:
    """Whoever changes one step of it changes one step, and no rule of the guideline."""
    patient = read_patient(read_text(FOLDER / "vignettes" / "seed.yaml"), compiled.names.vocabulary)
    certificates = ask(compiled, patient, asking=()).certificate["certificates"]
    parts = [certificates, *(at(certificates, path) for path in places(certificates))]
    shared = [part for part in parts if isinstance(part, dict | list)]
    assert len({id(part) for part in shared}) == len(shared)
    substitutions = {id(i.substitution) for rules in compiled.ground.instances.values() for i in rules}
    assert not substitutions & {id(part) for part in shared}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path to every scalar, list and object below a value."""
    if path:
        yield path
    if isinstance(value, dict):
        for key in value:
            yield from places(value[key], (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from places(item, (*path, index))


def at(document: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        document = document[key]
    return document


def other_value(value: Any, chance: random.Random) -> Any:
    """Something else of the same kind."""
    match value:
        case bool():
            return not value
        case int():
            return value + chance.choice([-1, 1, 7])
        case None:
            return chance.choice([0, "x"])
        case "T" | "F" | "U":
            return chance.choice([v for v in "TFU" if v != value])
        case str():
            return chance.choice(
                [value + "x", "not_now" if value != "not_now" else "urgent", "low" if value == "kept" else "kept"]
            )
        case list():
            return [] if value else ["x"]
        case _:
            return {} if value else {"x": 1}


def claims_of(document: Any) -> list[Any]:
    return [c["claim"] for c in document["certificates"]]


@pytest.mark.parametrize("name", TELLING)
def test_a_changed_field_is_never_accepted_wrongly(compiled: Compiled, name: str) -> None:
    """Another value at any place is rejected, or it leaves every claim as it was and still proves it (a different but valid proof)."""
    document, record = certificate(compiled, name)
    chance = random.Random(name)
    tried = rejected = 0
    every = [p for p in places(document) if p[0] != "certificates"]
    inside = [p for p in places(document) if p[0] == "certificates"]
    for path in every + chance.sample(inside, min(200, len(inside))):
        changed = copy.deepcopy(document)
        old = at(changed, path)
        at(changed, path[:-1])[path[-1]] = other_value(old, chance)
        if changed == document:
            continue
        tried += 1
        if accepts(compiled, changed, record):
            assert claims_of(changed) == claims_of(document), path
            assert path[0] == "certificates", path
        else:
            rejected += 1
    assert tried > 150
    assert rejected / tried > 0.97


@pytest.mark.parametrize("name", TELLING)
def test_a_missing_part_is_rejected(compiled: Compiled, name: str) -> None:
    document, record = certificate(compiled, name)
    chance = random.Random(name)
    inside = [p for p in places(document) if isinstance(at(document, p[:-1]), dict | list)]
    for path in chance.sample(inside, min(150, len(inside))):
        changed = copy.deepcopy(document)
        del at(changed, path[:-1])[path[-1]]
        if accepts(compiled, changed, record):
            # Whole certificates may be left out, or a step that nothing needs; never part of what a claim rests on.
            kept = [c for c in claims_of(document) if c in claims_of(changed)]
            assert claims_of(changed) == kept, path


@pytest.mark.parametrize("name", TELLING)
def test_another_status_is_rejected(compiled: Compiled, name: str) -> None:
    document, record = certificate(compiled, name)
    statuses = [
        "urgent",
        "recommended",
        "consider",
        "not_now",
        "avoid",
        "undetermined",
        "conflict",
        "outside_guideline",
        "emergency_pathway",
    ]
    for number, one in enumerate(document["certificates"]):
        if "status" not in one["claim"]:
            continue
        for status in statuses:
            for because in (None, "missing_data", "guideline_range"):
                if (status, because) == (one["claim"]["status"], one["claim"]["because"]):
                    continue
                changed = copy.deepcopy(document)
                changed["certificates"][number]["claim"] |= {"status": status, "because": because}
                assert not accepts(compiled, changed, record), (one["claim"], status, because)


@pytest.mark.parametrize("name", TELLING)
def test_another_record_is_rejected(compiled: Compiled, name: str) -> None:
    document, record = certificate(compiled, name)
    for finding in compiled.names.vocabulary.findings:
        for value in ("present", "absent", "unknown"):
            changed = copy.deepcopy(record)
            changed.setdefault("findings", {})
            if changed["findings"].get(finding) != value:
                changed["findings"][finding] = value
                assert not accepts(compiled, document, changed)
    assert not accepts(compiled, document, {**record, "patient": "somebody-else"})
    assert not accepts(compiled, document, {**record, "as_of": "2025-11-14"})


def test_other_rules_are_rejected(compiled: Compiled) -> None:
    document, record = certificate(compiled, "seed")
    files = dict(compiled.guideline.files)
    for name, text in files.items():
        changed: dict[str, str] = {**files, name: text + "\n% a comment only\n"}
        rulebook = checker.read_rules(changed, compiled.readings)
        with pytest.raises(checker.Rejected, match=r"sha256|hash|rule"):
            checker.check(document, rulebook, record)


def test_a_certificate_forged_for_other_rules_is_rejected(compiled: Compiled) -> None:
    """Even with the right hash written in: six weeks become one, and the old proof no longer holds."""
    document, record = certificate(compiled, "seed")
    changed = {name: text.replace("W >= 6", "W >= 0") for name, text in compiled.guideline.files.items()}
    assert changed != dict(compiled.guideline.files)
    rulebook = checker.read_rules(changed, compiled.readings)
    document["guideline"] |= {"sha256": rulebook.sha256, "program_sha256": rulebook.program_sha256}
    with pytest.raises(checker.Rejected):
        checker.check(document, rulebook, record)


Fault = Callable[[Model, Compiled], Model]


def _without(model: Model, compiled: Compiled) -> Model:
    return Model(model.certain - {("in_scope",)}, model.possible)


def _also(model: Model, compiled: Compiled) -> Model:
    flag = ("red_flag",)
    return Model(model.certain | {flag}, model.possible | {flag})


def _never(model: Model, compiled: Compiled) -> Model:
    return Model(model.certain, model.possible - {("red_flag",)})


@pytest.mark.parametrize("fault", [_without, _also, _never])
def test_a_wrong_engine_gives_no_answer(compiled: Compiled, fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever model an engine makes up, nothing is answered unless the checker accepts it."""
    right = Compiled.evaluate

    def wrong(self: Compiled, *arguments: Any) -> Model:
        return fault(right(self, *arguments), self)

    monkeypatch.setattr(Compiled, "evaluate", wrong)
    patient = read_patient(read_text(FOLDER / "vignettes" / "seed.yaml"), compiled.names.vocabulary)
    with pytest.raises(CertificateError):
        ask(compiled, patient)


def test_certify_raises_on_a_rejected_document(compiled: Compiled) -> None:
    document, _ = certificate(compiled, "seed")
    patient = read_patient(read_text(FOLDER / "vignettes" / "seed.yaml"), compiled.names.vocabulary)
    document["certificates"][0]["claim"]["status"] = "urgent"
    with pytest.raises(CertificateError):
        certify(compiled, patient, document)


@pytest.mark.parametrize("sums", ["D = 4, D = V + W", "D = V + W, D = 4"])
def test_a_sum_that_is_also_a_number(sums: str) -> None:
    """A variable that one `=` makes a measured sum is one, whatever another `=` says of it; found at random."""
    text = f"""
.measure m "weeks" unit(week) range(0, 9)
.intervention ia "ia"
.statement S1 "what it says" kind(do)
#[id = "SC"]
in_scope(P) :- patient(P).
#[id = "A", statements = ["S1"], cites = [], says = "advised", strength = strong]
advise(P, ia, do) :- in_scope(P), measure(P, m, V), measure(P, m, W), {sums}.
"""
    compiled = compiled_of(text)
    for weeks, status in ((2, "recommended"), (3, "not_now")):
        [answer] = ask(compiled, patient_of(compiled, measures={"m": weeks})).answers
        assert (answer.status.value, answer.certified) == (status, True)
