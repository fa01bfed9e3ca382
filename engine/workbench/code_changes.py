"""What an edit of `codes.toml` changes in what health records are taken to say, and in answers.

`codes.toml` decides how a coded resource becomes an entry of a record, so an edit of it may change answers though no
rule was touched. For each concept whose codes or facts differ, small FHIR records are made that could show it: the
resources that carry a code of the concept, dated just within and just beyond every span that a fact names, with values
around every limit. Both versions read them. Where they read one differently, the solver looks for the rest of a patient
with whom it changes an answer; the record shown is FHIR, read and answered, certified, by both. What no such record
shows is said to be not decided: that is a limit of these probes, and no proof that nothing changes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from typing import Any

from guidelog.compiled import Compiled
from guidelog.diagnostics import InputError
from guidelog.fhir import CodeMapping, load_mapping, read_records
from guidelog.fhir.terminology.mapping import Code, Concept
from guidelog.patients import Patient
from guidelog.semantics.status import Status
from guidelog.solver.literals import Budget
from guidelog.verify.search.versions import Overlaid, Progress
from guidelog.verify.witness.candidate import CandidateRecord, content_of, day_of
from guidelog.verify.witness.find import Ask
from guidelog.verify.witness.replay import certified

_WORDS = {"display", "source", "assumes", "note"}
"""What a concept, a code or a fact says to people."""

MOST_SHOWN = 3
"""How many ways of reading a concept differently are shown."""


@dataclass(frozen=True)
class AnswerChange:
    """An intervention that a FHIR record is answered differently on; `bundle` is the record."""

    intervention: str
    old: Status
    new: Status
    bundle: Mapping[str, Any]

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "intervention": self.intervention,
            "old": self.old.value,
            "new": self.new.value,
            "bundle": dict(self.bundle),
        }


@dataclass(frozen=True)
class CodeChange:
    """One concept that is read differently: what each version takes a record to say, and an answer that changes.

    `said` has for each name what the old and what the new version read, as a patient file would write it.
    """

    concept: str
    bundle: Mapping[str, Any]
    said: Mapping[str, tuple[str, str]]
    answer: AnswerChange | None

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "concept": self.concept,
            "bundle": dict(self.bundle),
            "said": {name: list(pair) for name, pair in self.said.items()},
            "answer": self.answer.to_json() if self.answer else None,
        }


@dataclass(frozen=True)
class CodeDifference:
    """All that a comparison of two `codes.toml` found; `undecided` are parts with what was not decided about them."""

    edited: tuple[str, ...]
    changes: tuple[CodeChange, ...]
    undecided: tuple[tuple[str, str], ...]


def compare_codes(
    old: Compiled,
    new: Compiled,
    ask: Ask = certified,
    *,
    budget: Budget | None = None,
    progress: Progress = lambda *_: None,
) -> CodeDifference:
    """What the edits of `codes.toml` change. Raises InputError when a version's file has mistakes."""
    first, second = (load_mapping(c.guideline, c.names.vocabulary) for c in (old, new))
    edited, rest = _edited(first, second)
    comparison = _Comparison(old, new, first, second, ask, budget or Budget(), progress)
    changes: list[CodeChange] = []
    undecided = list(rest)
    if first.gap_weeks != second.gap_weeks:
        found = list(comparison.of_gap())
        changes += found
        if found:
            undecided = [one for one in undecided if one[0] != "codes.toml, gap_weeks"]
    for number, name in enumerate(edited):
        progress("concepts", number, len(edited))
        found = list(comparison.of_concept(name)) if not comparison.budget.spent else []
        changes += found
        if not found:
            undecided.append((f"codes.toml, concept {name}", "no record was found that shows what its edit changes"))
    return CodeDifference((*edited, *(name for name, _ in rest)), tuple(changes), tuple(undecided))


def _edited(old: CodeMapping, new: CodeMapping) -> tuple[list[str], list[tuple[str, str]]]:
    """The concepts that mean something else, and other parts of the file that do."""
    names = dict.fromkeys((*new.concepts, *old.concepts))
    concepts = [n for n in names if _meaning(old.concepts.get(n)) != _meaning(new.concepts.get(n))]
    rest = [
        (f"codes.toml, {field.name}", "records that it is about are not compared")
        for field in fields(CodeMapping)
        if field.name not in ("concepts", "codes")
        and _meaning(getattr(old, field.name)) != _meaning(getattr(new, field.name))
    ]
    return concepts, rest


def _meaning(value: Any) -> Any:
    """A part of the mapping without what it only says to people."""
    if hasattr(value, "__dataclass_fields__"):
        return tuple((f.name, _meaning(getattr(value, f.name))) for f in fields(value) if f.name not in _WORDS)
    if isinstance(value, tuple):
        return tuple(map(_meaning, value))
    return value


