"""What FHIR resources are taken to say: each kind, each status, and that nothing is guessed."""

from __future__ import annotations

import json
import random
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from fhir_support import (
    AS_OF,
    FILES,
    PATIENT,
    SUBJECT,
    bundle,
    compiled,
    concept,
    condition,
    findings,
    interpretation,
    mapping,
    observation,
    prescription,
    procedure,
    questionnaire,
    read,
    reasons,
    resource,
)
from guidelog.diagnostics import InputError
from guidelog.fhir import read_path, read_records, split_patients
from guidelog.patients import Interval, Since, read_patient, read_text
from guidelog.pipeline import ask

RETENTION, SADDLE, DISCITIS, CAUDA = "snomed:267064002", "snomed:449813001", "snomed:2304001", "snomed:192970008"
VIGNETTES = FILES.parent.parent / "kb" / "lumbar_radiculopathy" / "vignettes"


def statuses(patient: Any) -> dict[str, tuple[Any, ...]]:
    answers = ask(compiled(), patient).answers
    return {a.intervention: (a.status, a.because, a.questions, a.if_resolved) for a in answers}


# ---------------------------------------------------------------- whole records


def test_the_articles_own_patient_as_a_bundle() -> None:
    reading = read_path(FILES / "seed.json", mapping(), compiled().names.vocabulary)
    ours = read_patient(read_text(VIGNETTES / "seed.yaml"), compiled().names.vocabulary)
    assert {n: v for n, v in findings(reading).items() if n in ours.findings} == ours.findings
    assert reading.patient.measures["conservative_care_weeks"] == ours.measures["conservative_care_weeks"]
    assert statuses(reading.patient) == statuses(ours)
    assert set(findings(reading)) == set(ours.findings)
    assert not reading.open


def test_refuted_cauda_equina_is_no_red_flag_and_no_negative_screen() -> None:
    reading = read_path(FILES / "refuted-cauda-equina.json", mapping(), compiled().names.vocabulary)
    assert "saddle_anesthesia" not in findings(reading)
    assert findings(reading)["urinary_retention"] is False
    assert findings(reading)["suspected_infection"] is None
    answer = next(a for a in ask(compiled(), reading.patient).answers if a.intervention == "mri_lumbar")
    assert answer.status.value == "undetermined"


def test_a_messy_record() -> None:
    reading = read_path(FILES / "messy.json", mapping(), compiled().names.vocabulary)
    assert findings(reading) == {
        "chronic_radiculopathy": True,
        "level_l5_s1": True,
        "low_back_pain": True,
        "symptoms_persist": True,
        "functional_impairment": True,
        "bilateral_motor_weakness": True,
        "progressive_neurological_deficit": True,
        "saddle_anesthesia": False,
        "suspected_cancer": None,
        "formal_physical_therapy": True,
        "physical_therapy_completed": True,
        "gabapentinoid_tried": True,
        "nsaid_tried": True,
        "oral_steroid_tried": None,
        "mri_done": True,
        "spondylolisthesis_documented": True,
        "severe_stenosis_documented": None,
        "instability_documented": None,
        "mri_correlates": None,
        "severe_motor_deficit": None,
    }
    report = next(n for n in reading.not_read if n.source == "DiagnosticReport/mri")
    assert str(report) == "DiagnosticReport/mri (MR Lumbar spine): a report in words: “slip at L5”"
    why = reasons(reading)
    assert why["ServiceRequest/mri-order"] == "an order, and nothing that was done"
    assert "Condition/someone-else" in why
    assert "not this patient" in why["Condition/someone-else"]
    assert why["Observation/saddle-error"] == "entered in error"
    assert why["Procedure/no-injection"] == "not done: that says nothing of other times"
    assert why["FamilyMemberHistory/father"] == "about a relative, not the patient"
    assert "suspected_cancer" in {o.name for o in reading.open}
    ask(compiled(), reading.patient)


# ---------------------------------------------------------------- conditions

CONDITIONS = [
    ("confirmed", "active", True),
    ("confirmed", "recurrence", True),
    ("confirmed", "relapse", True),
    ("refuted", "active", False),
    ("refuted", "inactive", False),
    ("unconfirmed", "active", None),
    ("provisional", "active", None),
    ("differential", "active", None),
    ("confirmed", "resolved", "silent"),
    ("confirmed", "inactive", "silent"),
    ("confirmed", "remission", "silent"),
    ("entered-in-error", "active", "silent"),
    ("probably", "active", None),
    ("confirmed", "gone", None),
]


@pytest.mark.parametrize(("verification", "clinical", "expected"), CONDITIONS)
def test_statuses_of_conditions(verification: str, clinical: str, expected: Any) -> None:
    found = findings(read(condition("c", RETENTION, verification, clinical)))
    assert (
        found.get("urinary_retention", "silent") is expected
        if expected != "silent"
        else "urinary_retention" not in found
    )


def test_a_suspicion_counts_where_suspicion_is_asked_for() -> None:
    assert findings(read(condition("c", DISCITIS, "provisional")))["suspected_infection"] is True


