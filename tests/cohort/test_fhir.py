"""`guidelog cohort` on a FHIR bulk export: the answers of `ask` on each patient's own resources, however they are dealt out."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fhir_support import FILES, compiled, condition, mapping, observation
from guidelog.fhir import read_records
from guidelog.pipeline import ask

pq = pytest.importorskip("pyarrow.parquet")

from guidelog.cohort.engines.sql_run import run_sql  # noqa: E402
from guidelog.cohort.results.audit import AuditError  # noqa: E402
from guidelog.cohort.results.patient import find_patient  # noqa: E402
from guidelog.cohort.results.summary import render_summary  # noqa: E402
from guidelog.cohort.run import Options, run  # noqa: E402
from guidelog.cohort.wide import fhir as fhir_room  # noqa: E402 - after the check that the extra is there
from guidelog.cohort.wide import partition as partition_room  # noqa: E402

CASES = Path(__file__).parent / "cases"
QUICK = Options(audit=5, overwrite=True)


def of(patient: str, resource: dict[str, Any]) -> dict[str, Any]:
    """The same resource about another patient."""
    if resource["resourceType"] == "Patient":
        return {**resource, "id": patient}
    return {**resource, "id": f"{patient}-{resource['id']}", "subject": {"reference": f"Patient/{patient}"}}


def population() -> dict[str, list[dict[str, Any]]]:
    """Every patient's resources."""
    seed = [e["resource"] for e in json.loads((FILES / "seed.json").read_text())["entry"]]
    messy = [e["resource"] for e in json.loads((FILES / "messy.json").read_text())["entry"]]
    messy = [r for r in messy if "subject" in r or r["resourceType"] == "Patient"]
    parts = {f"s{n}": seed[: 2 + n % 4] for n in range(20)} | {f"m{n}": messy[n : n + 25] for n in range(12)}
    found = {name: [of(name, r) for r in resources] for name, resources in parts.items()}
    found["bare"] = [of("bare", condition("c", "snomed:128196005"))]  # nobody wrote who that is
    found["drug"] = [
        of(
            "drug",
            {
                "resourceType": "MedicationStatement",
                "id": "m",
                "status": "completed",
                "medicationReference": {"reference": "Medication/gabapentin"},
            },
        ),
        of("drug", observation("o", "loinc:8310-5")),
    ]
    return found


def export(folder: Path, people: dict[str, list[dict[str, Any]]], *more: dict[str, Any]) -> Path:
    """A file for each kind of resource, the patients' lines mixed."""
    lines: dict[str, list[str]] = {}
    most = max(map(len, people.values()))
    for place in range(most):
        for resources in people.values():
            for resource in resources[place : place + 1]:
                lines.setdefault(resource["resourceType"], []).append(json.dumps(resource))
    for resource in more:
        lines.setdefault(resource["resourceType"], []).append(json.dumps(resource))
    folder.mkdir(exist_ok=True)
    for kind, listed in lines.items():
        (folder / f"{kind}.ndjson").write_text("\n".join(listed) + "\n")
    return folder


DRUG = {
    "resourceType": "Medication",
    "id": "gabapentin",
    "code": {
        "text": "gabapentin",
        "coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "25480"}],
    },
}


def rows_of(path: Path) -> dict[str, dict[str, Any]]:
    return {row["patient"]: row for row in pq.read_table(path).to_pylist()}


def test_an_export_has_the_answers_of_ask_on_each_bundle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    people = population()
    folder = export(tmp_path / "export", people, DRUG)
    account = run(compiled(), str(folder), str(tmp_path / "out.parquet"), QUICK)
    found = rows_of(tmp_path / "out.parquet")
    assert (account["patients"], account["rejected"]) == (len(people), 0)
    assert set(found) == set(people)
    for name, resources in people.items():
        reading = read_records([*resources, DRUG], mapping(), compiled().names.vocabulary, patient=name)
        for answer in ask(compiled(), reading.patient, asking=()).answers:
            expected = answer.status.value, answer.because.value if answer.because else None
            assert (found[name][answer.intervention], found[name][answer.intervention + ".because"]) == expected
    assert len({row["mri_lumbar"] for row in found.values()}) > 1, "patients that all have one answer tell nothing"
    monkeypatch.setattr(partition_room, "SMALLEST", 4000)  # as if the export were terabytes
    monkeypatch.setattr(partition_room, "MOST_PARTITIONS", 3)  # so that partitions are dealt out again, and again
    run(compiled(), str(folder), str(tmp_path / "partitions.parquet"), replace(QUICK, memory=1))
    assert rows_of(tmp_path / "partitions.parquet") == found
    run_sql(compiled(), str(folder), str(tmp_path / "sql.parquet"), QUICK, "duckdb")
    assert rows_of(tmp_path / "sql.parquet") == found


