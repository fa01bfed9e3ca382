"""A guideline -> an SDC Questionnaire (R4), and a record -> the QuestionnaireResponse that says the same.

Each finding, measure and screen is an item whose `linkId` is its public name, so that a response is read back by
`reading.questionnaires` without a map. Screens are groups; the last item of a group says that the screen is complete.
Findings are answered yes, no or unknown: leaving one out is not the same as no. Items have the guideline's own code and
the codes of codes.toml that mean exactly the finding.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from guidelog.compiled import Compiled
from guidelog.language.vocabulary import Finding, Measure
from guidelog.patients import Interval, Patient, Since
from guidelog.wording import question, sentence

from ..reading.questionnaires import GROUP
from ..reading.words import LOINC
from ..terminology.code_file import OWN_SYSTEM, load_mapping
from ..terminology.mapping import CodeMapping
from .plan_definition import heading, identifier

PROFILE = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire"
_EXTENSION = "http://hl7.org/fhir/StructureDefinition/"
UCUM = "http://unitsofmeasure.org"
_YES, _NO, _UNKNOWN = (("LA33-6", "Yes"), ("LA32-8", "No"), ("LA4489-6", "Unknown"))
_ANSWERS = [{"system": LOINC, "code": code, "display": shown} for code, shown in (_YES, _NO, _UNKNOWN)]
_TIME = {"day": ("d", "days"), "week": ("wk", "weeks"), "month": ("mo", "months")}
_LONGEST_NUMBER = 7


def questionnaire_of(compiled: Compiled) -> dict[str, Any]:
    """The Questionnaire of a guideline."""
    guideline, vocabulary = compiled.guideline, compiled.names.vocabulary
    mapping = load_mapping(guideline, vocabulary)
    items: list[dict[str, Any]] = []
    groups: dict[str, list[str]] = {}
    asked: list[Finding | Measure] = [*vocabulary.findings.values(), *vocabulary.measures.values()]
    for declared in asked:
        if declared.screen is None:
            groups.setdefault(declared.group or "Other", []).append(declared.name)
    for name, screen in vocabulary.screens.items():
        inside = [_item(compiled, mapping, member) for member in screen.members]
        whole = {
            "linkId": f"screen:{name}",
            "code": [_own(compiled, name, screen.label)],
            "text": question(f"screen:{name}", compiled.names),
            "type": "boolean",
        }
        items.append(
            {"linkId": f"{GROUP}{name}", "text": sentence(screen.label), "type": "group", "item": [*inside, whole]}
        )
    for number, (title, names) in enumerate(groups.items(), 1):
        inside = [_item(compiled, mapping, name) for name in names]
        items.append({"linkId": f"{GROUP}{number}", "text": title, "type": "group", "item": inside})
    return {
        "resourceType": "Questionnaire",
        "id": identifier("Questionnaire", guideline),
        "meta": {"profile": [PROFILE]},
        **heading(guideline, ":questionnaire"),
        "subjectType": ["Patient"],
        "item": items,
    }


def _item(compiled: Compiled, mapping: CodeMapping, name: str) -> dict[str, Any]:
    vocabulary = compiled.names.vocabulary
    item: dict[str, Any] = {"linkId": name}
    text = question(name, compiled.names)
    if name in vocabulary.findings:
        label = vocabulary.findings[name].label
        codes = [_own(compiled, name, label), *_codes(mapping, name)]
        return item | {
            "code": codes,
            "text": text,
            "type": "choice",
            "answerOption": [{"valueCoding": answer} for answer in _ANSWERS],
        }
    measure = vocabulary.measures[name]
    bounds = [
        {"url": f"{_EXTENSION}minValue", "valueDecimal": measure.low},
        {"url": f"{_EXTENSION}maxValue", "valueDecimal": measure.high},
    ]
    item["code"] = [_own(compiled, name, measure.label)]
    if measure.unit not in _TIME:
        unit = {"url": f"{_EXTENSION}questionnaire-unit", "valueCoding": {"display": measure.unit}}
        return {"extension": [unit, *bounds], **item, "text": text, "type": "decimal"}
    units = [
        {"url": f"{_EXTENSION}questionnaire-unitOption", "valueCoding": {"system": UCUM, "code": c, "display": d}}
        for c, d in sorted(_TIME.values(), key=lambda u: u != _TIME[measure.unit])
    ]
    return {"extension": units, **item, "text": text, "type": "quantity"}


def _own(compiled: Compiled, name: str, label: str) -> dict[str, str]:
    return {"system": OWN_SYSTEM.format(compiled.guideline.id), "code": name, "display": label}


def _codes(mapping: CodeMapping, finding: str) -> Iterator[dict[str, str]]:
    """The verified codes of the mapping that mean a finding, neither less nor more."""
    addresses = {short: address for address, short in reversed(list(mapping.systems.items()))}
    for concept in mapping.concepts.values():
        if any(f.names == (finding,) and f.when == "present" and not (f.denies or f.severe) for f in concept.facts):
            for code in concept.codes:
                if code.match == "exact" and code.verified:
                    yield {"system": addresses[code.system], "code": code.code, "display": code.display}


def response_of(compiled: Compiled, patient: Patient) -> dict[str, Any]:
    """The Questionnaire filled in with what a record says, as a completed response.

    What the record leaves open, or says only in part (an interval), is left unanswered.
    """
    on = patient.as_of
    vocabulary = compiled.names.vocabulary
    said: dict[str, dict[str, Any]] = {}
    for name, value in patient.findings.items():
        code, shown = _UNKNOWN if value is None else _YES if value else _NO
        said[name] = {"valueCoding": {"system": LOINC, "code": code, "display": shown}}
    for name, amount in patient.measures.items():
        answer = _quantity(amount, vocabulary.measures[name].unit, vocabulary.measures[name].ticks, on)
        if answer is not None:
            said[name] = answer
    said |= {f"screen:{name}": {"valueBoolean": True} for name in patient.screens}
    asked = questionnaire_of(compiled)
    made: dict[str, Any] = {
        "resourceType": "QuestionnaireResponse",
        "questionnaire": f"{asked['url']}|{asked['version']}",
        "status": "completed",
        "subject": {"reference": f"Patient/{patient.id}"},
    }
    if on is not None:
        made["authored"] = on.isoformat()
    groups = []
    for group in asked["item"]:
        answered = [
            {"linkId": i["linkId"], "text": i["text"], "answer": [said[i["linkId"]]]}
            for i in group["item"]
            if i["linkId"] in said
        ]
        if answered:
            groups.append({"linkId": group["linkId"], "text": group["text"], "item": answered})
    return made | {"item": groups}


def _quantity(amount: Interval | Since | None, unit: str, ticks: int, on: date | None) -> dict[str, Any] | None:
    """An exact amount as an answer, in days where its unit is a length of time."""
    if isinstance(amount, Since):
        amount = amount.interval(on) if on is not None else None
    if amount is None or amount.low != amount.high:
        return None
    if unit not in _TIME:
        return {"valueDecimal": _number(amount.low, ticks)}
    per_day = {"day": ticks, "week": ticks // 7}.get(unit)
    code, shown = _TIME["day"] if per_day else _TIME[unit]
    value = _number(amount.low, per_day or ticks)
    return {"valueQuantity": {"value": value, "unit": shown, "system": UCUM, "code": code}}


def _number(amount: int, ticks: int) -> int | float:
    return amount // ticks if amount % ticks == 0 else round(amount / ticks, _LONGEST_NUMBER)


def names_of(questionnaire: Mapping[str, Any]) -> frozenset[str]:
    """The linkIds of all items that ask something, groups left out."""
    return frozenset(i["linkId"] for group in questionnaire["item"] for i in group["item"])
