"""What a guideline offers to record systems, read from its `hooks.toml`: services, prefetch, orders, override reasons.

Nothing here names a service, an order or a code; a guideline without the file offers no services. Codes are those of
its codes.toml, by concept, and further ones listed with the order.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from guidelog.compiled import Compiled
from guidelog.diagnostics import InputError, nearest
from guidelog.language.guideline import GuidelineFolder, read_toml
from guidelog.language.vocabulary import Vocabulary
from guidelog.source import Source

from .terminology.code_file import load_mapping
from .terminology.mapping import CodeMapping

FILE = "hooks.toml"
HOOKS = ("patient-view", "order-select", "order-sign")


@dataclass(frozen=True, slots=True)
class Offered:
    """A service: where it is called, and what it says of itself."""

    hook: str
    id: str
    title: str
    description: str


@dataclass(frozen=True, slots=True)
class Coding:
    """A code with its system's address."""

    system: str
    code: str
    display: str

    def to_json(self) -> dict[str, str]:
        """As FHIR writes it."""
        return {"system": self.system, "code": self.code, "display": self.display}


@dataclass(frozen=True, slots=True)
class Orderable:
    """How an intervention is ordered.

    `create` is the code of a suggested order, `resource` its FHIR type. `rated`: an order that gets an appropriateness
    rating. `answered`: whether an order of it is answered, or it only serves as a suggestion. `instead` is what may be
    offered in its place.
    """

    intervention: str
    concepts: tuple[str, ...]
    create: Coding | None = None
    resource: str = "ServiceRequest"
    rated: bool = False
    answered: bool = True
    instead: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """What an ordered code means; `verified` as in codes.toml, `reason`: only with a reason that codes.toml knows."""

    intervention: str
    verified: bool = True
    reason: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """A form that returns the questionnaire filled in: its label, its address, and whether that is a SMART app."""

    label: str
    url: str
    type: str


@dataclass(frozen=True)
class HooksConfig:
    """Everything of one guideline."""

    services: tuple[Offered, ...]
    prefetch: Mapping[str, str]
    orders: Mapping[str, Orderable]
    overrides: tuple[Coding, ...]
    codes: Mapping[tuple[str, str], Match]
    form: Form | None
    mapping: CodeMapping = field(compare=False, repr=False)

    def kinds(self, key: str) -> tuple[str, ...]:
        """The types of resource that a prefetch template asks for."""
        kind = re.split(r"[/?]", self.prefetch.get(key, ""))[0]
        return (kind,) if kind else ()

    def service(self, name: str) -> Offered | None:
        """The service of that id."""
        return next((s for s in self.services if s.id == name), None)

    def meaning(self, coding: tuple[str, str], *, with_reason: bool) -> Match | None:
        """What a code means as an order; the guideline's own names are codes of its own system."""
        system, code = coding
        if system == self.mapping.own_system and code in self.orders:
            return Match(code)
        found = self.codes.get((self.mapping.systems.get(system, system), code))
        return found if found and (with_reason or not found.reason) else None


def load_hooks_config(compiled: Compiled) -> HooksConfig:
    """The hooks.toml of a compiled guideline. Raises InputError as `read_hooks_config`."""
    return read_hooks_config(compiled.guideline, compiled.names.vocabulary)


def read_hooks_config(guideline: GuidelineFolder, vocabulary: Vocabulary) -> HooksConfig:
    """The hooks.toml of a guideline. Raises InputError (GL44x, GL46x) for the first thing that is wrong with it."""
    mapping = load_mapping(guideline, vocabulary)
    path = guideline.folder / FILE
    if not path.is_file():
        return HooksConfig((), {}, {}, (), {}, None, mapping)
    try:
        content = read_toml(Source(FILE, path.read_text(encoding="utf-8")), "GL461")
        return _offer(content, vocabulary, mapping)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError.of("GL461", f"{FILE} is not valid TOML: {str(error).lower()}") from None
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError.of("GL462", f"{FILE}: a part is missing or of the wrong type: {error}") from None


def _offer(content: Mapping[str, Any], vocabulary: Vocabulary, mapping: CodeMapping) -> HooksConfig:
    services = tuple(Offered(*(str(s[k]) for k in ("hook", "id", "title", "description"))) for s in content["service"])
    for service in services:
        if service.hook not in HOOKS:
            hint = f"there are: {', '.join(HOOKS)}"
            raise InputError.of("GL463", f"{FILE}: there is no hook `{service.hook}`", hint=hint)
    addresses = {short: address for address, short in reversed(list(mapping.systems.items())) if short}
    interventions = vocabulary.interventions

    def declared(name: str) -> str:
        if name not in interventions:
            near = nearest(name, interventions)
            hint = f"did you mean `{near}`?" if near else None
            raise InputError.of("GL463", f"{FILE}: there is no intervention `{name}`", hint=hint)
        return name

    def coding(entry: Mapping[str, Any]) -> Coding:
        short = str(entry["system"])
        if short not in addresses:
            raise InputError.of("GL463", f"{FILE}: there is no code system `{short}` in codes.toml")
        return Coding(addresses[short], str(entry["code"]), str(entry["display"]))

    orders: dict[str, Orderable] = {}
    codes: dict[tuple[str, str], Match] = {}
    for entry in content.get("order", ()):
        name = declared(str(entry["intervention"]))
        order = orders[name] = Orderable(
            name,
            tuple(map(str, entry["concepts"])),
            coding(entry["create"]) if "create" in entry else None,
            str(entry.get("resource", "ServiceRequest")),
            bool(entry.get("rated", False)),
            bool(entry.get("answered", True)),
            tuple(declared(str(i)) for i in entry.get("instead", ())),
        )
        codes.update(_codes(order, mapping, entry))
    own = f"{mapping.own_system}:override"
    overrides = tuple(Coding(own, str(o["code"]), str(o["display"])) for o in content.get("override", ()))
    prefetch = {str(k): str(v) for k, v in content.get("prefetch", {}).items()}
    form = content.get("form")
    return HooksConfig(services, prefetch, orders, overrides, codes, None if form is None else _form(form), mapping)


def _form(entry: Mapping[str, Any]) -> Form:
    """The form that cards link to. Raises InputError (GL463) for an address that no browser should open."""
    url, kind = str(entry["url"]), str(entry.get("type", "absolute"))
    if kind not in ("absolute", "smart") or not url.startswith("https://"):
        hint = "`type` is `absolute` or `smart`, and `url` begins with https://"
        raise InputError.of("GL463", f"{FILE}: the form `{url}` cannot be linked to", hint=hint)
    return Form(str(entry["label"]), url, kind)


def _codes(order: Orderable, mapping: CodeMapping, entry: Mapping[str, Any]) -> Iterator[tuple[tuple[str, str], Match]]:
    for concept in order.concepts:
        if concept not in mapping.concepts:
            near = nearest(concept, mapping.concepts)
            hint = f"did you mean `{near}`?" if near else None
            raise InputError.of("GL463", f"{FILE}: there is no concept `{concept}` in codes.toml", hint=hint)
        for code in mapping.concepts[concept].codes:
            yield (code.system, code.code), Match(order.intervention, code.verified)
    for extra in entry.get("codes", ()):
        reason = bool(extra.get("reason", False))
        yield (str(extra["system"]), str(extra["code"])), Match(order.intervention, reason=reason)
