"""Records that were once read wrongly, each one of its kind, with what is right: the answer for an MRI, findings, and what is named as not read."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from fhir_support import FILES, compiled, findings, mapping
from guidelog.diagnostics import InputError
from guidelog.fhir import FhirReading, read_path
from guidelog.pipeline import ask

CASES = FILES / "cases"
ON = {"resolved-later": date(2025, 6, 1)}

RETENTION, SADDLE = "urinary_retention", "saddle_anesthesia"
DRUGS = ("conservative_care_weeks", "gabapentinoid_tried", "nsaid_tried", "oral_steroid_tried")

# file -> status of mri_lumbar, findings, (source, words of the reason) of what was not read
RIGHT: dict[str, tuple[str, dict[str, Any], list[tuple[str, str]]]] = {
    "screen-over-unread/control-boolean": ("urgent", {RETENTION: True}, []),
    "screen-over-unread/no-value-only-code": (
        "undetermined",
        {RETENTION: None},
        [("Observation/o", "it has no value")],
    ),
    "screen-over-unread/obs-later-same-day-tz": ("urgent", {RETENTION: True}, []),
    "screen-over-unread/qr-choice-loinc-yes": ("urgent", {SADDLE: True}, []),
    "screen-over-unread/qr-free-text": (
        "undetermined",
        {SADDLE: None},
        [("QuestionnaireResponse/q#saddle_anesthesia", "“yes, on the left side since Monday”")],
    ),
    "screen-over-unread/qr-integer-1": (
        "undetermined",
        {SADDLE: None},
        [("QuestionnaireResponse/q#saddle_anesthesia", "“1”")],
    ),
    "screen-over-unread/qr-local-coding": (
        "undetermined",
        {SADDLE: None},
        [("QuestionnaireResponse/q#saddle_anesthesia", "“Yes”")],
    ),
    "screen-over-unread/residual-volume-number": ("undetermined", {RETENTION: None}, [("Observation/o", "650 mL")]),
    "screen-over-unread/snomed-confirmed-present": ("urgent", {RETENTION: True}, []),
    "screen-over-unread/string-positive": ("undetermined", {RETENTION: None}, [("Observation/o", "in words")]),
    "screen-over-unread/string-yes": ("undetermined", {RETENTION: None}, [("Observation/o", "in words: “Yes”")]),
    "screen-over-unread/two-versions-disagree": ("undetermined", {RETENTION: None}, [("Condition/r", "twice")]),
    "abated-future": ("urgent", {RETENTION: True}, []),
    "confirmed-present": ("urgent", {RETENTION: True}, []),
    "known-present": ("urgent", {RETENTION: True}, []),
    "contained-medication-entered-in-error": (
        "undetermined",
        {"gabapentinoid_tried": None},
        [("MedicationRequest/m", "a Medication that was entered in error")],
    ),
    "deleted-then-restored": ("urgent", {RETENTION: True}, []),
    "disc_M4646": ("urgent", {"suspected_infection": True}, []),
    "disc_M4647": ("urgent", {"suspected_infection": True}, []),
    "east-of-greenwich-control": ("urgent", {RETENTION: True}, []),
    "east-of-greenwich": ("urgent", {RETENTION: True}, []),
    "item-modifier-extension": (
        "undetermined",
        {SADDLE: None},
        [("QuestionnaireResponse/q#saddle_anesthesia", "extension"), ("QuestionnaireResponse/q#screen:red_flags", "")],
    ),
    "local-flag-nd": ("undetermined", {RETENTION: None}, [("Observation/o", "interpretation")]),
    "obs-foreign-interp": ("undetermined", {RETENTION: None}, [("Observation/o", "interpretation")]),
    "medication-not-sent": (
        "undetermined",
        {"gabapentinoid_tried": None},
        [("MedicationRequest/m", "Medication/zzz, which was not sent (“gabapentin 300 MG Oral Capsule”)")],
    ),
    "medication-not-sent-among-others": (
        "undetermined",
        {"gabapentinoid_tried": None},
        [("MedicationRequest/m", "which was not sent")],
    ),
    "medication-of-another-server": (
        "undetermined",
        {"gabapentinoid_tried": None},
        [("MedicationRequest/m", "http://other.org/fhir/Medication/md, which was not sent")],
    ),
    "odi-as-a-ratio": ("undetermined", {"functional_impairment": True}, []),
    "pain-in-percent": ("undetermined", {"symptoms_persist": None}, [("Observation/o", "its unit is `%`")]),
    "refuted-text-only": ("undetermined", {RETENTION: None}, [("Condition/r", "`Refuted` is not one of FHIR's codes")]),
    "resolved-later": ("urgent", {RETENTION: True}, []),
    "resolved-second-coding": ("undetermined", {}, []),
    "same-id-two-servers": ("urgent", {RETENTION: True}, [("http://b.org/fhir/Condition/1", "")]),
    "same-id-two-servers-no-meta": ("urgent", {RETENTION: True}, [("http://b.org/fhir/Condition/1", "")]),
    "versions-mixed-offsets": ("undetermined", {RETENTION: False}, []),
    "all_negative_coded": (
        "undetermined",
        {
            **dict.fromkeys((RETENTION, SADDLE, "urinary_incontinence", "bilateral_motor_weakness"), False),
            **dict.fromkeys(("progressive_neurological_deficit", "suspected_cancer", "suspected_fracture"), False),
            "significant_trauma": False,
        },
        [],
    ),
    "ehr/01_problem_list_M5416": ("undetermined", {"chronic_radiculopathy": True}, []),
    "ehr/03_encounter_dx_M5117": ("undetermined", {"chronic_radiculopathy": True, "level_l5_s1": True}, []),
    "ehr/05_PT_as_encounters": ("undetermined", {"formal_physical_therapy": True}, []),
    "ehr/07_meds_gabapentin_inline": (
        "undetermined",
        {"gabapentinoid_tried": True, "nsaid_tried": None},
        [("MedicationRequest/m2", "its words speak of ibuprofen")],
    ),
    "ehr/09_meds_common_codes": (
        "undetermined",
        {"nsaid_tried": None, "oral_steroid_tried": True},
        [
            ("MedicationRequest/m1", "meloxicam"),
            ("MedicationRequest/m3", "pregabalin"),
            ("MedicationRequest/m5", "diclofenac"),
            ("MedicationRequest/m6", "celecoxib"),
        ],
    ),
    "ehr/11_ODI_VAS": ("undetermined", {"functional_impairment": True, "symptoms_persist": True}, []),
    "ehr/13_red_flags_as_observations": (
        "undetermined",
        {RETENTION: False, "bilateral_motor_weakness": None},
        [("Observation/o6", "weakness of the legs")],
    ),
    "ehr/15_cauda_equina_ED": ("urgent", {RETENTION: True, SADDLE: None}, [("Condition/c2", "too broad")]),
}


@cache
def reading(name: str) -> FhirReading:
    return read_path(CASES / f"{name}.json", mapping(), compiled().names.vocabulary, as_of=ON.get(name))


@pytest.mark.parametrize("name", sorted(RIGHT))
def test_what_is_right(name: str) -> None:
    status, right, unread = RIGHT[name]
    found = reading(name)
    [answer] = ask(compiled(), found.patient, ["mri_lumbar"]).answers
    assert answer.status.value == status
    said = findings(found)
    for finding, value in right.items():
        assert finding in said, finding
        assert said[finding] is value, finding
    assert [n.source for n in found.not_read] == [source for source, _ in unread]
    for entry, (_, words) in zip(found.not_read, unread, strict=True):
        assert words in entry.reason


def test_no_case_is_left_out() -> None:
    files = {str(p.relative_to(CASES).with_suffix("")) for p in CASES.rglob("*.json")}
    assert files == {*RIGHT, "deceased"}


def test_nobody_who_has_died_gets_advice() -> None:
    path = CASES / "deceased.json"
    with pytest.raises(InputError, match="the record says that the patient died"):
        read_path(path, mapping(), compiled().names.vocabulary)


def test_the_deceased_had_a_record_before(tmp_path: Path) -> None:
    path = tmp_path / "died.json"
    path.write_text(
        (CASES / "deceased.json").read_text().replace('"deceasedBoolean": true', '"deceasedDateTime": "2025-11-10"')
    )
    with pytest.raises(InputError, match="died on 2025-11-10"):
        read_path(path, mapping(), compiled().names.vocabulary)
    alive = read_path(path, mapping(), compiled().names.vocabulary, as_of=date(2025, 11, 9))
    assert findings(alive) == {RETENTION: True}


@pytest.mark.parametrize("name", sorted(RIGHT))
def test_every_resource_is_accounted_for_once(name: str) -> None:
    found = reading(name)
    ignored = {i.reference for i in found.ignored if "#" not in i.reference}
    assert ignored == {r for r, account in found.accounts.items() if account == "ignored"}
    assert {n.source.split("#")[0] for n in found.not_read} <= set(found.accounts)
