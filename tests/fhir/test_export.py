"""FHIR out: valid by the R4B models, certified answers only, every reference resolved, and nothing said more strongly than the answer."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fhir_support import FILES, compiled, guidelog, mapping
from guidelog.diagnostics import CertificateError
from guidelog.explain.answers import Answers
from guidelog.fhir import FhirReading, read_path
from guidelog.fhir.writing.guidance_response import answers_to_fhir, sha256
from guidelog.fhir.writing.plan_definition import guideline_to_fhir
from guidelog.patients import Patient, patient_from_content, read_patient, read_text
from guidelog.pipeline import ask

pytest.importorskip("fhir.resources")
from guidelog.fhir.reading.validate import faults_of

VIGNETTES = FILES.parent.parent / "kb" / "lumbar_radiculopathy" / "vignettes"
MOMENT = datetime(2025, 11, 13, 12, tzinfo=UTC)
RECORDS = ["seed", "refuted-cauda-equina", "messy"]


def answered(name: str) -> tuple[Answers, FhirReading | None]:
    vocabulary = compiled().names.vocabulary
    if name in RECORDS:
        reading = read_path(FILES / f"{name}.json", mapping(), vocabulary)
        return ask(compiled(), reading.patient), reading
    return ask(compiled(), read_patient(read_text(VIGNETTES / f"{name}.yaml"), vocabulary)), None


def exported(name: str) -> dict[str, Any]:
    return answers_to_fhir(*answered(name), MOMENT)


def resources(bundle: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {e["resource"]["resourceType"]: e["resource"] for e in bundle["entry"]}


@pytest.mark.parametrize(
    "name",
    [
        *RECORDS,
        "surgery-all-criteria-met",
        "outside-other-level",
        "nothing-known",
        "surgery-care-18-weeks",
        "steroid-contraindicated",
    ],
)
def test_answers_are_valid_resources(name: str) -> None:
    bundle = exported(name)
    assert faults_of(bundle) == []
    for entry in bundle["entry"]:
        assert faults_of(entry["resource"]) == []
    known = {e["fullUrl"] for e in bundle["entry"]}

    def check(value: Any) -> None:
        if isinstance(value, dict):
            assert (
                not value.get("reference", "").startswith("urn:")
                or value["reference"] in known
                or "Patient" in str(value)
            )
            for item in value.values():
                check(item)
        elif isinstance(value, list):
            assert value, "an empty list is not FHIR"
            for item in value:
                check(item)

    check(list(resources(bundle).values()))


def test_a_broken_export_would_be_noticed() -> None:
    bundle = exported("seed")
    resources(bundle)["GuidanceResponse"]["status"] = 3
    assert faults_of(bundle)
    del resources(bundle)["Provenance"]["agent"]
    assert any("agent" in f for f in faults_of(resources(bundle)["Provenance"]))


@pytest.mark.parametrize("name", ["messy", "seed", "steroid-contraindicated", "outside-other-level"])
def test_every_answer_stands_in_the_plan_as_it_is(name: str) -> None:
    answers, reading = answered(name)
    plan = resources(answers_to_fhir(answers, reading, MOMENT))["CarePlan"]
    said = {a["detail"]["code"]["coding"][0]["code"]: a["detail"] for a in plan["activity"]}
    assert set(said) == {a.intervention for a in answers.answers}
    for answer in answers.answers:
        detail = said[answer.intervention]
        assert detail["statusReason"]["coding"][0]["code"] == answer.status.value
        assert (detail["status"] == "not-started") is (answer.status.value in ("urgent", "recommended", "consider"))
        assert detail.get("doNotPerform", False) is (answer.status.value == "avoid")
    assert plan["status"] == "draft"
    assert plan["intent"] == "proposal"


def test_only_advice_for_becomes_a_request() -> None:
    answers, reading = answered("messy")
    group = resources(answers_to_fhir(answers, reading, MOMENT))["RequestGroup"]
    told = {a["code"][0]["coding"][0]["code"]: a for a in group["action"]}
    assert set(told) == {
        a.intervention for a in answers.answers if a.status.value in ("urgent", "recommended", "consider")
    }
    assert told["mri_lumbar"]["priority"] == "stat"
    assert told["mri_lumbar"]["resource"]["reference"].startswith("#")


def test_missing_data_is_asked_for() -> None:
    guidance = resources(exported("seed"))["GuidanceResponse"]
    assert guidance["status"] == "data-required"
    assert "red_flags" in {r["codeFilter"][0]["code"][0]["code"] for r in guidance["dataRequirement"]}


def test_provenance_binds_rules_record_certificate_and_resources() -> None:
    answers, reading = answered("messy")
    provenance = resources(answers_to_fhir(answers, reading, MOMENT))["Provenance"]
    hashes = {
        e["what"]["identifier"]["system"].split(":")[-1]: e["what"]["identifier"]["value"]
        for e in provenance["entity"]
        if "identifier" in e["what"]
    }
    assert hashes == {
        "rules": compiled().guideline.sha256,
        "record": answers.patient.sha256,
        "certificate": sha256(answers.certificate),
    }
    references = {e["what"].get("reference") for e in provenance["entity"]}
    assert {"Condition/radiculopathy", "Procedure/therapy", "DiagnosticReport/mri"} <= references
    assert len(provenance["target"]) == 3


def test_the_same_answers_give_the_same_resources_and_others_do_not() -> None:
    assert exported("messy") == exported("messy")
    assert exported("messy")["id"] != exported("seed")["id"]


def test_answers_without_a_certificate_are_refused() -> None:
    answers, reading = answered("seed")
    doubtful = replace(answers, answers=(replace(answers.answers[0], certified=False), *answers.answers[1:]))
    for wrong in (doubtful, replace(answers, answers=())):
        with pytest.raises(CertificateError, match="only certified answers"):
            answers_to_fhir(wrong, reading, MOMENT)


@pytest.mark.parametrize("name", ["Müller, Anna", "x" * 100, "a b", "p-1"])
def test_odd_patient_ids(name: str) -> None:
    patient: Patient = patient_from_content({"patient": name}, compiled().names.vocabulary)
    assert faults_of(answers_to_fhir(ask(compiled(), patient), None, MOMENT)) == []


# ---------------------------------------------------------------- the guideline


def test_the_guideline_is_valid() -> None:
    bundle = guideline_to_fhir(compiled())
    assert faults_of(bundle) == []
    plan, library = resources(bundle)["PlanDefinition"], resources(bundle)["Library"]
    assert (plan["status"], plan["experimental"], library["status"], library["experimental"]) == (
        "draft",
        True,
        "draft",
        True,
    )
    assert plan["library"] == [f"{library['url']}|{library['version']}"]


def test_only_an_approved_guideline_is_active() -> None:
    approved = replace(compiled(), guideline=replace(compiled().guideline, review="approved"))
    plan = resources(guideline_to_fhir(approved))["PlanDefinition"]
    assert (plan["status"], plan["experimental"]) == ("active", False)


def test_every_rule_that_advises_is_a_recommendation() -> None:
    plan = resources(guideline_to_fhir(compiled()))["PlanDefinition"]
    told = [r["title"].split(":")[0] for a in plan["action"] for r in a["action"]]
    rules = compiled().program.rules
    advising = [r.id for r in rules if r.head is not None and r.head.predicate == "advise"]
    in_force = {g.rule.id for atom, found in compiled().ground.instances.items() if atom[0] == "advise" for g in found}
    assert sorted(told) == sorted(i for i in advising if i in in_force)
    for action in plan["action"]:
        for recommendation in action["action"]:
            rule = next(r for r in rules if r.id == recommendation["title"].split(":")[0])
            said = recommendation.get("extension", ({"valueCodeableConcept": {"text": ""}},))
            assert said[0]["valueCodeableConcept"]["text"] == str(getattr(rule.annotation("strength"), "name", ""))
            assert [d["label"] for d in recommendation.get("documentation", [])] == list(
                dict.fromkeys(rule.listed("cites"))
            )


def test_unresolved_citations_are_said_to_be_so() -> None:
    plan = resources(guideline_to_fhir(compiled()))["PlanDefinition"]
    told = {d["label"]: d["display"] for d in plan["relatedArtifact"]}
    assert set(told) == {"1", "2", "3", "4", "5", "6", "7"}
    assert all("does not say what it is" in told[n] for n in ("5", "6", "7"))
    assert "Lumbar Fusion" in told["2"]


def test_the_library_carries_the_rule_files() -> None:
    library = resources(guideline_to_fhir(compiled()))["Library"]
    files = {c["title"]: base64.b64decode(c["data"]).decode() for c in library["content"]}
    assert files == dict(compiled().guideline.files)
    assert library["identifier"][0]["value"] == compiled().guideline.sha256
    for content in library["content"]:
        assert (
            base64.b64decode(content["hash"])
            == hashlib.sha1(base64.b64decode(content["data"]), usedforsecurity=False).digest()
        )


# ---------------------------------------------------------------- as a user


def test_the_commands(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    guidelog("export", "patient", str(FILES / "seed.json"), "mri_lumbar", "--out", str(out))
    assert faults_of(json.loads(out.read_text())) == []
    assert json.loads(guidelog("export", "guideline").stdout)["entry"]
    assert "GL605" in guidelog("export", "guideline", "--out", str(tmp_path / "no" / "where.json"), code=2).stderr
