"""A guideline -> FHIR R4: a PlanDefinition with its recommendations, and a Library with its rule files.

One action for every intervention, and in it one for every rule that advises on it, with the rule's own text as its
condition, the strength of the recommendation and the citations. A draft is `draft` and experimental; nothing of the
rules is left out, because the Library carries the files themselves.
"""

from __future__ import annotations

import base64
import hashlib
import re
import uuid
from typing import Any

from guidelog.compiled import Compiled
from guidelog.language import print_element, tree
from guidelog.language.guideline import GuidelineFolder
from guidelog.language.names import in_force
from guidelog.language.stances import STANCES

from ..terminology.code_file import OWN_SYSTEM
from .guidance_response import NAMESPACE, citations, strength

LANGUAGE = "text/x-guidelog"
_STANCE = {
    "urgent": "at once",
    "do": "do",
    "consider": "consider",
    "defer": "not now",
    "avoid": "avoid",
    "hold": "not now, something else comes first",
    "emergency": "emergency pathway, outside this guideline",
}
_STRENGTHS = ("strong", "conditional")


def guideline_to_fhir(compiled: Compiled) -> dict[str, Any]:
    """A collection Bundle with the PlanDefinition and the Library of a guideline, its readings as chosen."""
    resources = [_plan(compiled), _library(compiled.guideline)]
    entries = [{"fullUrl": f"urn:uuid:{r['id']}", "resource": r} for r in resources]
    return {
        "resourceType": "Bundle",
        "id": identifier("Bundle", compiled.guideline),
        "type": "collection",
        "entry": entries,
    }


def _plan(compiled: Compiled) -> dict[str, Any]:
    guideline = compiled.guideline
    kind = "http://terminology.hl7.org/CodeSystem/plan-definition-type"
    actions = [_intervention(compiled, name) for name in compiled.names.vocabulary.interventions]
    wide = [r for r in compiled.program.rules if _advises_on_several(r) and in_force(r, compiled.readings)]
    if wide:
        actions.append({"title": "Several interventions", "action": [_recommendation(compiled, r) for r in wide]})
    return {
        "resourceType": "PlanDefinition",
        "id": identifier("PlanDefinition", guideline),
        **heading(guideline, ""),
        "type": {"coding": [{"system": kind, "code": "clinical-protocol"}]},
        "purpose": " ".join(t for t in (guideline.review_note, guideline.disclaimer) if t),
        "relatedArtifact": citations(guideline, tuple(guideline.references), tuple(sorted(guideline.unresolved))),
        "library": [f"{OWN_SYSTEM.format(guideline.id)}:rules|{guideline.version}"],
        "action": [a for a in actions if "action" in a],
    }


def _intervention(compiled: Compiled, name: str) -> dict[str, Any]:
    declared = compiled.names.vocabulary.interventions[name]
    own = OWN_SYSTEM.format(compiled.guideline.id)
    action: dict[str, Any] = {
        "title": declared.label,
        "code": [{"coding": [{"system": own, "code": name, "display": declared.label}]}],
    }
    rules = [r for r in compiled.program.rules if _advises(r, name) and in_force(r, compiled.readings)]
    if rules:
        rules.sort(key=lambda r: STANCES.index(_stance(r)))
        action["action"] = [_recommendation(compiled, rule) for rule in rules]
    return action


def _recommendation(compiled: Compiled, rule: tree.Rule) -> dict[str, Any]:
    guideline = compiled.guideline
    word = rule.annotation("strength")
    said = "" if word is None else tree.plain(word) if not isinstance(word, tree.ListValue) else ""
    says = rule.annotation("says")
    statements = rule.listed("statements")
    numbers = tuple(int(n) for n in rule.listed("cites") if n.isdigit())
    documents = citations(
        guideline,
        [n for n in numbers if n not in guideline.unresolved],
        [n for n in numbers if n in guideline.unresolved],
    )
    found: dict[str, Any] = {
        **({"extension": [strength(said)]} if said in _STRENGTHS else {}),
        "title": f"{rule.id}: {_STANCE[_stance(rule)]}",
        "description": says.value if isinstance(says, tree.Text) else f"{rule.id}",
        "textEquivalent": f"statements {', '.join(statements)}" if statements else "no statement",
        "documentation": documents,
        "condition": [
            {
                "kind": "applicability",
                "expression": {
                    "language": LANGUAGE,
                    "expression": ", ".join(print_element(e) for e in rule.body) or "true",
                },
            }
        ],
    }
    return {key: value for key, value in found.items() if value}


def _library(guideline: GuidelineFolder) -> dict[str, Any]:
    kind = "http://terminology.hl7.org/CodeSystem/library-type"
    return {
        "resourceType": "Library",
        "id": identifier("Library", guideline),
        **heading(guideline, ":rules"),
        "identifier": [{"system": "urn:guidelog:sha256:rules", "value": guideline.sha256}],
        "type": {"coding": [{"system": kind, "code": "logic-library"}]},
        "content": [
            {
                "contentType": LANGUAGE,
                "title": name,
                "data": base64.b64encode(text.encode()).decode("ascii"),
                "hash": base64.b64encode(hashlib.sha1(text.encode(), usedforsecurity=False).digest()).decode("ascii"),
            }
            for name, text in sorted(guideline.files.items())
        ],
    }


def heading(guideline: GuidelineFolder, part: str) -> dict[str, Any]:
    """What every resource of a guideline says of it. `approved` is the only review status that is active."""
    approved = guideline.review == "approved"
    name = re.sub(r"[^A-Za-z0-9]+", "_", guideline.id).strip("_").capitalize()
    source = guideline.source
    told = ", ".join(source[k] for k in ("title", "publisher", "date") if source.get(k))
    heading: dict[str, Any] = {
        "url": f"{OWN_SYSTEM.format(guideline.id)}{part}",
        "version": guideline.version,
        "name": name + part.replace(":", "_"),
        "title": guideline.title,
        "status": "active" if approved else "draft",
        "experimental": not approved,
        "description": f"Source: {told}." if told else guideline.title,
    }
    return heading


def _advises(rule: tree.Rule, intervention: str) -> bool:
    head = rule.head
    if head is None or head.predicate != "advise" or len(head.terms) != 3:
        return False
    return isinstance(head.terms[1], tree.Symbol) and head.terms[1].name == intervention and _stance(rule) in STANCES


def _advises_on_several(rule: tree.Rule) -> bool:
    """Whether a rule advises on every intervention that its body gives."""
    head = rule.head
    if head is None or head.predicate != "advise" or len(head.terms) != 3:
        return False
    return not isinstance(head.terms[1], tree.Symbol) and _stance(rule) in STANCES


def _stance(rule: tree.Rule) -> str:
    term = rule.head.terms[2] if rule.head is not None else None
    return term.name if isinstance(term, tree.Symbol) else ""


def identifier(kind: str, guideline: GuidelineFolder) -> str:
    """The id of a resource of a guideline: the same as long as the rules are."""
    return str(uuid.uuid5(NAMESPACE, f"{kind} {guideline.id} {guideline.version} {guideline.sha256}"))
