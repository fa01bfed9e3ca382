"""The Questionnaire of a guideline: valid, and filled in it says what the record said. R4's invariants hold of all that is written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fhirpathpy
import pytest
from fhirpathpy.models import models

from fhir_support import ROOT, compiled, guidelog, mapping
from guidelog.fhir import read_records
from guidelog.fhir.reading.validate import faults_of
from guidelog.fhir.writing.guidance_response import answers_to_fhir
from guidelog.fhir.writing.plan_definition import guideline_to_fhir
from guidelog.fhir.writing.questionnaire import names_of, questionnaire_of, response_of
from guidelog.patients import read_patient, read_text
from guidelog.pipeline import ask

VIGNETTES = ROOT / "kb" / "lumbar_radiculopathy" / "vignettes"

# Invariants of FHIR R4 (4.0.1) on the resources that are written: where, key, expression.
INVARIANTS = [
    ("RequestGroup.action", "rqg-1", "resource.exists() != action.exists()"),
    ("Questionnaire", "que-2", "descendants().linkId.isDistinct()"),
    ("Questionnaire", "que-0", "name.matches('[A-Z]([A-Za-z0-9_]){0,254}')"),
    (
        "Questionnaire.item",
        "que-1",
        "(type='group' implies item.empty().not()) and (type.trace('type')='display' implies item.empty())",
    ),
    ("Questionnaire.item", "que-3", "type!='display' or code.empty()"),
    ("Questionnaire.item", "que-5", "(type ='choice' or type = 'open-choice') or answerOption.empty()"),
    ("Questionnaire.item", "que-9", "type!='display' or readOnly.empty()"),
    ("Questionnaire.item", "que-11", "answerOption.empty() or initial.empty()"),
    ("QuestionnaireResponse.item", "qrs-1", "(answer.exists() and item.exists()).not()"),
    ("PlanDefinition", "pdf-0", "name.matches('[A-Z]([A-Za-z0-9_]){0,254}')"),
    ("Library", "lib-0", "name.matches('[A-Z]([A-Za-z0-9_]){0,254}')"),
    ("CarePlan.activity", "cpl-3", "detail.empty() or reference.empty()"),
    ("ServiceRequest", "prr-1", "orderDetail.empty() or code.exists()"),
    ("Bundle", "bdl-1", "total.empty() or (type = 'searchset') or (type = 'history')"),
    ("Bundle", "bdl-7", "entry.where(fullUrl.exists()).select(fullUrl&resource.meta.versionId).isDistinct()"),
    ("Bundle.entry", "bdl-5", "resource.exists() or request.exists() or response.exists()"),
    ("Bundle.entry", "bdl-8", "fullUrl.contains('/_history/').not()"),
    ("Extension", "ext-1", "extension.exists() != value.exists()"),
]


def whole(resource: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A resource and those in it."""
    yield resource
    for entry in resource.get("entry", ()):
        yield from whole(entry["resource"])
    yield from resource.get("contained", ())


def elements(part: Any, path: list[str]) -> Iterator[dict[str, Any]]:
    """The elements at a path; items and actions nest."""
    if not path:
        yield part
        return
    for item in part.get(path[0], ()):
        yield from elements(item, path[1:])
        if len(path) == 1 and path[0] in item:
            yield from elements(item, path)


def broken(resource: dict[str, Any]) -> list[str]:
    """The invariants that a resource breaks."""
    found = []
    for one in whole(resource):
        for where, key, expression in INVARIANTS:
            kind, *path = where.split(".")
            if kind == "Extension":
                parts = list(extensions(one))
            elif kind == one["resourceType"]:
                parts = list(elements(one, path))
            else:
                continue
            for part in parts:
                said = (
                    fhirpathpy.evaluate(part, expression.replace(".trace('type')", ""), [], models["r4"])
                    if kind != "Extension"
                    else [("extension" in part) != any(k.startswith("value") for k in part)]
                )
                if said != [True]:
                    found.append(f"{where}: {key}")
    return found


def extensions(part: Any) -> Iterator[dict[str, Any]]:
    if isinstance(part, dict):
        yield from part.get("extension", ())
        for key, value in part.items():
            if key != "contained":
                yield from extensions(value)
    elif isinstance(part, list):
        for item in part:
            yield from extensions(item)


def patient(path: Path) -> Any:
    return read_patient(read_text(path), compiled().names.vocabulary)


def test_the_questionnaire_is_valid_and_asks_for_everything() -> None:
    made = questionnaire_of(compiled())
    assert faults_of(made) == []
    assert broken(made) == []
    vocabulary = compiled().names.vocabulary
    screens = {f"screen:{name}" for name in vocabulary.screens}
    assert names_of(made) == {*vocabulary.findings, *vocabulary.measures, *screens}
    groups = {g["linkId"]: g for g in made["item"]}
    red = groups["group:red_flags"]["item"]
    assert [i["linkId"] for i in red] == [*vocabulary.screens["red_flags"].members, "screen:red_flags"]
    codes = {c["code"] for c in red[0]["code"]}
    assert {"urinary_retention", "267064002", "R33.9"} <= codes
    assert "236648008" not in codes  # acute retention is narrower