class _Comparison:
    """Both versions as readers of FHIR, and the solver over what else a record may say."""

    def __init__(
        self,
        old: Compiled,
        new: Compiled,
        first: CodeMapping,
        second: CodeMapping,
        ask: Ask,
        budget: Budget,
        progress: Progress,
    ) -> None:
        self.old, self.new, self.mappings, self.ask = old, new, (first, second), ask
        self.budget, self.progress = budget, progress
        self.as_of = date.fromisoformat(day_of(new.guideline))
        self.shared = [n for n in new.names.vocabulary.interventions if n in old.names.vocabulary.interventions]
        self.shared.sort(key=lambda name: name not in new.guideline.main)

    def of_concept(self, name: str) -> Iterator[CodeChange]:
        """Ways in which a record with a code of the concept is read differently, those that change an answer first."""
        return self._read_otherwise(name, ([resource] for resource in self._probes(name)))

    def of_gap(self) -> Iterator[CodeChange]:
        """Two courses with a pause that only one version takes for an interruption."""
        pause = min(mapping.gap_weeks for mapping in self.mappings) + 1
        for name, concept in self.mappings[1].concepts.items():
            codes = concept.codes[:1] if any(fact.when in ("course", "completed") for fact in concept.facts) else ()
            for code in codes:
                days = (self.as_of - timedelta(weeks=1), self.as_of - timedelta(weeks=9 + pause))
                made = [list(_resources(self._coding(code), day, (), ())) for day in days]
                for resources in made:
                    resources.sort(key=lambda one: one["resourceType"] != "Procedure")
                pairs = ([a, {**b, "id": "earlier"}] for a, b in zip(*made, strict=True))
                yield from self._read_otherwise(f"gap_weeks ({name})", pairs)

    def _read_otherwise(self, name: str, probes: Iterable[Sequence[Mapping[str, Any]]]) -> Iterator[CodeChange]:
        seen: dict[tuple[tuple[str, tuple[str, str]], ...], CodeChange] = {}
        for resources in probes:
            if self.budget.spent:
                break
            bundle = self._bundle(*resources)
            records = self._read(bundle)
            if records is None:
                continue
            said = _said(*records)
            if said and (key := tuple(sorted(said.items()))) not in seen:
                seen[key] = CodeChange(name, bundle, said, self._answer(resources, *records))
        found = sorted(seen.values(), key=lambda change: change.answer is None)
        yield from found[:MOST_SHOWN]

    def _read(self, bundle: Mapping[str, Any]) -> tuple[Patient, Patient] | None:
        found = []
        for compiled, mapping in zip((self.old, self.new), self.mappings, strict=True):
            try:
                reading = read_records(json.dumps(bundle), mapping, compiled.names.vocabulary, unverified=True)
            except InputError:
                return None
            found.append(reading.patient)
        return found[0], found[1]

    def _probes(self, name: str) -> Iterator[dict[str, Any]]:
        concepts = [mapping.concepts.get(name) for mapping in self.mappings]
        codes = _telling_codes(*concepts)
        facts = [fact for concept in concepts if concept is not None for fact in concept.facts]
        spans = {n for f in facts for n in (f.weeks, f.absent_for, f.present_for) if n}
        weeks = sorted({1, *(n + d for n in spans for d in (-1, 1) if 0 < n + d < 2_000)})
        limits = {n for f in facts for n in (f.present_from, f.absent_to, *(f.scale or ())) if n is not None}
        routes = sorted({route for f in facts for route in f.routes})[:1]
        values = sorted({n + d for n in limits for d in (-1.0, 0.0, 1.0)})
        for code in codes:
            coding = self._coding(code)
            for ago in weeks:
                yield from _resources(coding, self.as_of - timedelta(weeks=ago), values, routes)

    def _coding(self, code: Code) -> dict[str, str]:
        addresses = {s: a for m in reversed(self.mappings) for a, s in reversed(list(m.systems.items()))}
        return {"system": addresses.get(code.system, code.system), "code": code.code}

    def _bundle(self, *resources: Mapping[str, Any]) -> dict[str, Any]:
        patient = {"resourceType": "Patient", "id": "1"}
        return {
            "resourceType": "Bundle",
            "type": "collection",
            "timestamp": f"{self.as_of}T12:00:00Z",
            "entry": [{"resource": dict(resource)} for resource in (patient, *resources)],
        }

    def _answer(self, resources: Sequence[Mapping[str, Any]], before: Patient, after: Patient) -> AnswerChange | None:
        """The rest of a patient with whom the resource changes an answer, of the first where there is one."""
        overlaid = Overlaid(self.old, self.new, before, after)
        for name in self.shared:
            found = overlaid.differing(name, self.budget)
            if found is None:
                continue
            form = self._form(found)
            if form is None:
                continue
            bundle = self._bundle(*resources, form)
            records = self._read(bundle)
            if records is None:
                continue
            try:
                statuses = [
                    next(a.status for a in self.ask(compiled, record, [name]).answers if a.intervention == name)
                    for compiled, record in zip((self.old, self.new), records, strict=True)
                ]
            except InputError:
                continue
            if statuses[0] is not statuses[1]:
                return AnswerChange(name, statuses[0], statuses[1], bundle)
        return None

    def _form(self, found: CandidateRecord) -> dict[str, Any] | None:
        """What a record lists, as answers under the guideline's own names; None when FHIR cannot say it."""
        vocabulary = self.new.names.vocabulary
        content = content_of(found, vocabulary, "1")
        if "unknown" in (*content.get("findings", {}).values(), *content.get("measures", {}).values()):
            content = content_of(found, replace(vocabulary, screens={}), "1")  # a form cannot say it
        items: list[dict[str, Any]] = [
            {"linkId": name, "answer": [{"valueBoolean": value == "present"}]}
            for name, value in content.get("findings", {}).items()
        ]
        items += [{"linkId": name, "answer": [{"valueBoolean": True}]} for name in content.get("screens", {})]
        for name, value in content.get("measures", {}).items():
            bound = next(iter(value.items())) if isinstance(value, dict) else ("", value)
            sign = {"at_least": ">=", "at_most": "<="}.get(bound[0])
            if bound[0] == "between":
                return None
            quantity = {"value": bound[1], "comparator": sign, "unit": vocabulary.measures[name].unit}
            items.append({"linkId": name, "answer": [{"valueQuantity": quantity} if sign else {"valueDecimal": value}]})
        return {
            "resourceType": "QuestionnaireResponse",
            "id": "form",
            "status": "completed",
            "subject": {"reference": "Patient/1"},
            "authored": self.as_of.isoformat(),
            "item": items,
        }


