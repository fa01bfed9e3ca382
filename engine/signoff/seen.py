"""What a reviewer sees of a statement, as hashes of its parts: a sign-off is bound to them, part by part.

A part is a text that would change what the reviewer agreed to: the statement, where it stands in the source, each rule
that encodes it, each definition and list that those rest on, each decision, the words of each name that they use.
Layout and comments are none: statements of the language are hashed as the printer writes them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from guidelog.compiled import Compiled
from guidelog.language import tree
from guidelog.language.printer import print_statement

CHARACTERS = 16
"""Of a SHA-256 in hexadecimal: 64 bits, enough to tell versions of one text apart; a release hashes in full."""
_WORDED = ("finding", "measure", "screen", "intervention", "topic", "item")


@dataclass(frozen=True, slots=True)
class Part:
    """A text that a sign-off is bound to: `key` in files, `label` for people."""

    key: str
    label: str
    text: str

    @property
    def digest(self) -> str:
        """The first characters of the SHA-256 of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:CHARACTERS]


def parts_of(compiled: Compiled) -> Mapping[str, tuple[Part, ...]]:
    """For each statement, in order of declaration, the parts that a reviewer of it sees."""
    names, program = compiled.names, compiled.program
    defining: dict[str, list[tree.Rule]] = {}
    for rule in program.rules:
        if rule.head is not None and rule.head.predicate not in ("advise", "note", "include"):
            defining.setdefault(rule.head.predicate, []).append(rule)
    worded = {d.name: d for d in program.declarations if d.keyword in _WORDED}
    found: dict[str, tuple[Part, ...]] = {}
    for info in names.statements.values():
        own = [rule for rule in program.rules if rule.body and info.id in rule.listed("statements")]
        below = _below(own, defining)
        listed = [
            Part("statement", "the statement", f"{info.says}\n{info.norule or ''}\n{sorted(info.cites)}"),
            Part("locator", "its place in the source", info.locator or ""),
        ]
        listed += [Part(f"rule {r.id}", f"rule {r.id}", print_statement(r)) for r in own]
        listed += [
            Part(f"below {name}", f"what {name.replace('_', ' ')} means", "\n".join(map(print_statement, rules)))
            for name, rules in below.items()
        ]
        resting = [*own, *(rule for rules in below.values() for rule in rules)]
        for name in dict.fromkeys(d for rule in resting for d in rule.listed("decisions")):
            decision = names.decisions.get(name)
            if decision is not None:
                listed.append(Part(f"decision {name}", f"decision {name}", f"{decision.point}\n{decision.decided}"))
        for name in dict.fromkeys(_symbols(resting)):
            if name in worded:
                label = worded[name].label or name.replace("_", " ")
                listed.append(Part(f"words {name}", f"the words of “{label}”", print_statement(worded[name])))
        found[info.id] = tuple(listed)
    return found


def _below(own: Iterable[tree.Rule], defining: Mapping[str, list[tree.Rule]]) -> dict[str, list[tree.Rule]]:
    """The definitions that rules rest on, directly or through others, by predicate."""
    found: dict[str, list[tree.Rule]] = {}
    waiting = list(own)
    while waiting:
        for predicate in _predicates(waiting.pop().body):
            if predicate in defining and predicate not in found:
                found[predicate] = defining[predicate]
                waiting += defining[predicate]
    return found


def _predicates(body: Iterable[tree.Element]) -> Iterator[str]:
    for element in body:
        match element:
            case tree.Literal(atom, _):
                yield atom.predicate
            case tree.AtLeast(_, members):
                for member in members:
                    yield from _predicates((member.literal, *member.conditions))
            case _:
                continue


def _symbols(rules: Iterable[tree.Rule]) -> Iterator[str]:
    """Every name in the text of rules, their annotations left out."""
    for rule in rules:
        atoms = [rule.head] if rule.head is not None else []
        yield from (t.name for a in atoms for t in a.terms if isinstance(t, tree.Symbol))
        yield from _named(rule.body)


def _named(body: Iterable[tree.Element]) -> Iterator[str]:
    for element in body:
        match element:
            case tree.Literal(atom, _):
                yield from (t.name for t in atom.terms if isinstance(t, tree.Symbol))
            case tree.AtLeast(_, members):
                for member in members:
                    yield from _named((member.literal, *member.conditions))
            case _:
                continue