def test_a_narrower_code_refuted_excludes_nothing() -> None:
    reading = read(condition("c", DISCITIS, "refuted"))
    assert "suspected_infection" not in findings(reading)
    assert "does not exclude" in reasons(reading)["Condition/c"]


def test_a_broader_code_leaves_open_and_excludes() -> None:
    reading = read(condition("c", "snomed:48340000"))
    assert findings(reading)["urinary_incontinence"] is None
    assert "too broad a code" in reading.not_read[0].reason
    assert findings(read(condition("c", "snomed:48340000", "refuted")))["urinary_incontinence"] is False


def test_absence_of_a_resource_is_unknown() -> None:
    reading = read()
    assert findings(reading) == {}
    assert reading.patient.measures == {}
    assert reading.patient.screens == ()


def test_a_syndrome_counts_as_the_first_sign_that_is_not_denied() -> None:
    reading = read(condition("c", CAUDA), observation("o", SADDLE, interpretation=interpretation("NEG")))
    assert findings(reading) == {"saddle_anesthesia": False, "bilateral_motor_weakness": True}
    [used] = [u for u in reading.used if u.reference == "Condition/c"]
    assert "names the signs" in used.assumption


def test_a_syndrome_does_not_invent_a_sign_where_one_is_known() -> None:
    reading = read(condition("c", CAUDA), condition("d", RETENTION))
    assert findings(reading) == {"urinary_retention": True}


@pytest.mark.parametrize(
    ("onset", "expected"),
    [
        ("2025-08-21", True),
        ("2025-08-22", None),
        ("2025-07", True),
        ("2025-08", None),
        ("2024", True),
        ("2025", None),
        (None, None),
    ],
)
def test_chronic_takes_twelve_weeks_for_certain(onset: str | None, expected: bool | None) -> None:
    dated = {"onsetDateTime": onset} if onset else {}
    assert findings(read(condition("c", "icd:M54.16", **dated)))["chronic_radiculopathy"] is expected


def test_recorded_long_ago_is_long_enough() -> None:
    reading = read(condition("c", "icd:M54.16", recordedDate="2025-01-05"))
    assert findings(reading)["chronic_radiculopathy"] is True
    assert reading.patient.measures["symptom_weeks"] == Interval(
        311_997, 5200 * 7000
    )  # 312 days, rounded down to thousandths of a week


@pytest.mark.parametrize(
    ("onset", "first", "last"),
    [
        ("2025-06-01", date(2025, 6, 1), date(2025, 6, 1)),
        ("2025-06", date(2025, 6, 1), date(2025, 6, 30)),
        ("2024", date(2024, 1, 1), date(2024, 12, 31)),
        ("2025", date(2025, 1, 1), date(2025, 11, 13)),
    ],
)
def test_partial_dates_are_intervals(onset: str, first: date, last: date) -> None:
    assert read(condition("c", "icd:M54.16", onsetDateTime=onset)).patient.measures["symptom_weeks"] == Since(
        first, last
    )


@pytest.mark.parametrize("code", ["M54.17", "M5417", "m54.17"])
def test_icd_codes_with_and_without_point(code: str) -> None:
    assert findings(read(condition("c", f"icd:{code}", onsetDateTime="2025-01-01")))["level_l5_s1"] is True


def test_severe_has_to_be_said() -> None:
    assert findings(read(condition("c", "icd:M48.061")))["severe_stenosis_documented"] is None
    severe = condition("c", "icd:M48.061", severity=concept("snomed:24484000"))
    assert findings(read(severe))["severe_stenosis_documented"] is True


# ---------------------------------------------------------------- observations

VALUES = [
    ({"valueBoolean": True}, True),
    ({"valueBoolean": False}, False),
    ({"interpretation": interpretation("POS")}, True),
    ({"interpretation": interpretation("NEG")}, False),
    ({"interpretation": interpretation("IND")}, None),
    ({"interpretation": interpretation("N")}, "not read"),
    ({"valueCodeableConcept": concept("snomed:52101004")}, True),
    ({"valueCodeableConcept": concept("snomed:2667000")}, False),
    ({"valueCodeableConcept": concept("loinc:LA32-8")}, False),
    ({"valueCodeableConcept": concept("snomed:261665006")}, None),
    ({"valueCodeableConcept": concept("snomed:99999999")}, "not read"),
    ({"valueBoolean": True, "interpretation": interpretation("NEG")}, None),
    ({"dataAbsentReason": concept("http://terminology.hl7.org/CodeSystem/data-absent-reason:asked-unknown")}, None),
    ({}, "not read"),
    ({"valueString": "none"}, "not read"),
    ({"valueBoolean": "true"}, "not read"),
]


@pytest.mark.parametrize(("value", "expected"), VALUES)
def test_values_of_observations(value: dict[str, Any], expected: Any) -> None:
    reading = read(observation("o", SADDLE, **value))
    found = findings(reading)
    if expected == "not read":
        assert found["saddle_anesthesia"] is None
        assert [(n.source, n.speaks_of) for n in reading.not_read] == [("Observation/o", ("saddle_anesthesia",))]
    else:
        assert found["saddle_anesthesia"] is expected
        assert not reading.not_read


