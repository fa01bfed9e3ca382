"""What a source said and nobody understood stays unknown: in the record, in the facts, and for the checker."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from fhir_support import compiled, guidelog
from guidelog.diagnostics import InputError
from guidelog.patients import NotRead, close, patient_from_content
from guidelog.patients.not_read import MOST, limited

SCREENED = {"patient": "p", "as_of": "2025-11-13", "screens": {"red_flags": "complete"}}


def record(*entries: dict[str, Any], **more: object) -> dict[str, Any]:
    return SCREENED | more | ({"not_read": list(entries)} if entries else {})


def facts(content: dict[str, Any]) -> dict[str, Any]:
    vocabulary = compiled().names.vocabulary
    return dict(close(patient_from_content(content, vocabulary), vocabulary).findings)


ENTRY = {"source": "Observation/o", "reason": "its answer is none of yes and no", "speaks_of": ["urinary_retention"]}


def test_no_screen_closes_over_what_was_not_read() -> None:
    assert facts(record())["urinary_retention"] is False
    read = facts(record(ENTRY))
    assert read["urinary_retention"] is None
    assert read["saddle_anesthesia"] is False


def test_an_entry_that_may_be_about_anything_leaves_every_member_open() -> None:
    read = facts(record({"source": "page 2", "reason": "it was not sent"}))
    assert {read[name] for name in compiled().names.vocabulary.screens["red_flags"].members} == {None}


def test_what_is_listed_beside_it_counts() -> None:
    assert facts(record(ENTRY, findings={"urinary_retention": "absent"}))["urinary_retention"] is False


def test_the_entries_travel_with_the_patient_and_are_part_of_what_is_signed() -> None:
    vocabulary = compiled().names.vocabulary
    with_entry = patient_from_content(record(ENTRY), vocabulary)
    assert with_entry.not_read == (
        NotRead("Observation/o", "", ("urinary_retention",), "its answer is none of yes and no"),
    )
    assert with_entry.not_read[0].to_json() == ENTRY
    assert with_entry.sha256 != patient_from_content(record(), vocabulary).sha256


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ({"not_read": "all"}, "`not_read` is a list"),
        ({"not_read": [{"reason": "x"}]}, "has no `source`"),
        ({"not_read": [{**ENTRY, "speaks_of": ["urinary_retentoin"]}]}, "no finding, measure or screen"),
        ({"not_read": [{**ENTRY, "speaks_of": []}]}, "`speaks_of` has no names"),
        ({"not_read": [{**ENTRY, "why": "x"}]}, "no part `why`"),
        ({"not_read": [ENTRY] * (MOST + 1)}, "at most 200"),
    ],
)
def test_what_is_wrong_in_an_entry_is_said(part: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        patient_from_content(SCREENED | part, compiled().names.vocabulary)


def test_a_long_list_ends_in_an_entry_that_speaks_of_all_that_is_over() -> None:
    many = [NotRead(f"Condition/{n}", "", (f"name_{n % 3}",), "why") for n in range(MOST + 50)]
    found = limited(many)
    assert len(found) == MOST
    assert found[-1].speaks_of == ("name_0", "name_1", "name_2")
    assert limited([*many, NotRead("page 2", "", (), "why")])[-1].speaks_of == ()


def test_the_checker_does_not_let_a_screen_close_over_it_either(tmp_path: Path) -> None:
    """A certificate of the screened record is refused for the same record with something that was not read."""
    paths = {"not_now": tmp_path / "plain.json", "undetermined": tmp_path / "unread.json"}
    findings = {
        **dict.fromkeys(("chronic_radiculopathy", "level_l5_s1", "low_back_pain"), "present"),
        "symptoms_persist": "absent",
    }
    paths["not_now"].write_text(json.dumps(record(findings=findings)))
    paths["undetermined"].write_text(json.dumps(record(ENTRY, findings=findings)))
    made = {}
    for status, path in paths.items():
        certificate = tmp_path / f"{status}.certificate.json"
        guidelog("certify", str(path), "mri_lumbar", "--out", str(certificate))
        guidelog("check-certificate", str(certificate), str(path))
        made[status] = json.loads(certificate.read_text())
        assert made[status]["certificates"][0]["claim"]["status"] == status
    forged = made["not_now"] | {"patient": made["undetermined"]["patient"]}
    certificate.write_text(json.dumps(forged))
    guidelog("check-certificate", str(certificate), str(paths["undetermined"]), code=1)
