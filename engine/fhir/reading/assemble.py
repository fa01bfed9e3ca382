"""Resources of one patient -> the patient's record in the guideline's names, with what was used, left open and ignored.

Nothing is guessed: what no resource says is unknown, statements that contradict each other leave the finding open,
what is old, ordered, refuted or about somebody else is ignored with a reason. The order of resources does not matter.
The record is read by `patients` like any other, so every rule about records holds for it too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property
from os import PathLike
from typing import Any

from guidelog.language.vocabulary import Vocabulary
from guidelog.patients import Patient, patient_from_content

from ..terminology.mapping import CodeMapping
from .amounts import measure_value
from .bundle import Entry, Records, read_records_of, records_of
from .conditions import read_condition
from .courses import measure_courses, note_worsening
from .dates import When, when
from .drugs import read_drug
from .evidence import DOUBT, Evidence, Origin, both, label_of, safe
from .observations import read_observation
from .procedures import read_deed
from .questionnaires import read_questionnaire
from .resolve import Verdict, all_of, one_of, screens, verdict
from .subject import Person, person_of, without_copies

_READERS: Mapping[str, Callable[[Entry, Evidence], None]] = {
    "Condition": read_condition,
    "AllergyIntolerance": read_condition,
    "Observation": read_observation,
    "QuestionnaireResponse": read_questionnaire,
    "Procedure": read_deed,
    "DiagnosticReport": read_deed,
    "ImagingStudy": read_deed,
    "Encounter": read_deed,
    "EpisodeOfCare": read_deed,
    "MedicationStatement": read_drug,
    "MedicationRequest": read_drug,
    "MedicationDispense": read_drug,
    "MedicationAdministration": read_drug,
}
_REASONS = {
    "ServiceRequest": "an order, and nothing that was done",
    "CarePlan": "a plan, and nothing that was done",
    "Appointment": "an appointment, and nothing that was done",
    "RequestGroup": "a plan, and nothing that was done",
    "Task": "a task, and nothing that was done",
    "FamilyMemberHistory": "about a relative, not the patient",
    "DetectedIssue": "a remark of a program",
    "GuidanceResponse": "an answer of a program, not a fact",
}
_QUIET = frozenset(
    {
        "Patient",
        "Medication",
        "Practitioner",
        "PractitionerRole",
        "Organization",
        "Location",
        "OperationOutcome",
        "Substance",
    }
)
_DATES = (
    "effectiveDateTime",
    "effectiveInstant",
    "issued",
    "performedDateTime",
    "recordedDate",
    "onsetDateTime",
    "authoredOn",
    "authored",
    "dateAsserted",
    "started",
    "whenHandedOver",
    "date",
)
_PERIODS = ("effectivePeriod", "performedPeriod", "period", "onsetPeriod")
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Used:
    """A resource that facts rest on: the names it gives, what it says of them, and what that takes for granted."""

    reference: str
    label: str
    names: tuple[str, ...]
    says: str
    day: str | None
    assumption: str = ""


@dataclass(frozen=True, slots=True)
class Open:
    """A finding or measure that resources speak of without settling it, and why."""

    name: str
    references: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Ignored:
    """A resource, or a part of one, that gives no fact, and why."""

    reference: str
    label: str
    reason: str


@dataclass(frozen=True)
class FhirReading:
    """A patient's record as read from FHIR. `dated_by` says where `as_of` comes from."""

    patient: Patient
    used: tuple[Used, ...]
    open: tuple[Open, ...]
    problems: tuple[str, ...]
    dated_by: str
    _ignored: tuple[tuple[str, str, str], ...] = field(default=(), repr=False)
    _entries_ignored: tuple[tuple[Entry, str], ...] = field(default=(), repr=False)

    @cached_property
    def ignored(self) -> tuple[Ignored, ...]:
        """What gave no fact, by reference and reason."""
        entries = {(safe(e.reference), safe(label_of(e)), why) for e, why in self._entries_ignored}
        return tuple(Ignored(*found) for found in sorted(entries.union(self._ignored)))

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "patient": {
                "id": self.patient.id,
                "as_of": self.patient.as_of.isoformat() if self.patient.as_of else None,
                "as_of_from": self.dated_by,
                "sha256": self.patient.sha256,
            },
            "used": [
                {
                    "reference": u.reference,
                    "label": u.label,
                    "names": list(u.names),
                    "says": u.says,
                    "date": u.day,
                    "assumption": u.assumption or None,
                }
                for u in self.used
            ],
            "open": [{"name": o.name, "references": list(o.references), "reason": o.reason} for o in self.open],
            "ignored": [{"reference": i.reference, "label": i.label, "reason": i.reason} for i in self.ignored],
            "problems": list(self.problems),
        }