@pytest.mark.parametrize("status", ["entered-in-error", "cancelled", "registered"])
def test_observations_without_a_result(status: str) -> None:
    assert findings(read(observation("o", SADDLE, status=status, valueBoolean=True))) == {}


@pytest.mark.parametrize("status", ["unknown", "done", None])
@pytest.mark.parametrize("value", [True, False])
def test_a_status_that_is_not_understood_leaves_open(status: str | None, value: bool) -> None:
    reading = read(observation("o", SADDLE, status=status, valueBoolean=value))
    assert findings(reading) == {"saddle_anesthesia": None}
    assert "its status" in reading.not_read[0].reason


@pytest.mark.parametrize("status", ["final", "amended", "corrected", "preliminary"])
def test_observations_with_a_result(status: str) -> None:
    assert findings(read(observation("o", SADDLE, status=status, valueBoolean=True))) == {"saddle_anesthesia": True}


def test_a_finding_as_the_value_of_an_observation() -> None:
    found = observation("o", "loinc:75325-1", valueCodeableConcept=concept(SADDLE))
    assert findings(read(found)) == {"saddle_anesthesia": True}
    denied = observation(
        "o", "loinc:75325-1", valueCodeableConcept=concept(SADDLE), interpretation=interpretation("NEG")
    )
    assert findings(read(denied)) == {"saddle_anesthesia": False}


def test_components_are_observations_of_their_own() -> None:
    panel = observation(
        "o",
        "loinc:99999-9",
        component=[
            {"code": concept(SADDLE), "valueBoolean": False},
            {"code": concept(RETENTION), "interpretation": interpretation("POS")},
        ],
    )
    reading = read(panel)
    assert findings(reading) == {"saddle_anesthesia": False, "urinary_retention": True}
    assert {u.reference for u in reading.used} == {"Observation/o#component 1", "Observation/o#component 2"}


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (7, "{score}", True),
        (4, "1", True),
        (3, "{score}", None),
        (0, "{score}", False),
        (11, "{score}", None),
        (-1, "", None),
        (7, "mm", None),
    ],
)
def test_pain_on_the_numeric_scale(value: float, unit: str, expected: Any) -> None:
    found = findings(read(observation("o", "loinc:72514-3", valueQuantity={"value": value, "code": unit})))
    assert found["symptoms_persist"] is expected


@pytest.mark.parametrize(("value", "expected"), [(60, True), (41, True), (30, None), (20, False), (0, False)])
def test_oswestry_index(value: int, expected: bool | None) -> None:
    assert findings(read(observation("o", "loinc:97909-6", valueInteger=value)))["functional_impairment"] is expected


def test_comparators() -> None:
    def impaired(value: float, comparator: str) -> Any:
        return findings(
            read(observation("o", "loinc:97909-6", valueQuantity={"value": value, "comparator": comparator}))
        )["functional_impairment"]

    assert [impaired(50, ">"), impaired(50, "<"), impaired(10, "<"), impaired(10, ">")] == [True, None, False, None]


def test_an_absence_holds_for_four_weeks_only() -> None:
    fresh = read(observation("o", SADDLE, "2025-10-16", valueBoolean=False))
    old = read(observation("o", SADDLE, "2025-10-15", valueBoolean=False))
    assert findings(fresh) == {"saddle_anesthesia": False}
    assert findings(old) == {}
    assert "older than 4 weeks" in reasons(old)["Observation/o"]


def test_a_red_flag_is_not_forgotten() -> None:
    assert findings(read(observation("o", SADDLE, "2025-01-15", valueBoolean=True))) == {"saddle_anesthesia": True}


def test_the_later_observation_counts() -> None:
    first, second = (
        observation("a", SADDLE, "2025-11-01", valueBoolean=True),
        observation("b", SADDLE, "2025-11-05", valueBoolean=False),
    )
    assert findings(read(first, second)) == {"saddle_anesthesia": False}
    assert findings(read(first | {"effectiveDateTime": "2025-11-09"}, second)) == {"saddle_anesthesia": True}


def test_contradictions_of_one_day_stay_open() -> None:
    reading = read(observation("a", SADDLE, valueBoolean=True), observation("b", SADDLE, valueBoolean=False))
    assert findings(reading) == {"saddle_anesthesia": None}
    assert "Observation/a and Observation/b contradict" in reading.problems[0]


def test_times_of_day_settle_a_contradiction() -> None:
    a = observation("a", SADDLE, "2025-11-10T08:00:00+01:00", valueBoolean=False)
    b = observation("b", SADDLE, "2025-11-10T08:30:00Z", valueBoolean=True)
    assert findings(read(a, b)) == {"saddle_anesthesia": True}


def test_an_absence_does_not_outweigh_a_standing_condition() -> None:
    reading = read(
        condition("c", RETENTION, recordedDate="2025-11-01"),
        observation("o", RETENTION, "2025-11-10", valueBoolean=False),
    )
    assert findings(reading) == {"urinary_retention": None}
    assert reading.problems


def test_dates_after_the_record_are_ignored() -> None:
    assert findings(read(observation("o", SADDLE, "2025-11-15", valueBoolean=True))) == {}
    assert findings(read(observation("o", SADDLE, "2025-11-15T12:30:00Z", valueBoolean=True))) == {}


