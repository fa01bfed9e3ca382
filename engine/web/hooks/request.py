"""The request of a CDS client -> Call: what was asked, about whom, with which orders and records.

Strict where the specification is (`Malformed`, 400), tolerant of everything it does not name, later versions included.
Knows no guideline.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

MOST_ORDERS = 200
_REFERENCE = re.compile(r"[A-Za-z]{1,64}/[A-Za-z0-9.-]{1,64}")


class Malformed(Exception):
    """The request is not what the specification asks for (400)."""


class DataMissing(Exception):
    """Data without which nothing can be said was not sent, or cannot be read (412)."""


@dataclass(frozen=True, slots=True)
class DraftOrder:
    """An order that is being chosen or signed: its reference, empty without a proper id, and its resource."""

    reference: str
    resource: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """One request. `orders` are those to be answered, `drafts` all.

    `records` is what came as prefetch, by key; `missing` the keys of what did not come: null, or nothing in it.
    """

    hook: str
    patient: str
    orders: tuple[DraftOrder, ...]
    drafts: tuple[DraftOrder, ...]
    records: tuple[tuple[str, Mapping[str, Any]], ...]
    missing: tuple[str, ...] = ()


def read_call(body: bytes, hook: str) -> Call:
    """The call in a request body, for a service of that hook. Raises Malformed, DataMissing."""
    try:
        request = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Malformed("the body is not JSON") from None
    if not isinstance(request, dict):
        raise Malformed("the body is not a JSON object")
    named = _text(request, "hook", "the request")
    if named != hook:
        raise Malformed(f"this service is for the hook `{hook}`")
    _text(request, "hookInstance", "the request")
    context = request.get("context")
    if not isinstance(context, dict):
        raise Malformed("`context` is missing or not an object")
    patient = _text(context, "patientId", "`context`").removeprefix("Patient/")
    _text(context, "userId", "`context`")
    server = request.get("fhirServer")
    if server is not None and not isinstance(server, str):
        raise Malformed("`fhirServer` is not text")
    if not isinstance(request.get("fhirAuthorization", {}), dict | None):
        raise Malformed("`fhirAuthorization` is not an object")
    records, missing = _prefetch(request.get("prefetch"))
    if hook == "patient-view":
        return Call(hook, patient, (), (), records, missing)
    drafts = _drafts(context, patient)
    chosen = _selected(context, drafts) if hook == "order-select" else drafts
    return Call(hook, patient, chosen, drafts, records, missing)


def _text(holder: Mapping[str, Any], key: str, where: str) -> str:
    value = holder.get(key)
    if not isinstance(value, str) or not value.strip() or len(value) > 1000:
        raise Malformed(f"`{key}` is missing from {where}, or not text")
    return value


def _prefetch(prefetch: Any) -> tuple[tuple[tuple[str, Mapping[str, Any]], ...], tuple[str, ...]]:
    """What was sent, by key, and the keys of what could not be had. A key that is left out was never asked for."""
    if prefetch is None:
        return (), ()
    if not isinstance(prefetch, dict):
        raise Malformed("`prefetch` is not an object")
    found, missing = [], []
    for key, value in prefetch.items():
        if value is None or value == {}:
            missing.append(key)
        elif not isinstance(value, dict):
            raise Malformed("a value of `prefetch` is neither a resource nor null")
        else:
            found.append((key, value))
    return tuple(found), tuple(missing)


def _drafts(context: Mapping[str, Any], patient: str) -> tuple[DraftOrder, ...]:
    bundle = context.get("draftOrders")
    if not isinstance(bundle, dict) or bundle.get("resourceType", "Bundle") != "Bundle":
        raise Malformed("`draftOrders` is missing from `context`, or not a Bundle")
    entries = bundle.get("entry", [])
    if not isinstance(entries, list):
        raise Malformed("`draftOrders.entry` is not a list")
    if len(entries) > MOST_ORDERS:
        raise Malformed(f"there are more than {MOST_ORDERS} draft orders")
    found = []
    for entry in entries:
        if not isinstance(entry, dict):
            raise Malformed("an entry of `draftOrders` is not an object")
        resource = entry.get("resource")
        if resource is None:
            raise DataMissing("an entry of `draftOrders` has no resource, so what is ordered is not known")
        if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
            raise Malformed("an entry of `draftOrders` has no resource with a type")
        if _other_patient(resource.get("subject"), patient):
            raise Malformed("a draft order is for another patient than `patientId`")
        name = resource.get("id")
        reference = f"{resource['resourceType']}/{name}"
        proper = isinstance(name, str) and _REFERENCE.fullmatch(reference)
        found.append(DraftOrder(reference if proper else "", resource))
    return tuple(found)


def _other_patient(subject: Any, patient: str) -> bool:
    reference = subject.get("reference") if isinstance(subject, dict) else None
    if not isinstance(reference, str) or "Patient/" not in reference:
        return False
    return reference.rsplit("Patient/", 1)[1].split("/")[0] != patient


def _selected(context: Mapping[str, Any], drafts: Sequence[DraftOrder]) -> tuple[DraftOrder, ...]:
    """The orders that were just chosen."""
    selections = context.get("selections")
    if not isinstance(selections, list) or not all(isinstance(s, str) for s in selections):
        raise Malformed("`selections` is missing from `context`, or not a list of references")
    chosen = {s.rsplit("/", 2)[-2] + "/" + s.rsplit("/", 1)[-1] if s.count("/") else s for s in selections}
    return tuple(d for d in drafts if d.reference and (d.reference in chosen or d.reference.split("/")[1] in chosen))