def _telling_codes(old: Concept | None, new: Concept | None) -> list[Code]:
    """Codes that came, went or mean something else; where none did, the first one."""
    before, after = ({(c.system, c.code): c for c in concept.codes} if concept else {} for concept in (old, new))
    moved = [k for k in dict.fromkeys((*after, *before)) if _meaning(before.get(k)) != _meaning(after.get(k))]
    known = {**before, **after}
    return [known[k] for k in (moved[:10] or list(known)[:1])]


def _resources(
    coding: Mapping[str, str], day: date, values: Sequence[float], routes: Sequence[str]
) -> Iterator[dict[str, Any]]:
    """Resources with a code that say something of a day: as much as a record may say in one."""
    about = {"id": "probe", "subject": {"reference": "Patient/1"}}
    code = {"coding": [dict(coding)]}
    on, before = day.isoformat(), (day - timedelta(weeks=8)).isoformat()

    def condition(clinical: str, verification: str) -> dict[str, Any]:
        base = "http://terminology.hl7.org/CodeSystem/condition"
        return {
            "resourceType": "Condition",
            **about,
            "code": code,
            "clinicalStatus": {"coding": [{"system": f"{base}-clinical", "code": clinical}]},
            "verificationStatus": {"coding": [{"system": f"{base}-ver-status", "code": verification}]},
            "onsetDateTime": on,
            "recordedDate": on,
        }

    yield condition("active", "confirmed")
    yield condition("inactive", "refuted")
    yield condition("active", "provisional")
    yield {
        "resourceType": "Procedure",
        **about,
        "status": "completed",
        "code": code,
        "performedPeriod": {"start": before, "end": on},
    }
    given = {"dosageInstruction": [{"route": {"coding": [{"code": route}]}} for route in routes]} if routes else {}
    for status in ("completed", "active"):
        yield {
            "resourceType": "MedicationRequest",
            **about,
            **given,
            "status": status,
            "intent": "order",
            "medicationCodeableConcept": code,
            "authoredOn": on,
        }
    yield {
        "resourceType": "MedicationStatement",
        **about,
        "status": "completed",
        "medicationCodeableConcept": code,
        "effectivePeriod": {"start": before, "end": on},
    }
    observation = {
        "resourceType": "Observation",
        **about,
        "status": "final",
        "code": code,
        "effectiveDateTime": on,
    }
    for said in (True, False):
        yield {**observation, "valueBoolean": said}
    for value in values:
        yield {**observation, "valueQuantity": {"value": value}}


def _said(before: Patient, after: Patient) -> dict[str, tuple[str, str]]:
    """What two versions read of one record, where it differs, in the words of a patient file."""
    found = {}
    for name in dict.fromkeys((*before.findings, *before.measures, *after.findings, *after.measures)):
        words = _entry(before, name), _entry(after, name)
        if words[0] != words[1]:
            found[name] = words
    unread = [str(len(p.not_read)) for p in (before, after)]
    if not found and unread[0] != unread[1]:
        found["entries that were not understood"] = (unread[0], unread[1])
    return found


def _entry(patient: Patient, name: str) -> str:
    if name in patient.findings:
        return {True: "present", False: "absent", None: "unknown"}[patient.findings[name]]
    if name not in patient.measures:
        return "not listed"
    written = patient.content.get("measures", {}).get(name, "unknown")
    return str(written)