def test_a_day_that_has_begun_farther_east_is_kept() -> None:
    """The record is of 12:00 UTC, when it is the 14th in Auckland already; the clinic's time zone settles it."""
    tomorrow = observation("o", SADDLE, "2025-11-14", valueBoolean=True)
    assert findings(read(tomorrow)) == {"saddle_anesthesia": True}
    assert findings(read(tomorrow, zone=ZoneInfo("Europe/London"))) == {}
    assert findings(read(tomorrow, zone=ZoneInfo("Pacific/Auckland"))) == {"saddle_anesthesia": True}


@pytest.mark.parametrize(
    ("before", "after", "days", "expected"),
    [
        (False, True, ("2025-11-01", "2025-11-10"), True),
        (True, True, ("2025-11-01", "2025-11-10"), None),
        (False, True, ("2025-11-10", "2025-11-10"), None),
        (False, True, ("2025-06-01", "2025-11-10"), None),
        (True, False, ("2025-11-01", "2025-11-10"), None),
        (4, 3, ("2025-11-01", "2025-11-10"), True),
        (3, 4, ("2025-11-01", "2025-11-10"), None),
        (4, 4, ("2025-11-01", "2025-11-10"), None),
    ],
)
def test_progression_takes_two_dated_observations(
    before: Any, after: Any, days: tuple[str, str], expected: bool | None
) -> None:
    def weakness(id_: str, on: str, value: Any) -> dict[str, Any]:
        said = {"valueBoolean": value} if isinstance(value, bool) else {"valueInteger": value}
        return observation(id_, "snomed:6077001", on, **said)

    reading = read(weakness("a", days[0], before), weakness("b", days[1], after))
    assert findings(reading).get("progressive_neurological_deficit") is expected
    if expected:
        [used] = reading.used
        assert used.reference == "Observation/a and Observation/b"


def test_deficits_of_different_places_are_different_series() -> None:
    left, right = {"bodySite": concept("snomed:7771000")}, {"bodySite": concept("snomed:24028007")}
    a = observation("a", "snomed:6077001", "2025-11-01", valueBoolean=False, **left)
    b = observation("b", "snomed:6077001", "2025-11-10", valueBoolean=True, **right)
    assert "progressive_neurological_deficit" not in findings(read(a, b))
    assert findings(read(a, b | left))["progressive_neurological_deficit"] is True


def test_both_legs() -> None:
    left, right = condition("l", "icd:M21.372"), condition("r", "icd:M21.371")
    assert findings(read(left)) == {"severe_motor_deficit": None}
    assert findings(read(right)) == {"severe_motor_deficit": None}
    assert findings(read(left, right)) == {"bilateral_motor_weakness": True, "severe_motor_deficit": None}


# ---------------------------------------------------------------- what was done and taken


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("completed", True),
        ("not-done", None),
        ("preparation", None),
        ("entered-in-error", None),
        ("on-hold", None),
        ("in-progress", None),
        ("stopped", None),
        (None, None),
    ],
)
def test_statuses_of_procedures(status: str | None, expected: bool | None) -> None:
    assert (
        findings(read(procedure("p", "cpt:72148", status, performedDateTime="2025-11-01"))).get("mri_done") is expected
    )


@pytest.mark.parametrize("status", ["not-done", "preparation"])
def test_what_was_not_done_once_is_not_absent(status: str) -> None:
    assert findings(read(procedure("p", "cpt:72148", status, performedDateTime="2025-11-01"))) == {}


@pytest.mark.parametrize("kind", ["ServiceRequest", "CarePlan", "Appointment", "Task"])
def test_orders_are_not_deeds(kind: str) -> None:
    reading = read(resource(kind, "x", status="completed", intent="order", code=concept("cpt:72148")))
    assert findings(reading) == {}
    assert f"{kind}/x" in reasons(reading)


def test_a_report_and_its_conclusion() -> None:
    report = resource(
        "DiagnosticReport",
        "d",
        status="final",
        code=concept("loinc:24968-0"),
        effectiveDateTime="2025-10-01",
        conclusionCode=[concept("snomed:274152003")],
    )
    assert findings(read(report)) == {"mri_done": True, "spondylolisthesis_documented": True}
    assert findings(read(report | {"status": "registered"})) == {}


def test_images() -> None:
    study = resource(
        "ImagingStudy", "i", status="available", started="2025-10-01", procedureCode=[concept("loinc:24968-0")]
    )
    assert findings(read(study)) == {"mri_done": True}
    assert findings(read(study | {"status": "cancelled"})) == {}


def test_an_old_picture_is_left_open() -> None:
    assert findings(read(procedure("p", "cpt:72148", performedDateTime="2019-11-01"))) == {"mri_done": None}


