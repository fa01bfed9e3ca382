"""Certified answers -> FHIR R4: a GuidanceResponse with a CarePlan and a RequestGroup, and the Provenance of both.

The CarePlan has one activity for every answer, with the status that FHIR has for it: advice for is not started, `not
now` is on hold, `avoid` must not be done, what is not settled is unknown; never more than the answer says. The
RequestGroup has what is advised now. The Provenance names the resources the facts came from and binds the hashes of
the rules, the record and the certificate that the checker accepted. A draft guideline gives drafts. Answers without a
certificate are refused.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from guidelog import __version__, wording
from guidelog.diagnostics import CertificateError
from guidelog.explain.answers import Answer, Answers
from guidelog.explain.description import describe
from guidelog.language.guideline import GuidelineFolder
from guidelog.semantics.status import Because, Status
from guidelog.wording import STATUS, question
from guidelog.wording.presentation import presentation

from ..reading.assemble import FhirReading
from ..reading.evidence import safe
from ..terminology.code_file import OWN_SYSTEM

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:guidelog:fhir")
STRENGTH = "http://hl7.org/fhir/StructureDefinition/cqf-strengthOfRecommendation"
_GRADE = "http://terminology.hl7.org/CodeSystem/recommendation-strength"
_GRADES = {"strong": ("strong", "Strong"), "conditional": ("weak", "Weak")}


def answers_to_fhir(answers: Answers, reading: FhirReading | None, recorded: datetime | None = None) -> dict[str, Any]:
    """A collection Bundle of the answers about one patient; `recorded` is the moment of writing, now without it.

    Raises CertificateError for answers that no checker has accepted.
    """
    if not answers.answers or not all(a.certified for a in answers.answers):
        raise CertificateError("only certified answers become FHIR resources")
    return _Exporter(answers, reading, recorded or datetime.now(UTC)).bundle()


class _Exporter:
    """The resources of one set of answers, with ids that depend on rules, record and answers only."""

    def __init__(self, answers: Answers, reading: FhirReading | None, recorded: datetime) -> None:
        self.answers = answers
        self.reading = reading
        self.description = describe(answers)
        self.listed = [entry.answer for entry in self.description.entries]
        self.guideline = answers.guideline
        self.own = OWN_SYSTEM.format(self.guideline.id)
        self.draft = self.guideline.review != "approved"
        self.recorded = recorded.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        self.certificate = sha256(answers.certificate)
        self.subject = {"reference": patient_reference(answers)}

    def bundle(self) -> dict[str, Any]:
        guidance, plan, group = self.guidance(), self.plan(), self.group()
        resources = [guidance, plan, *([group] if group["action"] else []), self.device()]
        resources.append(self.provenance([r for r in resources if r["resourceType"] != "Device"]))
        entries = [{"fullUrl": f"urn:uuid:{r['id']}", "resource": r} for r in resources]
        return {
            "resourceType": "Bundle",
            "id": self.id("Bundle"),
            "type": "collection",
            "timestamp": self.recorded,
            "entry": entries,
        }

    def id(self, kind: str) -> str:
        return str(uuid.uuid5(NAMESPACE, f"{kind} {self.guideline.sha256} {self.certificate}"))

    def url(self, kind: str) -> dict[str, str]:
        return {"reference": f"urn:uuid:{self.id(kind)}", "type": kind}

    def guidance(self) -> dict[str, Any]:
        missing = any(a.because is Because.MISSING_DATA for a in self.answers.answers)
        found: dict[str, Any] = {
            "resourceType": "GuidanceResponse",
            "id": self.id("GuidanceResponse"),
            "moduleCanonical": f"{self.own}|{self.guideline.version}",
            "status": "data-required" if missing else "success",
            "subject": self.subject,
            "occurrenceDateTime": self.recorded,
            "performer": self.url("Device"),
            "note": [{"text": text} for text in self.notes()],
            "result": self.url("CarePlan"),
        }
        if missing:
            found["dataRequirement"] = list(self.requirements())
        return found

    def notes(self) -> Iterator[str]:
        guideline = self.guideline
        yield f"{guideline.title}, version {guideline.version} ({guideline.review})"
        if guideline.disclaimer:
            yield guideline.disclaimer
        found = self.description
        if found.emergency:
            yield " ".join((found.headline, *found.emergency.act, *found.emergency.why, found.emergency.call)).strip()
        for entry in found.entries:
            yield from (f"{wording.sentence(entry.answer.label)}: {told.says}" for told in entry.cautions)
        told_of = [*(t for entry in found.entries for t in entry.notes), *found.also]
        yield from dict.fromkeys(told.says for told in told_of)
        yield from (wording.say("remark", says=says) for says in found.remarks)
        yield from (wording.say("not_read", says=says) for says in found.not_read)
        for used in self.reading.used if self.reading else ():
            if used.assumption:
                yield f"{used.reference}: assumed: {used.assumption}"

    def requirements(self) -> Iterator[dict[str, Any]]:
        """What would settle the open answers, under the guideline's own names."""
        asked = dict.fromkeys(q for a in self.answers.answers for group in a.questions or () for q in group)
        for name in asked:
            coding = {
                "system": self.own,
                "code": name.removeprefix("screen:"),
                "display": question(name, self.answers.names),
            }
            yield {"type": "Observation", "codeFilter": [{"path": "code", "code": [coding]}]}

    def plan(self) -> dict[str, Any]:
        return {
            "resourceType": "CarePlan",
            "id": self.id("CarePlan"),
            "status": "draft",
            "intent": "proposal",
            "title": self.guideline.title,
            "instantiatesCanonical": [f"{self.own}|{self.guideline.version}"],
            "subject": self.subject,
            "created": self.recorded,
            "activity": [{"detail": self.activity(a)} for a in self.listed],
        }

    def activity(self, answer: Answer) -> dict[str, Any]:
        detail: dict[str, Any] = {
            "code": self.intervention(answer),
            "status": presentation(answer.status).fhir_activity,
            "statusReason": {
                "coding": [{"system": f"{self.own}:status", "code": answer.status.value}],
                "text": STATUS[answer.status],
            },
            "description": answer.says,
        }
        if answer.status is Status.AVOID:
            detail["doNotPerform"] = True
        return detail

    def intervention(self, answer: Answer) -> dict[str, Any]:
        coding = {"system": self.own, "code": answer.intervention, "display": answer.label}
        return {"coding": [coding], "text": answer.label}

    def group(self) -> dict[str, Any]:
        advised = [a for a in self.listed if presentation(a.status).advised]
        return {
            "resourceType": "RequestGroup",
            "id": self.id("RequestGroup"),
            **({"contained": [self.order(a) for a in advised]} if advised else {}),
            "status": "draft",
            "intent": "proposal",
            "instantiatesCanonical": [f"{self.own}|{self.guideline.version}"],
            "subject": self.subject,
            "authoredOn": self.recorded,
            "author": self.url("Device"),
            "action": [self.action(a) for a in advised],
        }

    def order(self, answer: Answer) -> dict[str, Any]:
        """The request that an action is about, as a draft: an action has a resource or actions of its own (rqg-1)."""
        return {
            "resourceType": "ServiceRequest",
            "id": answer.intervention.replace("_", "-")[:64],
            "status": "draft",
            "intent": "proposal",
            "priority": presentation(answer.status).fhir_priority,
            "code": self.intervention(answer),
            "subject": self.subject,
        }

    def action(self, answer: Answer) -> dict[str, Any]:
        action: dict[str, Any] = {
            **({"extension": [strength(answer.strength)]} if answer.strength in _GRADES else {}),
            "title": answer.label,
            "description": answer.says,
            "priority": presentation(answer.status).fhir_priority,
            "textEquivalent": f"{STATUS[answer.status]}: rules {', '.join(answer.rules)}; statements "
            f"{', '.join(answer.statements)}",
            "code": [self.intervention(answer)],
            "resource": {"reference": f"#{self.order(answer)['id']}"},
        }
        documents = citations(self.guideline, answer.citations, answer.unresolved)
        return {**action, "documentation": documents} if documents else action

    def device(self) -> dict[str, Any]:
        return {
            "resourceType": "Device",
            "id": self.id("Device"),
            "version": [{"value": __version__}],
            "deviceName": [{"name": "guidelog", "type": "manufacturer-name"}],
        }

    def provenance(self, targets: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        agent = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
        facts = list(self.facts())
        return {
            "resourceType": "Provenance",
            "id": self.id("Provenance"),
            "target": [self.url(r["resourceType"]) for r in targets],
            "recorded": self.recorded,
            **({"occurredDateTime": self.answers.patient.as_of.isoformat()} if self.answers.patient.as_of else {}),
            "agent": [{"type": {"coding": [{"system": agent, "code": "assembler"}]}, "who": self.url("Device")}],
            "entity": [
                hashed("rules", self.guideline.sha256, f"{self.guideline.id} {self.guideline.version}"),
                hashed("record", self.answers.patient.sha256, "the record in the guideline's names"),
                hashed("certificate", self.certificate, "the certificate that the independent checker accepted"),
                *facts,
            ],
        }

    def facts(self) -> Iterator[dict[str, Any]]:
        """The facts: by resource reference where they came from FHIR, else by name and source."""
        if self.reading is not None:
            for used in self.reading.used:
                what: dict[str, Any] = {"display": safe(f"{used.reference} {used.label}: {used.says}")}
                plain = used.reference.split("#")[0]
                if " " not in plain and "/" in plain:
                    what["reference"] = plain
                yield {"role": "source", "what": what}
            return
        patient = self.answers.patient
        for name in (*patient.findings, *patient.measures, *patient.screens):
            source = patient.sources.get(name)
            said = f"{name}: {json.dumps(_value(patient.content, name), ensure_ascii=False)}"
            yield {"role": "source", "what": {"display": safe(said + (f" ({source})" if source else ""))}}


def patient_reference(answers: Answers) -> str:
    """`Patient/…`, where the id can be one of FHIR; else a URN made of it."""
    name = answers.patient.id
    if len(name) <= 64 and all(c.isascii() and (c.isalnum() or c in "-.") for c in name) and name:
        return f"Patient/{name}"
    return f"urn:uuid:{uuid.uuid5(NAMESPACE, 'Patient ' + name)}"


def strength(word: str | None) -> dict[str, Any]:
    """The extension for the strength of a recommendation, in the words of GRADE."""
    code, display = _GRADES[word or ""]
    concept = {"coding": [{"system": _GRADE, "code": code, "display": display}], "text": word}
    return {"url": STRENGTH, "valueCodeableConcept": concept}


def citations(guideline: GuidelineFolder, numbers: Sequence[int], unresolved: Sequence[int]) -> list[dict[str, Any]]:
    """References as RelatedArtifacts; one that the source never resolves is said to be so."""
    found = []
    for number in dict.fromkeys((*numbers, *unresolved)):
        entry = guideline.references.get(number)
        if entry is None or number in guideline.unresolved:
            text = "the source cites this number and does not say what it is"
        else:
            text = ", ".join(str(part) for part in (entry.title, entry.publisher, entry.year) if part)
        found.append({"type": "citation", "label": str(number), "display": f"[{number}] {text}", "citation": text})
    return found


def hashed(kind: str, digest: str, display: str) -> dict[str, Any]:
    """An entity of a Provenance that is bound by its SHA-256."""
    identifier = {"system": f"urn:guidelog:sha256:{kind}", "value": digest}
    return {"role": "source", "what": {"identifier": identifier, "display": display}}


def sha256(document: Mapping[str, Any]) -> str:
    """SHA-256 of a document's canonical JSON, as docs/certificates.md has it for records."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _value(content: Mapping[str, Any], name: str) -> Any:
    return next(content[part][name] for part in ("findings", "measures", "screens") if name in content.get(part, {}))
