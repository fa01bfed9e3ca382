"""Resources of one patient -> the patient's record in the guideline's names, with what was used, left open and ignored.

Nothing is guessed: what no resource says is unknown, statements that contradict each other leave the finding open,
what is old, ordered, refuted or about somebody else is ignored with a reason. The order of resources does not matter.
The record is read by `patients` like any other, so every rule about records holds for it too.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import cached_property
from os import PathLike
from typing import Any

from guidelog.diagnostics import InputError
from guidelog.language.vocabulary import Vocabulary
from guidelog.patients import NotRead, Patient, patient_from_content
from guidelog.patients.not_read import limited

from ..terminology.mapping import CodeMapping
from .amounts import measure_value
from .bundle import Data, Entry, NotSent, Records, read_records_of, records_of
from .courses import measure_courses, note_worsening
from .dates import When, when
from .evidence import DOUBT, Evidence, Origin, both, label_of, safe
from .readers import READERS, open_rivals, read_entry
from .resolve import Verdict, all_of, one_of, screens, verdict
from .subject import NOT_NAMED, Index, Person, person_of, without_copies

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
_BY_TIMESTAMP = "the timestamp of the Bundle"
_OUTWEIGHED = "other resources settle what it speaks of"


def _nothing() -> Evidence:
    return Evidence(CodeMapping(), Vocabulary({}, {}, {}, {}), None)


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
    """A patient's record as read from FHIR. `dated_by` says where `as_of` comes from.

    Each resource is accounted for once (`accounts`): it was used, not read (`not_read`), left something open, or was
    ignored. Parts of a resource, such as one answer of a form, have a place of their own with a `#`.
    """

    patient: Patient
    used: tuple[Used, ...]
    open: tuple[Open, ...]
    problems: tuple[str, ...]
    dated_by: str
    _evidence: Evidence = field(repr=False, compare=False, default_factory=_nothing)
    _entries: tuple[Entry, ...] = field(repr=False, compare=False, default=())
    _resources: Mapping[str, frozenset[str]] = field(repr=False, compare=False, default_factory=dict)

    @property
    def not_read(self) -> tuple[NotRead, ...]:
        """What may speak of something and was not understood."""
        return self.patient.not_read

    @cached_property
    def accounts(self) -> Mapping[str, str]:
        """What became of each resource, by reference: `used`, `not_read`, `open` or `ignored`."""
        used, left_open = self._resources["used"], self._resources["open"]
        return {
            safe(entry.reference): "used"
            if entry.reference in used
            else "not_read"
            if entry.reference in self._evidence.unread_entries
            else "open"
            if entry.reference in left_open
            else "ignored"
            for entry in sorted(self._entries, key=lambda e: e.reference)
        }

    @cached_property
    def ignored(self) -> tuple[Ignored, ...]:
        """What gave no fact, by reference and reason; a resource that counts is not among them, parts of it may be."""
        counted = {reference for reference, account in self.accounts.items() if account != "ignored"}
        found = {(safe(e.reference), safe(label_of(e)), why) for e, why in self._evidence.entries_ignored}
        found |= set(self._evidence.ignored)
        found = {item for item in found if item[0] not in counted}
        silent = self.accounts.keys() - counted - {reference for reference, _, _ in found}
        for entry in self._entries:
            if safe(entry.reference) in silent:
                found.add((safe(entry.reference), safe(label_of(entry)), _OUTWEIGHED))
        return tuple(Ignored(*item) for item in sorted(found))

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
            "not_read": [n.to_json() for n in self.not_read],
            "resources": dict(self.accounts),
            "ignored": [{"reference": i.reference, "label": i.label, "reason": i.reason} for i in self.ignored],
            "problems": list(self.problems),
        }


def read_records(  # noqa: PLR0913 - a keyword for each thing that a caller may know of a record
    data: Data,
    mapping: CodeMapping,
    vocabulary: Vocabulary,
    *,
    as_of: date | None = None,
    unverified: bool = False,
    patient: str | None = None,
    name: str = "the record",
    zone: tzinfo | None = None,
    now: datetime | None = None,
    not_sent: Iterable[NotSent] = (),
) -> FhirReading:
    """One patient's record from FHIR R4 text, or from resources that were parsed elsewhere (Bundles among them too).

    `as_of` is the day to answer for; without it the Bundle's timestamp, else the last dated entry. `unverified` takes
    codes that nobody verified, as an assumption. `patient` is the expected patient's id. `zone` is the clinic's time
    zone, in which an instant is a day. `now`: the instant of the call, where `as_of` is its day. `not_sent`: what a
    caller knows to be missing. Raises InputError.
    """
    records = records_of(data, name)
    records.not_sent += not_sent
    return _read(records, mapping, vocabulary, _Asked(as_of, patient, zone, now, unverified))


def read_path(
    path: str | PathLike[str],
    mapping: CodeMapping,
    vocabulary: Vocabulary,
    *,
    as_of: date | None = None,
    unverified: bool = False,
    patient: str | None = None,
    zone: tzinfo | None = None,
) -> FhirReading:
    """As `read_records`, from a file (Bundle, resource, NDJSON) or a folder of them."""
    return _read(read_records_of(path), mapping, vocabulary, _Asked(as_of, patient, zone, None, unverified))


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the caller wants, as in `read_records`."""

    as_of: date | None
    patient: str | None
    zone: tzinfo | None
    now: datetime | None
    unverified: bool