@pytest.mark.parametrize(
    ("start", "end", "value"),
    [
        ("2025-09-01", "2025-10-13", Interval(42_000, 42_000)),
        ("2025-09-01", "2025-10-12", Interval(40_999, 41_006)),
        ("2025-09", "2025-10-31", Interval(31_000 // 7000 * 0 + 30_996, 60_004)),
    ],
)
def test_a_course_of_therapy_in_weeks(start: str, end: str, value: Interval) -> None:
    reading = read(procedure("p", "snomed:91251008", performedPeriod={"start": start, "end": end}))
    found = reading.patient.measures["physical_therapy_weeks"]
    assert isinstance(found, Interval)
    assert abs(found.low - value.low) <= 7
    assert abs(found.high - value.high) <= 7
    assert findings(reading) == {"formal_physical_therapy": True, "physical_therapy_completed": True}


def test_41_days_are_not_six_weeks() -> None:
    reading = read(procedure("p", "snomed:91251008", performedPeriod={"start": "2025-09-01", "end": "2025-10-12"}))
    found = reading.patient.measures["physical_therapy_weeks"]
    assert isinstance(found, Interval)
    assert found.high < 42_000


def test_therapy_that_goes_on_counts_with_the_calendar() -> None:
    reading = read(procedure("p", "snomed:91251008", "in-progress", performedPeriod={"start": "2025-10-01"}))
    assert reading.patient.measures["physical_therapy_weeks"] == Since(date(2025, 10, 1), date(2025, 10, 1))
    assert findings(reading) == {"formal_physical_therapy": True, "physical_therapy_completed": False}


def test_sessions_are_a_lower_bound() -> None:
    days = ["2025-09-01", "2025-09-10", "2025-09-20", "2025-10-01", "2025-10-13"]
    reading = read(*(procedure(f"p{n}", "snomed:91251008", performedDateTime=day) for n, day in enumerate(days)))
    assert reading.patient.measures["physical_therapy_weeks"] == Interval(42_000, 520 * 7000)
    assert "physical_therapy_completed" not in findings(reading)


def test_a_long_pause_begins_another_course() -> None:
    days = ["2025-05-01", "2025-05-10", "2025-09-20", "2025-09-27"]
    reading = read(*(procedure(f"p{n}", "snomed:91251008", performedDateTime=day) for n, day in enumerate(days)))
    assert reading.patient.measures["physical_therapy_weeks"] == Interval(7_000, 520 * 7000)


def test_an_episode_of_care() -> None:
    episode = {
        "resourceType": "EpisodeOfCare",
        "id": "e",
        "patient": SUBJECT,
        "status": "finished",
        "type": [concept("snomed:91251008")],
        "period": {"start": "2025-08-01", "end": "2025-09-26"},
    }
    assert read(episode).patient.measures["physical_therapy_weeks"] == Interval(56_000, 56_000)


def test_care_is_as_long_as_therapy_and_drug_together() -> None:
    therapy = procedure("p", "snomed:91251008", performedPeriod={"start": "2025-08-01", "end": "2025-10-31"})
    drug = prescription("m", "rxnorm:310431", "2025-09-05")
    reading = read(therapy, drug)
    assert reading.patient.measures["conservative_care_weeks"] == Interval(56_000, 520 * 7000)
    assert "conservative_care_weeks" not in read(therapy).patient.measures


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, True),
        ({"status": "completed"}, True),
        ({"status": "stopped"}, True),
        ({"status": "draft"}, None),
        ({"status": "cancelled"}, None),
        ({"status": "entered-in-error"}, None),
        ({"intent": "proposal"}, None),
        ({"intent": "plan"}, None),
        ({"intent": "option"}, None),
        ({"intent": "filler-order"}, True),
        ({"doNotPerform": True}, None),
        ({"on": AS_OF}, None),
        ({"on": None}, None),
        ({"on": "2025-12-01"}, None),
    ],
)
def test_prescriptions(fields: dict[str, Any], expected: bool | None) -> None:
    assert findings(read(prescription("m", "rxnorm:310431", **fields))).get("gabapentinoid_tried") is expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("active", True),
        ("completed", True),
        ("stopped", True),
        ("intended", None),
        ("not-taken", None),
        ("unknown", None),
        ("entered-in-error", None),
    ],
)
def test_medication_statements(status: str, expected: bool | None) -> None:
    statement = resource(
        "MedicationStatement",
        "m",
        status=status,
        medicationCodeableConcept=concept("rxnorm:5640"),
        effectiveDateTime="2025-09-01",
    )
    assert findings(read(statement)).get("nsaid_tried") is expected


def test_a_clinical_drug_by_its_ingredient() -> None:
    contained = {
        "resourceType": "Medication",
        "id": "med",
        "code": concept("rxnorm:99999999"),
        "ingredient": [{"itemCodeableConcept": concept("rxnorm:25480")}],
    }
    request = prescription("m", "rxnorm:1", medicationReference={"reference": "#med"}, contained=[contained])
    del request["medicationCodeableConcept"]
    assert findings(read(request)) == {"gabapentinoid_tried": True}
    elsewhere = {k: v for k, v in request.items() if k != "contained"} | {
        "medicationReference": {"reference": "Medication/med"}
    }
    assert findings(read(elsewhere, contained)) == {"gabapentinoid_tried": True}
    reading = read(elsewhere)
    drugs = ("gabapentinoid_tried", "nsaid_tried", "oral_steroid_tried")
    assert findings(reading) == dict.fromkeys(drugs)
    assert reading.patient.measures == {"conservative_care_weeks": None, "first_line_drug_weeks": None}
    assert reading.not_read[0].reason == "it refers to Medication/med, which was not sent"


