"""`guidelog certify` and `guidelog check-certificate`: write a certificate, check one cold."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
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
from .support.options import (
    chosen_readings,
    format_option,
    guideline_option,
    load,
    patient_argument,
    read,
    reading_option,
    write_json,
)

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
@reading_option
@format_option
def check_certificate(
    certificate: str, patient: str, guideline: str | None, readings: tuple[str, ...], format_: str
) -> None:
    """Check CERTIFICATE against the rule text and the record of PATIENT; exit code 1 when it is rejected.

    The checker reads rules and record itself and shares no code with the engine that made the answers. The certificate
    must be made under the readings that are in force: those of the guideline, or another one that --reading names.

    \b
    Example:
      guidelog certify kb/lumbar_radiculopathy/vignettes/seed.yaml -o seed.certificate.json
      guidelog check-certificate seed.certificate.json kb/lumbar_radiculopathy/vignettes/seed.yaml
    """
    rules = load_guideline(guideline)
    document = _document(certificate)
    identity = {"id": rules.id, "version": rules.version}
    chosen = {**rules.readings, **chosen_readings(readings)}
    reason = None
    claims: list[dict[str, Any]] = []
    in_force: Mapping[str, str] = chosen
    record = _record(patient, guideline)
    try:
        rulebook = checker.read_rules(rules.files, chosen)
        in_force = rulebook.readings
        claims = checker.check(document, rulebook, record, guideline=identity)
    except (checker.Rejected, ValueError) as error:
        reason = str(error)
    if format_ == "json":
        write_json({"accepted": reason is None, "reason": reason, "readings": in_force, "claims": claims})
    elif reason is None:
        click.echo(f"accepted: {len(claims)} claims follow from the rules and the record")
        for name, option in in_force.items():
            click.echo(f"reading: {name} = {option}")
    else:
        click.echo(f"rejected: {reason}")
        said = document.get("patient")
        about = said.get("id") if isinstance(said, dict) else None
        if about != record.get("patient"):
            click.echo(f"the certificate is about `{about}`, the record about `{record.get('patient')}`")
    sys.exit(0 if reason is None else 1)


def _record(path: str, guideline: str | None) -> dict[str, Any]:
    """The record as plain data, by PyYAML's or json's parser and nothing else of the engine but its refusals.

    A FHIR record has to be mapped first, which is the engine's work and not the checker's; `guidelog facts --record`
    writes the mapped record for a check without it.
    """
    if looks_like_fhir(path):
        return dict(read(load(guideline), path).content)
    source = read_text(path)
    read_document(source)
    try:
        record = _json_or_yaml(source.text, is_json=path.lower().endswith(".json"))
    except (ValueError, yaml.YAMLError) as error:
        raise InputError.of("GL404", f"`{path}` cannot be read: {error}") from None
    if not isinstance(record, dict):
        raise InputError.of("GL410", f"`{path}` is not a patient record")
    if type(record.get("patient")) is int:
        record["patient"] = str(record["patient"])  # an id is text also where it is written as a number
    return {key: value for key, value in record.items() if key != "expect"}


def _json_or_yaml(text: str, *, is_json: bool) -> Any:
    try:
        return checker.read_json(text)
    except ValueError:
        if is_json:
            raise
        return _plain(yaml.compose(text, Loader=_LOADER), numbers=False)


_LOADER: Any = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader  # they differ about tabs
_PLAIN_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)([.][0-9]+)?")


def _plain(node: yaml.Node | None, *, numbers: bool) -> Any:
    """YAML as plain data: texts, and numbers only where a measure has them, written as JSON writes them.

    YAML itself takes `010` for 8, `1:30` for 90 and `no` for false.
    """
    match node:
        case yaml.MappingNode():
            keys = [key.value for key, _ in node.value]
            if len(set(keys)) < len(keys):
                raise ValueError("a key stands twice")
            return {k.value: _plain(v, numbers=numbers or k.value == "measures") for k, v in node.value}
        case yaml.SequenceNode():
            return [_plain(item, numbers=numbers) for item in node.value]
        case yaml.ScalarNode() if numbers and not node.style and _PLAIN_NUMBER.fullmatch(node.value):
            return checker.read_json(node.value)
        case yaml.ScalarNode():
            return node.value
    return None


def _document(path: str) -> dict[str, Any]:
    file = Path(path)
    try:
        if file.stat().st_size > LARGEST_CERTIFICATE:
            raise InputError.of(
                "GL605", f"`{path}` is larger than a certificate can be ({LARGEST_CERTIFICATE:,} bytes)"
            )
        document = checker.read_json(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError.of("GL605", f"`{path}` cannot be read: {(error.strerror or 'error').lower()}") from None
    except (ValueError, RecursionError) as error:
        why = str(error) if type(error) is ValueError else "it is not JSON"
        raise InputError.of("GL605", f"`{path}` is not a certificate: {why}") from None
    if not isinstance(document, dict):
        raise InputError.of("GL605", f"`{path}` is not a certificate: it is not a JSON object")
    return document