def _read(records: Records, mapping: CodeMapping, vocabulary: Vocabulary, asked: _Asked) -> FhirReading:
    person = person_of(records, asked.patient)
    entries = without_copies(records)
    strange = {id(e): why for e in entries if e.type != "Patient" and (why := person.strange(e))}
    mine = [e for e in entries if id(e) not in strange]
    made = records.made if asked.as_of is None else None
    zone = asked.zone or _zone(made)
    day, dated_by = _day(records, mine, asked.as_of, zone)
    instant = made.instant if made is not None and dated_by == _BY_TIMESTAMP else None
    if asked.now is not None:
        instant = asked.now.timestamp()
    evidence = Evidence(
        mapping, vocabulary, day, asked.unverified, Index(entries).find, instant, zone, asked.as_of is not None, READERS
    )
    if (why := _dead(person, evidence)) is not None:
        raise InputError.of("GL459", why, hint="no advice is given for a patient who has died")
    evidence.problems += records.problems + person.remarks
    for entry, reason in records.left_out:
        evidence.ignore(entry, reason)
    for entry in sorted(entries, key=lambda e: (e.type, e.reference)):
        why = strange.get(id(entry), "")
        if why and why != NOT_NAMED:
            evidence.ignore(entry, why)
        else:
            read_entry(entry, why, evidence)
    for versions in records.rivals:
        open_rivals(versions, evidence)
    for missing in records.not_sent:
        names = dict.fromkeys(n for kind in missing.kinds for n in mapping.names_of_kind(kind))
        if not missing.kinds or "QuestionnaireResponse" in missing.kinds or names:
            only = () if not missing.kinds or "QuestionnaireResponse" in missing.kinds else names
            evidence.not_understood(missing.place, "", only, missing.reason, when=_before(missing.newer, evidence))
    measure_courses(evidence)
    note_worsening(evidence)
    every = (*entries, *(e for e, _ in records.left_out), *(versions[0] for versions in records.rivals))
    return _reading(evidence, person, dated_by, every)


def _before(newer: Sequence[Entry], evidence: Evidence) -> When | None:
    """The days of what comes after some resources that are sorted by day, the newest first; None where not known."""
    days = [max(found, key=lambda w: w.last) for e in newer if (found := list(_dates(e.content, evidence.zone)))]
    if not days or len(days) < len(newer):
        return None
    return When(date.min, min(d.last for d in days))


def _dead(person: Person, evidence: Evidence) -> str | None:
    """That the patient had died on the day of the record, or None."""
    content = {} if person.resource is None else person.resource.content
    on = evidence.when(content.get("deceasedDateTime"))
    if on is not None and evidence.as_of is not None and on.first > evidence.as_of:
        return None
    if content.get("deceasedBoolean") is True or "deceasedDateTime" in content:
        return f"the record says that the patient died{f' on {on}' if on is not None else ''}"
    return None


def _zone(made: When | None) -> tzinfo | None:
    """The time zone that the record was made in, where its timestamp has one: an offset other than that of UTC."""
    if made is None or made.offset is None or not made.offset:
        return None
    return timezone(made.offset)


def _reading(evidence: Evidence, person: Person, dated_by: str, entries: Sequence[Entry]) -> FhirReading:
    """Settle every finding and measure, and write the record."""
    all_of(evidence)
    one_of(evidence)
    findings: dict[str, str] = {}
    measures: dict[str, Any] = {}
    sources: dict[str, str] = {}
    open_: list[Open] = []
    left_open: set[str] = set()
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
            left_open.update(r for o in found.origins for r in o.of)
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
            left_open.update(r for o in found.origins for r in o.of)
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
    not_read = [n.to_json() for n in limited(sorted(evidence.unread, key=lambda n: (n.source, n.reason)))]
    parts = {"findings": findings, "measures": measures, "screens": complete, "not_read": not_read, "sources": sources}
    content |= {part: entries for part, entries in parts.items() if entries}
    content["origin"] = {"form": "fhir", "sha256": _digest(entries)}
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
    resources = {"used": frozenset(r for o in used for r in o.of), "open": frozenset(left_open)}
    return FhirReading(patient, listed, tuple(open_), problems, dated_by, evidence, tuple(entries), resources)


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


def _day(
    records: Records, entries: Iterable[Entry], given: date | None, zone: tzinfo | None
) -> tuple[date | None, str]:
    """The day that the record describes, and where that comes from. A day to come is nobody's record."""
    if given is not None:
        return given, "the call"
    now = datetime.now(UTC)
    today = now.astimezone(zone).date()
    latest = (now + timedelta(hours=14)).date()  # a clock east of ours
    if records.made is not None:
        made = records.made
        if zone is not None and made.instant is not None:
            made = When(*(datetime.fromtimestamp(made.instant, zone).date(),) * 2, made.instant)
        if made.last <= latest:
            return made.last, _BY_TIMESTAMP
    best: tuple[date, str] | None = None
    for entry in entries:
        if entry.type not in READERS:
            continue
        for found in _dates(entry.content, zone):
            day = found.last if found.last <= today else found.first
            if day <= today and (best is None or (day, entry.reference) > best):
                best = day, entry.reference
    if best is None:
        return None, "nothing: the record has no date"
    return best[0], f"the last dated entry, {safe(best[1])}"


def _digest(entries: Iterable[Entry]) -> str:
    """SHA-256 over the resources that were read, in whatever order: what a certificate is bound to."""
    texts = sorted(json.dumps(entry.content, sort_keys=True, separators=(",", ":")) for entry in entries)
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def _dates(content: Mapping[str, Any], zone: tzinfo | None = None) -> Iterable[When]:
    found = [when(content.get(key), zone) for key in _DATES]
    for key in _PERIODS:
        value = content.get(key)
        if isinstance(value, Mapping):
            found += [when(value.get("start"), zone), when(value.get("end"), zone)]
    return [f for f in found if f is not None]