def test_references_in_a_loop_end() -> None:
    a = {"resourceType": "Medication", "id": "a", "ingredient": [{"itemReference": {"reference": "Medication/b"}}]}
    b = {"resourceType": "Medication", "id": "b", "ingredient": [{"itemReference": {"reference": "Medication/a"}}] * 50}
    request = prescription("m", "rxnorm:1", medicationReference={"reference": "Medication/a"})
    assert "gabapentinoid_tried" in findings(read(request, a, b))  # left open: no code that is listed, and no words


def test_a_steroid_counts_by_mouth_only() -> None:
    def steroid(code: str, *routes: str) -> Any:
        return findings(read(prescription("m", code, dosageInstruction=[{"route": concept(r)} for r in routes])))[
            "oral_steroid_tried"
        ]

    assert steroid("rxnorm:3264", "snomed:26643006") is True
    assert steroid("rxnorm:3264", "snomed:78421000") is None
    assert steroid("rxnorm:3264") is None
    assert steroid("rxnorm:312617") is True


# ---------------------------------------------------------------- questionnaires


def test_answers_under_public_names() -> None:
    reading = read(
        questionnaire(
            mri_correlates=True,
            surgical_candidate=False,
            intervention_candidate="unknown",
            weeks_since_review=3,
            red_flags=True,
        )
    )
    assert findings(reading) == {"mri_correlates": True, "surgical_candidate": False, "intervention_candidate": None}
    assert reading.patient.measures["weeks_since_review"] == Interval(21_000, 21_000)
    assert reading.patient.screens == ("red_flags",)
    assert reading.patient.sources["mri_correlates"] == "QuestionnaireResponse/q1#mri_correlates (2025-11-13)"


def test_unknown_names_get_the_nearest_one() -> None:
    reading = read(questionnaire(mri_corelates=True))
    assert findings(reading) == {"mri_correlates": None}
    assert "did you mean `mri_correlates`?" in reading.not_read[0].reason
    assert reading.not_read[0].source == "QuestionnaireResponse/q1#mri_corelates"


@pytest.mark.parametrize("status", ["in-progress", "stopped", "done", None])
def test_incomplete_responses_leave_open_what_they_say(status: str | None) -> None:
    assert findings(read(questionnaire(status=status, mri_correlates=True))) == {"mri_correlates": None}


@pytest.mark.parametrize("status", ["in-progress", "stopped", "entered-in-error"])
def test_incomplete_responses_deny_nothing(status: str) -> None:
    assert findings(read(questionnaire(status=status, mri_correlates=False))) == {}


def test_older_answers_age() -> None:
    reading = read(questionnaire(on="2025-11-06", conservative_care_weeks=4, weeks_since_review=2))
    assert reading.patient.measures["conservative_care_weeks"] == Interval(28_000, 35_000)
    assert reading.patient.measures["weeks_since_review"] == Interval(0, 21_000)


def test_units_of_time() -> None:
    def weeks(value: dict[str, Any]) -> Any:
        return read(questionnaire(conservative_care_weeks=value)).patient.measures.get("conservative_care_weeks")

    assert weeks({"valueQuantity": {"value": 42, "code": "d"}}) == Interval(42_000, 42_000)
    assert weeks({"valueQuantity": {"value": 2, "code": "mo"}}) == Interval(56_000, 62_006 // 7 * 7)
    assert weeks({"valueQuantity": {"value": 2, "code": "mg"}}) is None
    assert weeks({"valueDate": "2025-10-02"}) == Since(date(2025, 10, 2), date(2025, 10, 2))
    assert weeks({"valueQuantity": {"value": 6, "code": "wk", "comparator": ">="}}) == Interval(42_000, 520 * 7000)


def test_an_old_screen_closes_nothing() -> None:
    assert read(questionnaire(on="2025-09-01", red_flags=True)).patient.screens == ()
    assert read(questionnaire(on="2025-11-01", red_flags=True)).patient.screens == ("red_flags",)


def test_answers_inside_groups() -> None:
    group = questionnaire() | {
        "item": [{"linkId": "g", "item": [{"linkId": "mri_correlates", "answer": [{"valueBoolean": True}]}]}]
    }
    assert findings(read(group)) == {"mri_correlates": True}


def test_observations_under_public_names() -> None:
    own = "urn:guidelog:lumbar-radiculopathy"
    said = resource(
        "Observation",
        "o",
        status="final",
        code={"coding": [{"system": own, "code": "ncs_acute_denervation"}]},
        valueBoolean=False,
    )
    assert findings(read(said)) == {"ncs_acute_denervation": False}
    amount = resource(
        "Observation",
        "o",
        status="final",
        effectiveDateTime=AS_OF,
        code={"coding": [{"system": own, "code": "conservative_care_weeks"}]},
        valueQuantity={"value": 8, "code": "wk"},
    )
    assert read(amount).patient.measures["conservative_care_weeks"] == Interval(56_000, 56_000)


# ---------------------------------------------------------------- whose and when


def test_two_patients_are_refused_by_name() -> None:
    with pytest.raises(InputError, match="2 patients: `Patient/p1`, `Patient/p2`"):
        read({"resourceType": "Patient", "id": "p2"})
    two = bundle(condition("a", RETENTION), condition("b", RETENTION) | {"subject": {"reference": "Patient/p9"}})
    with pytest.raises(InputError, match="`Patient/p1`, `Patient/p9`"):
        read_records(json.dumps(two), mapping(), compiled().names.vocabulary)


def test_another_patient_than_expected_is_refused() -> None:
    with pytest.raises(InputError, match="not `Patient/p7`"):
        read(patient="p7")


@pytest.mark.parametrize("reference", ["Patient/p1", "Patient/p1/_history/3", "http://example.org/fhir/Patient/p1"])
def test_ways_to_mean_the_patient(reference: str) -> None:
    assert findings(read(condition("c", RETENTION) | {"subject": {"reference": reference}})) == {
        "urinary_retention": True
    }


@pytest.mark.parametrize("reference", ["Patient/p2", "http://elsewhere.org/fhir/Patient/p1", "Group/g"])
def test_about_somebody_else(reference: str) -> None:
    reading = read(condition("c", RETENTION) | {"subject": {"reference": reference}})
    assert findings(reading) == {}
    assert "not this patient" in reasons(reading)["Condition/c"]


@pytest.mark.parametrize("subject", [{"display": "somebody"}, {"reference": 3}, "Patient/p1"])
def test_about_nobody_that_can_be_told(subject: Any) -> None:
    reading = read(condition("c", RETENTION) | {"subject": subject})
    assert findings(reading) == {"urinary_retention": None}
    assert "whom it is about" in reading.not_read[0].reason


def test_urn_uuid_references() -> None:
    entries = [
        {"fullUrl": "urn:uuid:6f1", "resource": {"resourceType": "Patient"}},
        {"fullUrl": "urn:uuid:6f2", "resource": condition("c", RETENTION) | {"subject": {"reference": "urn:uuid:6f1"}}},
    ]
    text = json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries})
    assert findings(read_records(text, mapping(), compiled().names.vocabulary)) == {"urinary_retention": True}