def test_what_cannot_be_read_is_set_aside_with_its_line(tmp_path: Path) -> None:
    people = {name: found for name, found in population().items() if name in ("s1", "s2", "m0")}
    people["odd"] = [
        of("odd", {"resourceType": "Patient"}),
        of("odd", {"resourceType": "Bundle", "id": "b", "entry": 5}),
    ]
    folder = export(tmp_path / "export", people)
    written = (folder / "Condition.ndjson").read_text()
    (folder / "Condition.ndjson").write_text(written + '{"resourceType": "Condition", \n')
    account = run(compiled(), str(folder), str(tmp_path / "out"), QUICK)
    assert account["patients"] == 3
    rejects = (tmp_path / "out" / "rejects.csv").read_text().splitlines()[1:]
    lines = len((folder / "Condition.ndjson").read_text().splitlines())
    assert rejects[0] == f"{lines},,GL451,Condition.ndjson: the line is not a FHIR resource"
    assert rejects[1].startswith("1,odd,GL452,Bundle.ndjson: ")
    strict = replace(QUICK, strict=True)
    with pytest.raises(Exception, match="the line is not a FHIR resource"):
        run(compiled(), str(folder), str(tmp_path / "strict"), strict)
    assert not (tmp_path / "strict").exists()


def test_a_drug_made_of_another_counts_as_in_ask(tmp_path: Path) -> None:
    people = {
        "combined": [
            of("combined", {"resourceType": "Patient"}),
            of("combined", observation("o", "loinc:8310-5")),
            of(
                "combined",
                {
                    "resourceType": "MedicationStatement",
                    "id": "m",
                    "status": "completed",
                    "effectiveDateTime": "2025-09-01",
                    "medicationReference": {"reference": "https://server.example/fhir/Medication/combi/_history/2"},
                },
            ),
        ]
    }
    combi = {
        "resourceType": "Medication",
        "id": "combi",
        "ingredient": [{"itemReference": {"reference": "Medication/gabapentin"}}],
    }
    folder = export(tmp_path / "export", people, combi, DRUG)
    expected = read_records(
        [*people["combined"], combi, DRUG], mapping(), compiled().names.vocabulary, patient="combined"
    )
    assert expected.patient.findings, "a drug that nothing follows from tells nothing"
    assert find_patient(str(folder), "combined", compiled()).content == expected.patient.content
    run(compiled(), str(folder), str(tmp_path / "out.parquet"), QUICK)
    [row] = rows_of(tmp_path / "out.parquet").values()
    for answer in ask(compiled(), expected.patient, asking=()).answers:
        assert row[answer.intervention] == answer.status.value


def test_a_line_that_does_not_say_whom_it_is_about_is_set_aside(tmp_path: Path) -> None:
    people = {name: found for name, found in population().items() if name in ("s1", "s2")}
    lost = {**condition("c", "snomed:128196005"), "subject": {"reference": "urn:uuid:6f0f"}}
    group = {**condition("g", "snomed:128196005"), "subject": {"reference": "Group/ward-7"}}
    folder = export(tmp_path / "export", people)
    (folder / "More.ndjson").write_text("\n" + json.dumps(lost) + "\n" + json.dumps(group))
    account = run(compiled(), str(folder), str(tmp_path / "out"), QUICK)
    assert (account["patients"], account["rejected"]) == (2, 1)
    [reject] = (tmp_path / "out" / "rejects.csv").read_text().splitlines()[1:]
    assert reject == "2,,GL410,More.ndjson: the Condition does not say by a reference to a Patient whom it is about"


def test_the_audit_reads_the_resources_and_not_the_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    people = {name: found for name, found in population().items() if name in ("s1", "s3", "m0", "m5")}
    people["odd"] = [
        of("odd", {"resourceType": "Patient"}),
        of("odd", {"resourceType": "Bundle", "id": "b", "entry": 5}),
    ]
    folder = export(tmp_path / "export", people, DRUG)
    account = run(compiled(), str(folder), str(tmp_path / "out"), replace(QUICK, audit=50))
    assert account["audit"] == {"sample": len(people), "certified": len(people) - 1, "refused": 1}
    right = fhir_room.row_of_record

    def forgetful(content: dict[str, Any], patient: str) -> dict[str, str]:
        row = right(content, patient)
        return {name: cell for name, cell in row.items() if name != "chronic_radiculopathy"}

    monkeypatch.setattr(fhir_room, "row_of_record", forgetful)
    with pytest.raises(AuditError, match="and `ask` says"):
        run(compiled(), str(folder), str(tmp_path / "wrong"), replace(QUICK, audit=50))
    assert not (tmp_path / "wrong").exists()


