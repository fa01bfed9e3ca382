"""What a patient record says: what it lists, what its screens close, what background rules add to it."""

import datetime
import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from .grounding import FALSE, TRUE, Input, Known, Rulebook, Total, canonical, value_of
from .syntax import require

PARTS = {"patient", "as_of", "findings", "measures", "screens", "not_read", "origin", "sources", "expect"}
STATES = {"absent": (0, 0), "unknown": (0, 1), "present": (1, 1)}  # of a finding, which is an input of 0 to 1 ticks
PLAIN = re.compile("-?(0|[1-9][0-9]*)[.][0-9]+")
DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")


def read_json(text: str) -> Any:
    """JSON text; raises ValueError where a key stands twice or a number is not written plainly."""

    def once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) < len(pairs):
            raise ValueError("a key stands twice")
        return dict(pairs)

    def plain(number: str) -> float:
        if not PLAIN.fullmatch(number):
            raise ValueError(f"`{number}` is not written as a plain number")
        return float(number)

    return json.loads(text, object_pairs_hook=once, parse_float=plain, parse_constant=plain)


def sha256_of(record: Mapping[str, Any]) -> str:
    """Binds the content of a record, without what a vignette expects."""
    content = {key: value for key, value in record.items() if key != "expect"}
    text = json.dumps(
        content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=datetime.date.isoformat
    )
    return hashlib.sha256(text.encode()).hexdigest()


def day_of(said: Any) -> datetime.date:
    """A day, written with all its digits."""
    require(DAY.fullmatch(str(said)), "a day is not written as one")
    return datetime.date.fromisoformat(str(said))


def ticks_of(said: Any, given: Input) -> int:
    """A number of at most three decimals, in ticks."""
    require(type(said) in (int, float) and round(said * 1000) / 1000 == said, "a number is too fine")
    return int(round(said * 1000) * given.ticks // 1000)


def interval(said: Any, given: Input, as_of: datetime.date | None) -> tuple[int, int]:
    """What a record says of a measure, in ticks."""
    forms = said if isinstance(said, dict) else {"between": [said, said]}
    least, most = given.low, given.high
    match sorted(forms.items()):
        case [("between", ["unknown", "unknown"])] if said == "unknown":
            pass
        case [("between", [low, high])]:
            least, most = ticks_of(low, given), ticks_of(high, given)
        case [("since", start)]:
            first, last = start["between"] if isinstance(start, dict) and len(start) == 1 else (start, start)
            require(as_of and given.unit in ("day", "week"), "a date dates no time")
            least, most = ((as_of - day_of(day)).days * 1000 for day in (last, first) if as_of)
            require(least >= 0, "a date is after `as_of`")
        case [("at_least", low)]:
            least = ticks_of(low, given)
        case [("at_most", high)]:
            most = ticks_of(high, given)
        case [("at_least", low), ("at_most", high)]:
            least, most = ticks_of(low, given), ticks_of(high, given)
        case _:
            require(False, "this says nothing about a measure")
    require(given.low <= least <= most <= given.high, "a measure is outside of its range")
    return least, most


def read_record(record: Mapping[str, Any], book: Rulebook) -> tuple[dict[str, tuple[int, int]], dict[str, list[str]]]:
    """What a record says of every input, and the members that each complete screen closes."""
    require(record.keys() <= PARTS, "the record has unknown fields")
    findings, measures, screens = ({**(record.get(part) or {})} for part in ("findings", "measures", "screens"))
    for kind, said in ("finding", findings), ("measure", measures), ("screen", screens):
        require(said.keys() <= book.declared[kind].keys(), f"the record has a {kind} that is not declared")
    as_of = None if record.get("as_of") is None else day_of(record["as_of"])
    known = {name: (given.low, given.high) for name, given in book.inputs.items()}
    known |= {name: STATES[state] for name, state in findings.items()}
    known |= {name: interval(said, book.inputs[name], as_of) for name, said in measures.items()}
    closed: dict[str, list[str]] = {
        name: [] for name in screens if {"complete": True, "incomplete": False}[screens[name]]
    }
    unread = [
        entry.get("speaks_of", ()) for entry in record.get("not_read") or ()
    ]  # of anything at all where it is empty
    implied = {*implied_by(known, book)}
    for name, given in book.inputs.items():
        listed = (
            name in implied
            or name in findings
            or name in measures
            or any(not names or name in names for names in unread)
        )
        if given.screen in closed and given.unlisted is not None and not listed:
            known[name] = given.unlisted, given.unlisted
            closed[given.screen].append(name)
    return known, closed


def implied_by(known: Known, book: Rulebook) -> Iterator[str]:
    """The findings that a denial of a present finding and the absence of another shows to be present, too."""
    for _, body in book.denials:
        signs = {factor: name for total in body for name, factor in total.factors if name in book.declared["finding"]}
        plain = all(total.number is None and len(total.factors) == 1 for total in body)
        if plain and len(body) == len(signs) == 2 and known[signs[1]] == STATES["present"]:
            yield signs[-1]


# > where all elements of a denial but one are T, that one must be F
def narrowed(body: Sequence[Total], known: Known) -> tuple[str, tuple[int, int]] | None:
    """What a denial leaves no choice about: where all its elements but one are true, that one is false."""
    unmet = [(element, value) for element in body if (value := value_of(element, known)) != TRUE]
    require(unmet, "the record contradicts a background rule")
    [(element, value), *others] = unmet
    if others or value == FALSE or element.number is not None or element.operator == "=" or len(element.factors) != 1:
        return None
    [(name, factor)], (constant, other) = element.factors, element.constants
    if abs(factor) != 1 or constant != other:
        return None
    (low, high), edge = known[name], -factor * constant
    if element.operator == "!=":
        return name, (edge, edge)
    return name, (low, edge - 1) if factor == 1 else (edge + 1, high)


# > Each entry must follow from the facts before it, and at the end no denial may add anything.
def added(known: Known, propagated: Sequence[Any], book: Rulebook) -> Known:
    """What is known with what background rules add; each entry follows from what is known before it."""
    known = {**known}
    for name, value, denial in propagated:
        bodies = [body for rule, body in book.denials if rule == denial]
        found = [new for body in bodies if (new := narrowed(body, known)) and new[0] == name]
        finding = name in book.declared["finding"]
        written = {canonical("FT"[low] if finding else [low, high]): (low, high) for _, (low, high) in found}
        known[name] = written[canonical(value)]
    return known


def with_background(known: Known, propagated: Sequence[Any], book: Rulebook) -> Known:
    """What is known with all that background rules add, in the order given."""
    known = added(known, propagated, book)
    require(not any(narrowed(body, known) for _, body in book.denials), "background rules have more to add")
    return known
