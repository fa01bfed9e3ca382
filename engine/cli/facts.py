"""`guidelog facts`: what a record was taken to say, what was ignored and why, and what it cannot say."""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import click

from guidelog.compiled import Compiled
from guidelog.fhir import FhirReading
from guidelog.fhir.reading.wanted import Wanted, wanted
from guidelog.files import write_text
from guidelog.patients import Patient
from guidelog.pipeline import settle
from guidelog.text.page import Lines
from guidelog.wording import label_of, question

from .main import use_colour
from .support.files import writing
from .support.options import format_option, guideline_option, load, patient_argument, read_with_account, write_json

_FEW = 3
_HAS_CODES = "has codes, and no resource says it:"
_HAS_NONE = "has no code; ask, or answer by questionnaire:"


@click.command()
@patient_argument
@guideline_option
@format_option
@click.option("--all", "everything", is_flag=True, help="Name every resource that was ignored, not a few a reason.")
@click.option(
    "--record",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Write the facts as a patient file, which every command and the cold checker take.",
)
def facts(patient: str, guideline: str | None, format_: str, *, everything: bool, record: Path | None) -> None:
    """What the record of PATIENT says in the guideline's names, resource by resource.

    PATIENT is a FHIR Bundle, NDJSON or a folder of resources; a patient file of guidelog works too.

    \b
    Example:
      guidelog facts tests/fhir/seed.json
    """
    compiled = load(guideline)
    found, reading = read_with_account(compiled, patient)
    settle(compiled, found)  # a record that contradicts itself is refused here as everywhere
    missing = wanted(compiled, found, reading)
    if record is not None:
        _write(record, found)
    if format_ == "json":
        write_json(_json(found, reading, missing))
    else:
        click.echo(_text(compiled, found, reading, missing, everything=everything), color=use_colour(sys.stdout))


def in_a_line(reading: FhirReading, path: str) -> str:
    """How much of a record was used."""
    day = reading.patient.as_of.isoformat() if reading.patient.as_of else "no date"
    parts = [f"facts from {len(reading.used)}", f"{len(reading.open)} left open", f"ignored {len(reading.ignored)}"]
    parts += [f"{len(reading.not_read)} not read"] if reading.not_read else []
    problems = "".join(f"\nnote: {p}" for p in reading.problems)
    told = ", ".join(parts)
    return f"FHIR record, {day} ({reading.dated_by}): {told}; `guidelog facts {path}` says what and why{problems}"


def _json(patient: Patient, reading: FhirReading | None, missing: tuple[Wanted, ...]) -> dict[str, Any]:
    empty: dict[str, Any] = {"used": [], "open": [], "ignored": [], "problems": [], "resources": {}}
    listed = empty if reading is None else reading.to_json()
    return {
        "patient": {
            "id": patient.id,
            "as_of": patient.as_of.isoformat() if patient.as_of else None,
            "sha256": patient.sha256,
            "as_of_from": reading.dated_by if reading else "the patient file",
        },
        "resources": listed["resources"],
        "not_read": [n.to_json() for n in patient.not_read],
        **{key: listed[key] for key in ("used", "open", "ignored", "problems")},
        "missing": [{"name": w.name, "label": w.label, "has_codes": w.has_codes, "ask": w.ask} for w in missing],
        "record": dict(patient.content),
    }


def _text(
    compiled: Compiled, patient: Patient, reading: FhirReading | None, missing: tuple[Wanted, ...], *, everything: bool
) -> str:
    page = Lines()
    names = compiled.names
    day = f", {patient.as_of}" if patient.as_of else ""
    page.add(f"Patient {patient.id}{day}" + (f" (the day: {reading.dated_by})" if reading else ""), 0, 2)
    page.blank()
    page.add("Used:" if reading is None or reading.used else "Used: nothing")
    if reading is None:
        page.add("a patient file of guidelog, which is its own record: guidelog ask shows it", 2, 4)
    for used in reading.used if reading else ():
        told = ", ".join(t for t in (used.label, used.day or "") if t)
        page.add(f"{used.reference}{f' ({told})' if told else ''}", 2, 4)
        page.add(used.says, 6, 8)
        if used.assumption:
            page.add(f"assumed: {used.assumption}", 6, 8)
    if patient.not_read:
        page.blank()
        page.add("Not read, so that what it may be about stays open:")
        for unread in patient.not_read:
            page.add(str(unread), 2, 4)
            page.add(f"speaks of: {', '.join(unread.speaks_of) or 'anything'}", 6, 8)
    unread_sources = {n.source for n in patient.not_read}
    left_open = [o for o in reading.open if not unread_sources.issuperset(o.references)] if reading else []
    if left_open:
        page.blank()
        page.add("Left open:")
        for item in left_open:
            page.add(f"{label_of(item.name, names)} ({item.name}): {', '.join(item.references)}: {item.reason}", 2, 4)
    if reading and reading.ignored:
        page.blank()
        page.add("Ignored:")
        reasons: dict[str, list[str]] = defaultdict(list)
        for entry in reading.ignored:
            reasons[entry.reason].append(f"{entry.reference}{f' ({entry.label})' if entry.label else ''}")
        for reason, entries in sorted(reasons.items(), key=lambda item: (-len(item[1]), item[0])):
            shown = entries if everything else entries[:_FEW]
            more = f", and {len(entries) - len(shown):,} more" if len(entries) > len(shown) else ""
            page.add(f"{reason}: {', '.join(shown)}{more}", 2, 4)
    if missing:
        page.blank()
        page.add("The guideline wants to know, and the record does not say:")
        for title, coded in ((_HAS_CODES, True), (_HAS_NONE, False)):
            group = [w for w in missing if w.has_codes is coded]
            if group:
                page.add(title, 2)
                for w in group:
                    page.add(f"{w.name}: {w.ask or question(w.name, names)}", 4, 6)
    for problem in reading.problems if reading else ():
        page.blank()
        page.add(f"note: {problem}", 0, 2)
    return page.text()


def _write(path: Path, patient: Patient) -> None:
    with writing(path):
        write_text(path, json.dumps(patient.content, ensure_ascii=False, indent=1) + "\n")
    click.echo(f"record written to {path}", err=True)