def test_the_newest_version_of_a_resource_counts() -> None:
    old = condition("c", RETENTION) | {"meta": {"versionId": "1", "lastUpdated": "2025-10-01T00:00:00Z"}}
    new = condition("c", RETENTION, "refuted") | {"meta": {"versionId": "2", "lastUpdated": "2025-11-01T00:00:00Z"}}
    for both in ((old, new), (new, old)):
        assert findings(read(*both)) == {"urinary_retention": False}
    reading = read(condition("c", RETENTION), condition("c", RETENTION, "refuted"))
    assert findings(reading) == {"urinary_retention": None}
    assert "twice with different content" in reading.problems[0]


def test_the_day_of_the_record() -> None:
    seen = json.dumps([PATIENT, observation("o", SADDLE, "2025-03-04", valueBoolean=True)])
    vocabulary = compiled().names.vocabulary
    assert read_records(seen, mapping(), vocabulary).patient.as_of == date(2025, 3, 4)
    assert read_records(seen, mapping(), vocabulary, as_of=date(2025, 4, 1)).patient.as_of == date(2025, 4, 1)
    future = json.dumps([PATIENT, observation("o", SADDLE, "2999-03-04", valueBoolean=True)])
    assert read_records(future, mapping(), vocabulary).patient.as_of is None


def test_one_page_of_several_is_said() -> None:
    done = questionnaire(red_flags=True, on="2025-11-12")
    link = [{"relation": "next", "url": "http://example.org/2"}]
    page = bundle(PATIENT, observation("o", "loinc:8480-6", valueQuantity={"value": 120}), link=link)
    reading = read_records([page, done], mapping(), compiled().names.vocabulary, as_of=date(2025, 11, 13))
    [missing] = reading.not_read
    assert missing.source == "the next page of resource 1 (Patient, Observation)"
    assert "urinary_retention" in missing.speaks_of
    assert findings(reading)["urinary_retention"] is None
    assert "mri_done" not in findings(reading)  # no observation says so


def test_deleted_entries_are_not_used() -> None:
    content = bundle(PATIENT)
    content["entry"].append(
        {"request": {"method": "DELETE", "url": "Condition/c"}, "resource": condition("c", RETENTION)}
    )
    assert findings(read_records(json.dumps(content), mapping(), compiled().names.vocabulary)) == {}
    content = bundle(PATIENT, condition("c", RETENTION))  # an older version of what a later entry deletes
    content["entry"].append({"request": {"method": "DELETE", "url": "Condition/c"}})
    reading = read_records(json.dumps(content), mapping(), compiled().names.vocabulary)
    assert findings(reading) == {}
    assert "deleted" in reasons(reading)["Condition/c"]


@pytest.mark.parametrize(
    "field",
    [
        {"modifierExtension": [{"url": "http://example.org/negated", "valueBoolean": True}]},
        {"implicitRules": "http://example.org/rules"},
    ],
)
def test_what_an_unknown_extension_modifies_is_not_read(field: dict[str, Any]) -> None:
    reading = read(condition("c", RETENTION, **field))
    assert findings(reading) == {"urinary_retention": None}
    assert "changes what it means" in reading.not_read[0].reason


