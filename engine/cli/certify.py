"""`guidelog certify` and `guidelog check-certificate`: write a certificate, check one cold."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click
import yaml

from guidelog import checker
from guidelog.diagnostics import InputError
from guidelog.language.guideline import load_guideline
from guidelog.patients import read_document, read_text
from guidelog.patients.document import looks_like_fhir
from guidelog.pipeline import ask

from .support.files import out_option, put
from .support.options import format_option, guideline_option, load, patient_argument, read, reading_option, write_json

LARGEST_CERTIFICATE = 20_000_000


@click.command()
@patient_argument
@click.argument("interventions", nargs=-1, metavar="[INTERVENTION]...")
@guideline_option
@reading_option
@out_option
def certify(
    patient: str, interventions: tuple[str, ...], guideline: str | None, readings: tuple[str, ...], out: Path | None
) -> None:
    """Write the certificate of the answers for PATIENT, as JSON.

    \b
    Example:
      guidelog certify kb/lumbar_radiculopathy/vignettes/seed.yaml --out seed.certificate.json
    """
    compiled = load(guideline, readings)
    answers = ask(compiled, read(compiled, patient), interventions)
    text = json.dumps(answers.certificate, ensure_ascii=False, indent=1)
    if put(text, out):
        click.echo(f"{len(answers.certificate['certificates'])} certificates written to {out}", err=True)


@click.command(name="check-certificate")
@click.argument("certificate", metavar="CERTIFICATE")
@patient_argument
@guideline_option
@format_option
def check_certificate(certificate: str, patient: str, guideline: str | None, format_: str) -> None:
    """Check CERTIFICATE against the rule text and the record of PATIENT; exit code 1 when it is rejected.

    The checker reads rules and record itself and shares no code with the engine that made the answers.

    \b
    Example:
      guidelog certify kb/lumbar_radiculopathy/vignettes/seed.yaml -o seed.certificate.json
      guidelog check-certificate seed.certificate.json kb/lumbar_radiculopathy/vignettes/seed.yaml
    """
    rules = load_guideline(guideline)
    document = _document(certificate)
    identity = {"id": rules.id, "version": rules.version}
    readings = document.get("guideline", {}).get("readings", {}) if isinstance(document.get("guideline"), dict) else {}
    reason = None
    claims: list[dict[str, Any]] = []
    record = _record(patient, guideline)
    try:
        rulebook = checker.read_rules(rules.files, readings)
        claims = checker.check(document, rulebook, record, guideline=identity)
    except (checker.Rejected, ValueError) as error:
        reason = str(error)
    if format_ == "json":
        write_json({"accepted": reason is None, "reason": reason, "claims": claims})
    elif reason is None:
        click.echo(f"accepted: {len(claims)} claims follow from the rules and the record")
    else:
        click.echo(f"rejected: {reason}")
        said = document.get("patient")
        about = said.get("id") if isinstance(said, dict) else None
        if about != record.get("patient"):
            click.echo(f"the certificate is about `{about}`, the record about `{record.get('patient')}`")
    sys.exit(0 if reason is None else 1)


def _record(path: str, guideline: str | None) -> dict[str, Any]:
    """The record as plain data, read by PyYAML or json.

    The engine's own reader only refuses what is not safe to read. A FHIR record has to be mapped first, which is the
    engine's work and not the checker's; `guidelog facts --record` writes the mapped record for a check without it.
    """
    if looks_like_fhir(path):
        return dict(read(load(guideline), path).content)
    source = read_text(path)
    read_document(source)
    if path.endswith(".json"):
        record = json.loads(source.text)
    else:
        record = yaml.safe_load(source.text)
        if isinstance(record, dict) and "patient" in record:
            # An id is text also where YAML takes it for a number; this loader makes nothing but texts.
            record["patient"] = yaml.load(source.text, Loader=yaml.BaseLoader)["patient"]  # noqa: S506
    if not isinstance(record, dict):
        raise InputError.of("GL410", f"`{path}` is not a patient record")
    return {key: value for key, value in record.items() if key != "expect"}


def _document(path: str) -> dict[str, Any]:
    file = Path(path)
    try:
        if file.stat().st_size > LARGEST_CERTIFICATE:
            raise InputError.of(
                "GL605", f"`{path}` is larger than a certificate can be ({LARGEST_CERTIFICATE:,} bytes)"
            )
        document = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError.of("GL605", f"`{path}` cannot be read: {(error.strerror or 'error').lower()}") from None
    except (ValueError, RecursionError):
        raise InputError.of("GL605", f"`{path}` is not a certificate: it is not JSON") from None
    if not isinstance(document, dict):
        raise InputError.of("GL605", f"`{path}` is not a certificate: it is not a JSON object")
    return document