def read_records(
    data: bytes | str | Iterable[Mapping[str, Any]],
    mapping: CodeMapping,
    vocabulary: Vocabulary,
    *,
    as_of: date | None = None,
    unverified: bool = False,
    patient: str | None = None,
    name: str = "the record",
) -> FhirReading:
    """One patient's record from FHIR R4 text, or from resources that were parsed elsewhere (Bundles among them too).

    `as_of` is the day to answer for; without it the Bundle's timestamp, else the last dated entry. `unverified` takes
    codes that nobody verified, as an assumption. `patient` is the expected patient's id. Raises InputError.
    """
    return _read(records_of(data, name), mapping, vocabulary, as_of, patient, unverified=unverified)


def read_path(
    path: str | PathLike[str],
    mapping: CodeMapping,
    vocabulary: Vocabulary,
    *,
    as_of: date | None = None,
    unverified: bool = False,
    patient: str | None = None,
) -> FhirReading:
    """As `read_records`, from a file (Bundle, resource, NDJSON) or a folder of them."""
    return _read(read_records_of(path), mapping, vocabulary, as_of, patient, unverified=unverified)


def _read(
    records: Records,
    mapping: CodeMapping,
    vocabulary: Vocabulary,
    as_of: date | None,
    patient: str | None,
    *,
    unverified: bool,
) -> FhirReading:
    person = person_of(records, patient)
    entries = without_copies(records)
    strange = {id(e): why for e in entries if e.type != "Patient" and (why := person.strange(e))}
    mine = [e for e in entries if id(e) not in strange]
    day, dated_by = _day(records, mine, as_of)
    references = {key: e for e in entries for key in (e.reference, e.url) if key}
    evidence = Evidence(mapping, vocabulary, day, unverified, references)
    evidence.problems += records.problems
    for entry, reason in records.left_out:
        evidence.ignore(entry, reason)
    for entry in sorted(entries, key=lambda e: (e.type, e.reference)):
        if id(entry) in strange:
            if entry.type not in _QUIET:
                evidence.ignore(entry, strange[id(entry)])
        elif (reader := _READERS.get(entry.type)) is not None:
            if entry.content.get("modifierExtension") or entry.content.get("implicitRules"):
                evidence.ignore(entry, "an extension that this program does not know changes what it means")
            else:
                reader(entry, evidence)
        elif entry.type not in _QUIET:
            evidence.ignore(entry, _REASONS.get(entry.type, "resources of this kind say nothing here"))
    measure_courses(evidence)
    note_worsening(evidence)
    return _reading(evidence, person, dated_by)