def test_therapy_and_drugs_of_another_time_are_left_open() -> None:
    therapy = procedure("p", "snomed:91251008", performedPeriod={"start": "2019-03-01", "end": "2019-06-01"})
    drug = prescription("m", "rxnorm:310431", "2019-03-01", status="completed")
    reading = read(therapy, drug)
    assert findings(reading) == {"formal_physical_therapy": None, "gabapentinoid_tried": None}
    assert reading.patient.measures == {}


def test_populations_are_split_by_subject() -> None:
    groups = split_patients(
        [
            PATIENT,
            condition("a", RETENTION),
            {"resourceType": "Medication", "id": "m"},
            condition("b", RETENTION) | {"subject": {"reference": "Patient/p2"}},
        ]
    )
    assert {k: [r["id"] for r in v] for k, v in groups.items()} == {"p1": ["p1", "a", "m"], "p2": ["b", "m"]}


# ---------------------------------------------------------------- what has to hold for any record


def test_the_order_of_resources_does_not_matter() -> None:
    content = json.loads((FILES / "messy.json").read_text())
    first = read_records(json.dumps(content), mapping(), compiled().names.vocabulary)
    for seed in range(10):
        random.Random(seed).shuffle(content["entry"])
        again = read_records(json.dumps(content), mapping(), compiled().names.vocabulary)
        assert again.patient.content == first.patient.content
        assert again.used == first.used
        assert again.ignored == first.ignored
        assert set(again.problems) == set(first.problems)


def test_every_fact_names_its_resource_and_explanations_show_it() -> None:
    reading = read_path(FILES / "messy.json", mapping(), compiled().names.vocabulary)
    content = json.loads((FILES / "messy.json").read_text())
    known = {f"{e['resource']['resourceType']}/{e['resource'].get('id')}" for e in content["entry"]}
    for name in (*reading.patient.findings, *reading.patient.measures):
        assert any(reference in reading.patient.sources[name] for reference in known), name


def test_taking_a_resource_away_never_adds_a_definite_opposite() -> None:
    """Less said is less known: without a resource a finding becomes unknown, or stays, and never turns into its opposite by itself."""
    content = json.loads((FILES / "messy.json").read_text())
    whole = findings(
        read_records(json.dumps(content), mapping(), compiled().names.vocabulary, as_of=date(2025, 11, 13))
    )
    for left_out in range(1, len(content["entry"])):
        part = dict(content, entry=[e for n, e in enumerate(content["entry"]) if n != left_out])
        for name, value in findings(
            read_records(json.dumps(part), mapping(), compiled().names.vocabulary, as_of=date(2025, 11, 13))
        ).items():
            if value is not None and name in whole and whole[name] is not None:
                assert value is whole[name], (name, content["entry"][left_out]["resource"]["id"])


def test_unverified_codes_are_used_on_request_only_and_said() -> None:
    injection = procedure("p", "cpt:64483", performedDateTime="2025-10-01")
    reading = read(injection)
    assert findings(reading) == {"injection_given": None}
    assert "not verified" in reading.not_read[0].reason
    loose = read(injection, unverified=True)
    assert findings(loose) == {"injection_given": True}
    assert "cpt 64483 is not verified" in loose.used[0].assumption
    assert "not verified" in loose.patient.sources["injection_given"]


# ---------------------------------------------------------------- each mutation of a bundle is caught


def mutations() -> list[tuple[str, Any, str]]:
    return [
        ("refuted", lambda c: c["verificationStatus"]["coding"][0].update(code="refuted"), "refuted"),
        (
            "entered in error",
            lambda c: c["verificationStatus"]["coding"][0].update(code="entered-in-error"),
            "entered in error",
        ),
        ("resolved", lambda c: c["clinicalStatus"]["coding"][0].update(code="resolved"), "resolved"),
        ("abated", lambda c: c.update(abatementDateTime="2025-10-01"), "it ended on 2025-10-01"),
        ("another subject", lambda c: c.update(subject={"reference": "Patient/p2"}), "not this patient"),
        ("another code", lambda c: c["code"]["coding"][0].update(code="38341003"), "no words that say"),
        ("another system", lambda c: c["code"]["coding"][0].update(system="http://example.org"), "no words that"),
        ("no code", lambda c: c.pop("code"), "no words that say"),
        ("in the future", lambda c: c.update(recordedDate="2026-01-01"), "after the day"),
    ]


@pytest.mark.parametrize(("what", "change", "reason"), mutations(), ids=lambda v: v if isinstance(v, str) else "")
def test_a_changed_condition_is_no_longer_present(what: str, change: Any, reason: str) -> None:
    whole = condition("c", SADDLE)
    assert findings(read(whole)) == {"saddle_anesthesia": True}
    broken = json.loads(json.dumps(whole))
    change(broken)
    reading = read(broken)
    assert findings(reading).get("saddle_anesthesia") is not True
    told = reasons(reading) | {n.source: n.reason for n in reading.not_read}
    assert what == "refuted" or reason in told["Condition/c"]
