"""Every command that takes a patient takes FHIR; `facts` says what became of the record."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from fhir_support import FILES, PATIENT, bundle, guidelog, procedure

ROOT = Path(__file__).parents[2]
SEED, MESSY = str(FILES / "seed.json"), str(FILES / "messy.json")
OURS = str(ROOT / "kb" / "lumbar_radiculopathy" / "vignettes" / "seed.yaml")


COMMANDS = [
    ["why", MESSY, "mri_lumbar"],
    ["why-not", MESSY, "surgical_referral"],
    ["missing", MESSY, "--next"],
    ["when", SEED],
    ["what-if", SEED, "--set", "saddle_anesthesia=present"],
    ["certify", SEED, "mri_lumbar"],
    ["diagram", "patient", SEED, "--format", "dot"],
]


@pytest.mark.parametrize("words", COMMANDS, ids=lambda w: w[0])
def test_commands_take_a_bundle(words: list[str]) -> None:
    done = guidelog(*words)
    assert done.stdout.strip()


def test_ask_gives_the_same_answers_as_our_own_file() -> None:
    ours, theirs = (json.loads(guidelog("ask", path, "--format", "json").stdout) for path in (OURS, SEED))
    assert ours["answers"] == theirs["answers"]
    assert all(a["certified"] for a in theirs["answers"])


def test_ask_says_on_stderr_what_was_used() -> None:
    assert "facts from" in guidelog("ask", SEED).stderr
    assert guidelog("ask", OURS).stderr == ""


def test_from_standard_input() -> None:
    asked = json.loads(guidelog("ask", "-", "mri_lumbar", "--format", "json", text=Path(SEED).read_text()).stdout)
    assert asked["answers"][0]["status"] == "undetermined"


def test_explanations_show_the_resource() -> None:
    shown = guidelog("why", MESSY, "mri_lumbar", "--depth", "full").stdout
    assert "Observation/foot-1 and Observation/foot-2" in " ".join(shown.split())


def test_facts_in_text() -> None:
    shown = " ".join(guidelog("facts", MESSY).stdout.split())
    for expected in (
        "Used:",
        "Left open:",
        "Ignored:",
        "The guideline wants to know",
        "ServiceRequest/mri-order",
        "assumed:",
        "has no code; ask",
    ):
        assert expected in shown, expected


def test_facts_in_json() -> None:
    document: dict[str, Any] = json.loads(guidelog("facts", MESSY, "--format", "json").stdout)
    parts = {"patient", "resources", "used", "not_read", "open", "ignored", "problems", "missing", "record"}
    assert set(document) == parts
    missing = {m["name"]: m["has_codes"] for m in document["missing"]}
    assert missing["surgical_candidate"] is False
    assert missing["urinary_incontinence"] is True
    assert not set(missing) & set(document["record"]["findings"])
    content = json.loads(Path(MESSY).read_text())
    sent = [f"{e['resource']['resourceType']}/{e['resource']['id']}" for e in content["entry"]]
    assert sorted(document["resources"]) == sorted(sent)
    assert set(document["resources"].values()) <= {"used", "not_read", "open", "ignored"}
    ignored = {i["reference"] for i in document["ignored"] if "#" not in i["reference"]}
    assert ignored == {r for r, account in document["resources"].items() if account == "ignored"}


def test_facts_of_our_own_file() -> None:
    document = json.loads(guidelog("facts", OURS, "--format", "json").stdout)
    assert document["used"] == []
    assert document["patient"]["id"] == "seed-case"


def test_the_record_that_facts_writes_is_a_patient_file(tmp_path: Path) -> None:
    record = tmp_path / "record.json"
    guidelog("facts", MESSY, "--record", str(record))
    ours, theirs = (json.loads(guidelog("ask", path, "--format", "json").stdout) for path in (str(record), MESSY))
    assert ours == theirs
    assert yaml.safe_load(record.read_text())["patient"] == "p1"


def test_a_certificate_is_checked_cold_against_the_bundle_and_the_written_record(tmp_path: Path) -> None:
    certificate, record = str(tmp_path / "c.json"), str(tmp_path / "r.json")
    guidelog("certify", MESSY, "--out", certificate)
    guidelog("facts", MESSY, "--record", record)
    for patient in (MESSY, record):
        assert "accepted" in guidelog("check-certificate", certificate, patient).stdout
    assert "rejected" in guidelog("check-certificate", certificate, SEED, code=1).stdout


def test_another_day() -> None:
    document = json.loads(guidelog("facts", SEED, "--as-of", "2025-12-24", "--format", "json").stdout)
    assert document["patient"]["as_of"] == "2025-12-24"
    assert "GL458" in guidelog("ask", OURS, "--as-of", "2025-12-24", code=2).stderr


def test_unverified_codes(tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    path.write_text(json.dumps(bundle(PATIENT, procedure("p", "cpt:64483", performedDateTime="2025-10-01"))))
    without = json.loads(guidelog("facts", str(path), "--format", "json").stdout)
    assert without["record"]["findings"] == {"injection_given": "unknown"}
    assert "--unverified-codes" in without["not_read"][0]["reason"]
    asked = guidelog("ask", str(path), "--unverified-codes")
    assert "not verified" in asked.stderr


def test_validation(tmp_path: Path) -> None:
    pytest.importorskip("fhir.resources")
    guidelog("facts", SEED, "--validate")
    broken = json.loads(Path(SEED).read_text())
    broken["entry"][1]["resource"]["recordedDate"] = "yesterday"
    path = tmp_path / "broken.json"
    path.write_text(json.dumps(broken))
    assert "GL456" in guidelog("ask", str(path), "--validate", code=2).stderr
    guidelog("ask", str(path))


def test_the_repl_takes_a_bundle() -> None:
    shown = guidelog("repl", text=f":patient {SEED}\n:quit\n")
    assert "seed-case" in shown.stdout


def test_our_own_files_are_asked_without_loading_the_fhir_reader() -> None:
    program = f"import sys\nfrom guidelog.cli import main\ntry:\n main(['ask', {OURS!r}])\nexcept SystemExit:\n pass\nprint(sorted(m for m in sys.modules if 'orjson' in m or '.fhir' in m), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr.strip() == "[]"