def _reading(evidence: Evidence, person: Person, dated_by: str) -> FhirReading:
    """Settle every finding and measure, and write the record."""
    all_of(evidence)
    one_of(evidence)
    findings: dict[str, str] = {}
    measures: dict[str, Any] = {}
    sources: dict[str, str] = {}
    open_: list[Open] = []
    used: dict[Origin, list[tuple[str, str, str]]] = {}

    def take(name: str, says: str, found: Verdict) -> None:
        sources[name] = _source(found)
        for origin in found.origins:
            used.setdefault(origin, []).append((name, says, found.assumes))

    for name in evidence.vocabulary.findings:
        found = verdict(name, evidence)
        if found is None:
            continue
        findings[name] = {True: "present", False: "absent", None: "unknown"}[found.value]
        if found.value is None:
            open_.append(Open(name, tuple(o.reference for o in found.origins), found.reason))
            sources[name] = _source(found)
        else:
            take(name, f"{name}: {findings[name]}", found)
    for name in evidence.vocabulary.measures:
        value, found = measure_value(name, evidence)
        if found is None:
            continue
        measures[name] = value
        if value == "unknown":
            open_.append(Open(name, tuple(o.reference for o in found.origins), found.reason))
            sources[name] = _source(found)
        else:
            take(name, f"{name}: {_told(value)}", found)
    closed = screens(evidence)
    complete = dict.fromkeys(closed, "complete")
    for name, done in closed.items():
        take(name, f"{name}: complete", done)
    content: dict[str, Any] = {"patient": person.id}
    if evidence.as_of is not None:
        content["as_of"] = evidence.as_of.isoformat()
    parts = {"findings": findings, "measures": measures, "screens": complete, "sources": sources}
    content |= {part: entries for part, entries in parts.items() if entries}
    patient = patient_from_content(content, evidence.vocabulary, f"the record of {person.id}")
    listed = tuple(
        Used(
            o.reference,
            o.label,
            tuple(n for n, _, _ in said),
            "; ".join(s for _, s, _ in said),
            str(o.when) if o.when else None,
            both(*(a for _, _, a in said)),
        )
        for o, said in sorted(used.items(), key=lambda item: item[0].reference)
    )
    evidence.problems += [
        f"{u.reference}: {doubt}" for u in listed for doubt in u.assumption.split("; ") if DOUBT in doubt
    ]
    problems = tuple(dict.fromkeys(evidence.problems))
    return FhirReading(
        patient, listed, tuple(open_), problems, dated_by, tuple(evidence.ignored), tuple(evidence.entries_ignored)
    )


def _source(found: Verdict) -> str:
    shown = [str(o) for o in found.origins[:_SHOWN]]
    more = len(found.origins) - len(shown)
    parts = [*shown, f"and {more} more"] if more else shown
    text = "; ".join(parts)
    if found.value is None and found.reason:
        text += f": {found.reason}"
    return text + (f"; assumed: {found.assumes}" if found.assumes else "")


def _told(value: Any) -> str:
    match value:
        case {"since": {"between": [first, last]}}:
            return f"since a day between {first} and {last}"
        case {"since": start}:
            return f"since {start}"
        case {"between": [low, high]}:
            return f"{low} to {high}"
        case {"at_least": low}:
            return f"at least {low}"
        case {"at_most": high}:
            return f"at most {high}"
    return str(value)


def _day(records: Records, entries: Iterable[Entry], given: date | None) -> tuple[date | None, str]:
    """The day that the record describes, and where that comes from. A day to come is nobody's record."""
    if given is not None:
        return given, "the call"
    today = date.today()  # noqa: DTZ011 - the day on the clinic's own clock
    if records.made is not None and records.made.last <= today + timedelta(days=1):  # a clock east of ours
        return records.made.last, "the timestamp of the Bundle"
    best: tuple[date, str] | None = None
    for entry in entries:
        if entry.type not in _READERS:
            continue
        for found in _dates(entry.content):
            day = found.last if found.last <= today else found.first
            if day <= today and (best is None or (day, entry.reference) > best):
                best = day, entry.reference
    if best is None:
        return None, "nothing: the record has no date"
    return best[0], f"the last dated entry, {safe(best[1])}"


def _dates(content: Mapping[str, Any]) -> Iterable[When]:
    found = [when(content.get(key)) for key in _DATES]
    for key in _PERIODS:
        value = content.get(key)
        if isinstance(value, Mapping):
            found += [when(value.get("start")), when(value.get("end"))]
    return [f for f in found if f is not None]
