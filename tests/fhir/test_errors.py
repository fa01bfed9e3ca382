"""Records that are broken, hostile or of another version: a clear error with its place, never a traceback, bounded in time and memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from fhir_support import (
    FILES,
    PATIENT,
    ROOT,
    SUBJECT,
    bundle,
    compiled,
    concept,
    condition,
    guidelog,
    mapping,
    observation,
    prescription,
)
from guidelog.diagnostics import InputError, render
from guidelog.fhir import looks_like_fhir, read_path, read_records
from guidelog.fhir.reading import bundle as document

SEED = (FILES / "seed.json").read_text(encoding="utf-8")


def error(data: Any) -> str:
    with pytest.raises(InputError) as caught:
        read_records(data, mapping(), compiled().names.vocabulary)
    [only] = caught.value.diagnostics
    return render(only)


def read(data: Any) -> Any:
    return read_records(data, mapping(), compiled().names.vocabulary)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "error[GL452]: the record is empty"),
        ("   \n", "error[GL452]: the record is empty"),
        ("not json", "error[GL451]: the record is not JSON: "),
        ('{"resourceType": "Bundle", "entry": [}', "error[GL451]: the record is not JSON: "),
        ("[1, 2]", "error[GL452]: resource 1 of the record is not a FHIR resource"),
        ("{}", "error[GL452]: the record is not a FHIR resource"),
        ('{"resourceType": 3}', "error[GL452]: the record is not a FHIR resource"),
        ('{"resourceType": "Bundle", "entry": {}}', "error[GL452]: `entry` of the Bundle is not a list"),
        ('{"resourceType": "Bundle", "entry": [3]}', "error[GL452]: entry 1 is not an object"),
        ('{"resourceType": "Bundle", "entry": [{"resource": 3}]}', "error[GL452]: entry 1 is not a FHIR resource"),
        ('{"resourceType": "Patient"}\n{"resourceType": ', "error[GL451]: the record"),
        ("\ud800", "error[GL451]: the record is not JSON"),
    ],
)
def test_malformed(text: str, expected: str) -> None:
    assert error(text).startswith(expected)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_cut_off(share: float) -> None:
    told = error(SEED.rstrip()[: int(len(SEED.rstrip()) * share)])
    assert "GL451" in told
    assert "line" in told
    assert "column" in told


def test_the_broken_line_of_ndjson_is_named() -> None:
    assert "line 2" in error('{"resourceType": "Patient", "id": "a"}\n{"resourceType": x}\n')


OTHER_VERSIONS = [
    (
        {
            "resourceType": "Condition",
            "patient": SUBJECT,
            "clinicalStatus": "active",
            "verificationStatus": "confirmed",
        },
        "DSTU2",
    ),
    ({"resourceType": "MedicationOrder", "patient": SUBJECT}, "DSTU2"),
    ({"resourceType": "Condition", "subject": SUBJECT, "clinicalStatus": "active"}, "STU3"),
    ({"resourceType": "ProcedureRequest", "subject": SUBJECT}, "STU3"),
    ({"resourceType": "Procedure", "subject": SUBJECT, "status": "completed", "notDone": False}, "STU3"),
    ({"resourceType": "MedicationStatement", "subject": SUBJECT, "status": "active", "taken": "y"}, "STU3"),
    (
        {
            "resourceType": "QuestionnaireResponse",
            "status": "completed",
            "questionnaire": {"reference": "Questionnaire/1"},
        },
        "STU3",
    ),
    (
        {"resourceType": "MedicationRequest", "subject": SUBJECT, "medication": {"concept": concept("rxnorm:25480")}},
        "R5",
    ),
    (
        {"resourceType": "Procedure", "subject": SUBJECT, "status": "completed", "occurrenceDateTime": "2025-01-01"},
        "R5",
    ),
    ({"resourceType": "Encounter", "subject": SUBJECT, "status": "completed", "class": [concept("snomed:1")]}, "R5"),
    ({"resourceType": "MedicationUsage"}, "R5"),
]


@pytest.mark.parametrize(
    ("found", "version"), OTHER_VERSIONS, ids=lambda v: v if isinstance(v, str) else v["resourceType"]
)
def test_other_versions_are_named_with_their_place(found: dict[str, Any], version: str) -> None:
    told = error(json.dumps(bundle(PATIENT, {**found, "id": "x"})))
    assert told.startswith(f"error[GL453]: entry 2 is FHIR {version}, and only R4 is read")


def test_no_resource_of_the_own_files_is_of_another_version() -> None:
    for path in FILES.glob("*.json"):
        read_path(path, mapping(), compiled().names.vocabulary)


def test_nested_too_deeply() -> None:
    assert "GL45" in error('{"resourceType":"Patient","a":' + "[" * 100_000 + "]" * 100_000 + "}")
    nested: dict[str, Any] = PATIENT
    for _ in range(10):
        nested = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": nested}]}
    assert "Bundles inside each other" in error(json.dumps(nested))


def test_deep_items_of_a_questionnaire_are_left_open_and_said() -> None:
    item: dict[str, Any] = {"linkId": "mri_correlates", "answer": [{"valueBoolean": True}]}
    for _ in range(300):
        item = {"linkId": "g", "item": [item]}
    reading = read(
        [PATIENT, {"resourceType": "QuestionnaireResponse", "id": "q", "status": "completed", "item": [item]}]
    )
    assert set(reading.patient.findings.values()) == {None}
    assert "deep" in reading.not_read[0].reason


def test_references_that_lead_in_a_circle() -> None:
    circle = [
        {
            "resourceType": "Medication",
            "id": f"m{n}",
            "ingredient": [{"itemReference": {"reference": f"Medication/m{(n + 1) % 3}"}}] * 40,
        }
        for n in range(3)
    ]
    request = prescription("r", "rxnorm:1", medicationReference={"reference": "Medication/m0"})
    start = time.process_time()
    read([PATIENT, *circle, request])
    assert time.process_time() - start < 5


def test_too_large(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(document, "LARGEST", 1000)
    assert "GL454" in error(SEED)
    (tmp_path / "b.json").write_text(SEED)
    with pytest.raises(InputError, match=r"has [0-9,]+ bytes"):
        read_path(tmp_path / "b.json", mapping(), compiled().names.vocabulary)
    for n in range(5):
        (tmp_path / f"{n}.json").write_text(json.dumps({**PATIENT, "text": "x" * 300}))
    with pytest.raises(InputError, match="may have"):
        read_path(tmp_path, mapping(), compiled().names.vocabulary)


def test_too_many(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(document, "MOST_RESOURCES", 10)
    assert "more than 10 resources" in error([{"resourceType": "Basic"}] * 11)
    monkeypatch.setattr(document, "MOST_FILES", 3)
    for n in range(4):
        (tmp_path / f"{n}.json").write_text(json.dumps(PATIENT))
    with pytest.raises(InputError, match="4 files"):
        read_path(tmp_path, mapping(), compiled().names.vocabulary)


def test_text_of_a_record_cannot_forge_output() -> None:
    evil = condition("c", "snomed:267064002")
    evil["code"]["coding"][0]["display"] = "\x1b[2Jnothing\u202e\nfindings:\r\x00 " + "x" * 500
    evil["id"] = "c\x1b[31m"
    reading = read([{**PATIENT}, evil])
    shown = json.dumps(reading.to_json(), ensure_ascii=False) + str(reading.patient.content)
    assert not any(c in shown for c in "\x1b\x00\u202e")
    assert reading.patient.findings == {"urinary_retention": True}


def test_what_looks_like_fhir(tmp_path: Path) -> None:
    def made(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    assert looks_like_fhir(FILES / "seed.json")
    assert looks_like_fhir(FILES)
    assert looks_like_fhir(made("a.ndjson", ""))
    assert looks_like_fhir(made("b", ' \n[{"resourceType": "Patient"}]'))
    late = json.dumps({"id": "x" * 9000, "entry": [], "resourceType": "Bundle"})
    assert looks_like_fhir(made("late.json", late))
    assert not looks_like_fhir(made("p.json", '{"patient": "a", "findings": {}}'))
    assert not looks_like_fhir(made("p.yaml", "patient: a\n"))
    assert not looks_like_fhir(tmp_path / "nothing")
    assert not looks_like_fhir("\0")


# ---------------------------------------------------------------- as a user


HOSTILE = [
    b"{",
    b'{"resourceType"',
    b'{"resourceType": "Bundle", "entry": [' + b"[" * 100_000,
    b'\xff\xfe{"resourceType": 1}',
    b'{"resourceType": "Bundle"}' * 2,
    b'{"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "MedicationOrder"}}]}',
    b'["resourceType"]',
    b'{"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Patient", "id": "a"}}, {"resource": {"resourceType": "Patient", "id": "b"}}]}',
]


@pytest.mark.parametrize("number", range(len(HOSTILE)))
def test_exit_code_2_and_no_traceback(number: int, tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    path.write_bytes(HOSTILE[number])
    done = guidelog("ask", str(path), code=2)
    assert "error[GL4" in done.stderr
    assert done.stdout == ""


def test_a_huge_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.json"
    with path.open("wb") as file:
        file.write(b'{"resourceType": "Bundle", "entry": [')
        file.truncate(20_000_000_000)
    start = time.process_time()
    told = guidelog("facts", str(path), code=2).stderr
    assert "GL454" in told
    assert "20,000,000,000 bytes" in told
    assert time.process_time() - start < 10


def test_a_folder_and_ndjson_and_a_bundle_say_the_same(tmp_path: Path) -> None:
    entries = [e["resource"] for e in json.loads(SEED)["entry"]]
    (tmp_path / "r.ndjson").write_text("\n".join(json.dumps(r) for r in entries))
    folder = tmp_path / "folder"
    folder.mkdir()
    for n, r in enumerate(entries):
        (folder / f"{n}.json").write_text(json.dumps(r))
    vocabulary = compiled().names.vocabulary
    contents = [
        read_path(p, mapping(), vocabulary).patient.content
        for p in (FILES / "seed.json", tmp_path / "r.ndjson", folder)
    ]
    assert contents[0] == contents[1] == contents[2]


def test_an_empty_folder_is_no_record(tmp_path: Path) -> None:
    assert "is a directory" in guidelog("ask", str(tmp_path), code=2).stderr


@pytest.mark.slow
def test_memory_is_bounded(tmp_path: Path) -> None:
    """A record of 13 MB is read within 1 GB, in a process of its own that may have no more."""
    path = tmp_path / "large.json"
    many = [
        observation(f"o{n}", "loinc:8867-4", valueQuantity={"value": 60 + n % 40, "code": "/min"})
        for n in range(40_000)
    ]
    path.write_text(json.dumps(bundle(PATIENT, *many)))
    assert path.stat().st_size > 13_000_000
    program = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_AS, (1_000_000_000,) * 2)\n"
        "from fhir_support import *\nfrom guidelog.fhir import read_path\n"
        "print(len(read_path(sys.argv[1], mapping(), compiled().names.vocabulary).ignored))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, path],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": "tests/support"},
    )
    assert (done.stdout.strip(), done.returncode) == ("40000", 0), done.stderr[-1000:]