@pytest.mark.parametrize("spoilt", [None, "*.arrow", "*.sqlite"])
def test_an_interrupted_reading_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoilt: str | None) -> None:
    people = population()
    folder = export(tmp_path / "export", people, DRUG)
    run(compiled(), str(folder), str(tmp_path / "whole.parquet"), QUICK)
    monkeypatch.setattr(partition_room, "SMALLEST", 20_000)
    options, out = replace(QUICK, overwrite=False, memory=1), tmp_path / "out.parquet"
    right, read, dealt = fhir_room.row_of_record, [], []

    def stop(patient: Any, vocabulary: Any) -> dict[str, str]:
        read.append(patient.id)
        if len(read) == 30:
            raise KeyboardInterrupt
        return right(patient, vocabulary)

    monkeypatch.setattr(fhir_room, "row_of_record", stop)
    with pytest.raises(KeyboardInterrupt):
        run(compiled(), str(folder), str(out), options)
    assert not out.exists()
    partitions = tmp_path / "out.parquet.unfinished" / "wide.arrow.partitions"
    parts = sorted(partitions.glob("*.json"))
    assert len(parts) > 3, "the manifest and some parts"
    for file in sorted(partitions.glob(spoilt or "nothing"))[:1]:
        file.write_bytes(file.read_bytes()[:-1] + b"?")
    first = list(read)
    run(compiled(), str(folder), str(out), options, None, lambda what, share: dealt.append((what, share)))
    again = set(first) & set(read[30:])
    assert len(again) == len(first) if spoilt else len(again) < len(first) / 2
    assert ("sorting resources by patient" in {what for what, _ in dealt}) is bool(spoilt)
    assert rows_of(out) == rows_of(tmp_path / "whole.parquet")
    assert not (tmp_path / "out.parquet.unfinished").exists()


def test_why_reads_the_patient_from_the_export(tmp_path: Path) -> None:
    people = population()
    folder = export(tmp_path / "export", people, DRUG)
    patient = find_patient(str(folder), "s3", compiled())
    expected = read_records(people["s3"], mapping(), compiled().names.vocabulary, patient="s3").patient
    assert patient.content == expected.content
    with pytest.raises(Exception, match="there is no patient `nobody`"):
        find_patient(str(folder), "nobody", compiled())


@pytest.mark.parametrize("engine", ["bits", "duckdb"])
def test_what_was_not_read_keeps_its_findings_open_and_is_listed(tmp_path: Path, engine: str) -> None:
    """A completed screen never closes over a resource that may speak of one of its findings; everybody is audited."""
    cases = sorted((CASES / "screen-over-unread").glob("*.json"))
    people = {
        case.stem: [of(case.stem, e["resource"]) for e in json.loads(case.read_text())["entry"]] for case in cases
    }
    data = export(tmp_path / "export", people)
    options = replace(QUICK, audit=100, interventions=("mri_lumbar",))
    if engine == "bits":
        account = run(compiled(), str(data), str(tmp_path / "out"), options)
    else:
        account = run_sql(compiled(), str(data), str(tmp_path / "out"), options, engine)
    rows = [row for part in sorted((tmp_path / "out").glob("part-*")) for row in pq.read_table(part).to_pylist()]
    assert len(rows) == len(cases)
    with (tmp_path / "out" / "not_read.csv").open(encoding="utf-8", newline="") as file:
        listed = list(csv.DictReader(file))
    unread = {
        name: read_records(r, mapping(), compiled().names.vocabulary).patient.not_read for name, r in people.items()
    }
    assert {row["patient"] for row in listed} == {name for name, entries in unread.items() if entries}
    assert len(listed) == sum(map(len, unread.values())) == account["not_read"]["entries"] > 0
    for row in rows:
        given = ask(compiled(), read_records(people[row["patient"]], mapping(), compiled().names.vocabulary).patient)
        assert row["mri_lumbar"] == next(a.status.value for a in given.answers if a.intervention == "mri_lumbar")
    summary = render_summary(account)
    assert f"not read: {len(listed)} things that resources say" in summary