@pytest.mark.parametrize("path", sorted(VIGNETTES.glob("*.yaml")), ids=lambda p: p.stem)
def test_filled_in_it_says_what_the_record_said(path: Path) -> None:
    record = patient(path)
    made = response_of(compiled(), record)
    assert faults_of(made) == []
    assert broken(made) == []
    back = read_records(json.dumps(made), mapping(), compiled().names.vocabulary).patient
    assert dict(back.findings) == dict(record.findings)
    assert back.screens == record.screens
    exact = {
        n for group in made["item"] for i in group["item"] if "valueQuantity" in i["answer"][0] for n in [i["linkId"]]
    }
    vocabulary = compiled().names.vocabulary
    from guidelog.patients import close

    ours, theirs = close(record, vocabulary), close(back, vocabulary)
    for name in exact:
        assert theirs.measures[name].low <= ours.measures[name].low, name
        assert ours.measures[name].high <= theirs.measures[name].high < ours.measures[name].high + 10, name


def test_filled_in_it_settles_the_seed_patient(tmp_path: Path) -> None:
    """As a clinician would: the form exported, the record's answers and what is still open filled in, the response asked."""
    form, response = tmp_path / "q.json", tmp_path / "qr.json"
    guidelog("export", "questionnaire", "--out", str(form))
    guidelog("export", "questionnaire", "--fill", str(VIGNETTES / "seed.yaml"), "--out", str(response))
    before = json.loads(guidelog("ask", str(response), "--format", "json").stdout)["answers"]
    assert {a["intervention"]: a["status"] for a in before}["mri_lumbar"] == "undetermined"
    made = json.loads(response.read_text())
    asked = json.loads(form.read_text())
    weeks = {"symptom_weeks": 40}
    for group in asked["item"]:
        answered = {i["linkId"] for g in made["item"] for i in g["item"]}
        more = []
        for item in group["item"]:
            if item["linkId"] in answered:
                continue
            if item["type"] == "boolean":
                more.append({"linkId": item["linkId"], "answer": [{"valueBoolean": True}]})
            elif item["type"] == "choice":
                no = next(o for o in item["answerOption"] if o["valueCoding"]["display"] == "No")
                more.append({"linkId": item["linkId"], "answer": [no]})
            elif item["type"] == "quantity":
                unit = item["extension"][0]["valueCoding"]
                more.append(
                    {
                        "linkId": item["linkId"],
                        "answer": [{"valueQuantity": {"value": weeks.get(item["linkId"], 0), **unit}}],
                    }
                )
        made["item"].append({"linkId": group["linkId"], "item": more})
    response.write_text(json.dumps(made))
    after = json.loads(guidelog("ask", str(response), "--format", "json").stdout)["answers"]
    assert [a["intervention"] for a in after if a["status"] == "undetermined"] == []


def test_all_that_is_written_keeps_the_invariants_of_r4() -> None:
    record = patient(VIGNETTES / "seed.yaml")
    for made in (answers_to_fhir(ask(compiled(), record), None), guideline_to_fhir(compiled())):
        assert broken(made) == []


def test_a_broken_invariant_is_seen() -> None:
    """An action with neither a resource nor actions of its own, which models of FHIR let pass."""
    group = next(
        r
        for r in whole(answers_to_fhir(ask(compiled(), patient(VIGNETTES / "seed.yaml")), None))
        if r["resourceType"] == "RequestGroup"
    )
    assert broken(group) == []
    del group["action"][0]["resource"]
    assert faults_of(group) == []
    assert broken(group) == ["RequestGroup.action: rqg-1"]


# ---------------------------------------------------------------- forms of others

FORM = """
[[form]]
url = "http://example.org/Questionnaire/back-pain"
items = {q1 = "saddle_anesthesia", q2 = "red_flags", q3 = "conservative_care_weeks", q4 = "urinary_retention"}
answers = {"http://example.org/yn|1" = "yes", "http://example.org/yn|0" = "no"}
"""


def test_another_form_comes_back_through_a_map() -> None:
    from guidelog.fhir.terminology.code_file import read_codes
    from guidelog.source import Source

    text = (ROOT / "kb/lumbar_radiculopathy/codes.toml").read_text() + FORM
    vocabulary = compiled().names.vocabulary
    found, problems = read_codes(Source("codes.toml", text), vocabulary)
    assert problems == []
    response = {
        "resourceType": "QuestionnaireResponse",
        "questionnaire": "http://example.org/Questionnaire/back-pain|3",
        "status": "completed",
        "authored": "2025-11-13",
        "subject": {"reference": "Patient/p1"},
        "item": [
            {"linkId": "q1", "answer": [{"valueCoding": {"system": "http://example.org/yn", "code": "0"}}]},
            {"linkId": "q2", "answer": [{"valueBoolean": True}]},
            {"linkId": "q3", "answer": [{"valueQuantity": {"value": 2, "code": "wk"}}]},
            {"linkId": "q4", "answer": [{"valueCoding": {"system": "http://example.org/yn", "code": "7"}}]},
            {"linkId": "urinary_incontinence", "answer": [{"valueBoolean": True}]},
        ],
    }
    reading = read_records(json.dumps(response), found, vocabulary)
    assert dict(reading.patient.findings) == {"saddle_anesthesia": False, "urinary_retention": None}
    assert reading.patient.screens == ("red_flags",)
    assert [n.source for n in reading.not_read] == ["QuestionnaireResponse (the record)#q4"]


def test_a_wrong_map_is_reported() -> None:
    from guidelog.fhir.terminology.code_file import read_codes
    from guidelog.source import Source

    text = FORM.replace("saddle_anesthesia", "saddle_anaesthesia").replace('"no"', '"never"')
    problems = read_codes(Source("codes.toml", text), compiled().names.vocabulary)[1]
    assert [p.code for p in problems] == ["GL443", "GL442"]
    assert problems[0].hint == "did you mean `saddle_anesthesia`?"
