"""The generic words that answers are made of, all in one place, so that another language can be added.

Everything clinical comes from the guideline's own annotations: labels, `true`/`false` wordings, `says`, `ask`.
Nothing here knows a guideline.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

from ..ground import Atom, Constant, GroundComparison
from ..names import Names
from ..patients import Interval
from ..status import Because, Status
from ..values import Value
from ..vocabulary import Measure

STATUS: Mapping[Status, str] = {
    Status.URGENT: "urgent",
    Status.RECOMMENDED: "recommended",
    Status.CONSIDER: "consider",
    Status.NOT_NOW: "not now",
    Status.AVOID: "avoid",
    Status.UNDETERMINED: "undetermined",
    Status.CONFLICT: "conflict in the guideline",
    Status.OUTSIDE_GUIDELINE: "outside this guideline",
    Status.EMERGENCY_PATHWAY: "not covered here: emergency pathway",
}
BECAUSE: Mapping[Because, str] = {
    Because.MISSING_DATA: "data missing",
    Because.GUIDELINE_RANGE: "the guideline leaves this to judgement",
}
THE_PATIENT = "the patient"
_HOLE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


def fill(text: str, values: Mapping[str, Constant], patient: str | None, names: Names) -> str:
    """A wording with its `{Variable}` holes filled with labels."""

    def word(match: re.Match[str]) -> str:
        name = match[1]
        if name == patient:
            return THE_PATIENT
        return label_of(values[name], names) if name in values else match[0]

    return sentence(_HOLE.sub(word, text))


def sentence(text: str) -> str:
    """With a capital letter."""
    return text[:1].upper() + text[1:]


def label_of(value: Constant, names: Names) -> str:
    """The label of a declared name, a string without its quotes, a number."""
    if isinstance(value, int):
        return str(value)
    if value.startswith('"'):
        return str(json.loads(value))
    vocabulary = names.vocabulary
    for table in (vocabulary.findings, vocabulary.measures, vocabulary.interventions, vocabulary.screens):
        if value in table:
            return table[value].label
    return value.replace("_", " ")


def question(name: str, names: Names) -> str:
    """The question about an input or a screen, as the guideline words it."""
    vocabulary = names.vocabulary
    if name.startswith("screen:"):
        screen = vocabulary.screens[name.removeprefix("screen:")]
        return screen.ask or f"complete {screen.label}"
    declared = vocabulary.findings.get(name) or vocabulary.measures[name]
    return declared.ask or f"{sentence(declared.label)}?"


def question_label(name: str, names: Names) -> str:
    """What a question is about, in few words."""
    if name.startswith("screen:"):
        return f"complete {names.vocabulary.screens[name.removeprefix('screen:')].label}"
    return label_of(name, names)


def alternatives(words: Iterable[str]) -> str:
    """`a, b or c`"""
    *first, last = list(words) or [""]
    return f"{', '.join(first)} or {last}" if first else last


def undetermined(because: Because, if_resolved: Iterable[Status], asked: Iterable[str], names: Names) -> str:
    """One sentence on an answer that is open."""
    outcomes = alternatives(STATUS[s] for s in if_resolved)
    if because is Because.GUIDELINE_RANGE:
        return (
            f"The guideline gives a range here and leaves the decision to judgement: {outcomes}"
            if outcomes
            else "The guideline leaves the decision to judgement"
        )
    first = next(iter(asked), None)
    text = f"Not settled yet: {outcomes}" if outcomes else "Not settled yet"
    return f"{text}. First: {question_label(first, names)}" if first else text


def nothing_applies(label: str) -> str:
    """For an intervention that no rule speaks for."""
    return f"None of the guideline's reasons for {label} applies"


def outside(title: str) -> str:
    """For a patient the guideline is not about."""
    return f"The guideline ({title}) is not about this patient"


# sentences about values
UNKNOWN = "not known"
_OPERATORS = {">=": "at least", ">": "more than", "<=": "at most", "<": "less than", "=": "exactly", "!=": "other than"}


def finding(name: str, value: Value, names: Names) -> str:
    """A finding that is present, absent or not known, as a sentence."""
    declared = names.vocabulary.findings[name]
    if value is True:
        return sentence(declared.when_true or declared.label)
    if value is False:
        return sentence(declared.when_false or f"{declared.label}: absent")
    return f"{sentence(declared.label)}: {UNKNOWN}"


STANCE = {
    "emergency": "emergency pathway",
    "urgent": "urgent",
    "do": "recommended",
    "consider": "consider",
    "avoid": "avoid",
    "defer": "not now",
}


def advice(intervention: str, stance: str, value: Value, names: Names) -> str:
    """Advice that is given, not given, or not settled."""
    label = sentence(label_of(intervention, names))
    word = STANCE[stance]
    return f"{label}: {word}" if value else f"{label}: not `{word}`" if value is False else f"{label}: perhaps `{word}`"


def atom(atom_: Atom, value: Value, names: Names) -> str:
    """A derived atom as a sentence, in the concept's own words."""
    if atom_[0] == "advise":
        return advice(str(atom_[1]), str(atom_[2]), value, names)
    predicate = names.predicates[str(atom_[0])]
    parameters = predicate.parameters[1:] if predicate.about_patient else predicate.parameters
    values = dict(zip(parameters, atom_[1:], strict=False))
    patient = predicate.parameters[0] if predicate.about_patient and predicate.parameters else None
    text = predicate.when_false if value is False else predicate.when_true
    if text is None:
        words = ", ".join(label_of(v, names) for v in atom_[1:])
        text = f"{predicate.name.replace('_', ' ')}{f' ({words})' if words else ''}"
        text = text if value is not False else f"not {text}"
    filled = fill(text, values, patient, names)
    return filled if value is not None else f"Not known whether {_uncapitalised(filled)}"


def amount(interval: Interval, measure: Measure) -> str:
    """A measured value with its unit: `8 weeks`, `at least 6 weeks`, `between 4 and 8 weeks`, `not known`."""
    low, high = measure.low * measure.ticks, measure.high * measure.ticks
    if interval.low == interval.high:
        return quantity(interval.low, measure)
    if interval.low <= low and interval.high >= high:
        return UNKNOWN
    if interval.high >= high:
        return f"at least {quantity(interval.low, measure)}"
    if interval.low <= low:
        return f"at most {quantity(interval.high, measure)}"
    if measure.unit == "week" and any(end % measure.ticks for end in (interval.low, interval.high)):
        return f"between {quantity(interval.low, measure)} and {quantity(interval.high, measure)}"
    return f"between {number(interval.low, measure)} and {quantity(interval.high, measure)}"


def number(ticks: int, measure: Measure) -> str:
    """A number of units; days where whole weeks would hide them."""
    whole, rest = divmod(ticks, measure.ticks)
    return str(whole) if not rest else f"{ticks / measure.ticks:.3f}".rstrip("0").rstrip(".")


def quantity(ticks: int, measure: Measure) -> str:
    """A number with its unit, in days where a week count is not whole."""
    day = 1000
    if measure.unit == "week" and ticks % measure.ticks and ticks % day == 0:
        days = ticks // day
        return f"{days} {_plural('day', days)} ({number(ticks, measure)[:4].rstrip('.')} weeks)"
    text = number(ticks, measure)
    return f"{text} {_plural(measure.unit, 1 if text == '1' else 2)}"


def comparison(element: GroundComparison, measures: Mapping[str, Interval], names: Names) -> str:
    """`Weeks of conservative care: 8 weeks, at least 6 needed`."""
    vocabulary = names.vocabulary.measures
    if len(element.terms) != 1 or element.terms[0][1] != 1:
        sides = " + ".join(f"{'' if c == 1 else f'{c} x '}{vocabulary[n].label}" for n, c in element.terms) or "0"
        measure = vocabulary[element.terms[0][0]] if element.terms else None
        bound = number(element.low, measure) if measure else str(element.low)
        return sentence(f"{sides}: {_OPERATORS[element.operator]} {bound} needed")
    name = element.terms[0][0]
    measure = vocabulary[name]
    bound = number(element.low, measure)
    if element.low != element.high:
        bound = f"{bound} to {number(element.high, measure)} (a range that the guideline leaves open)"
    needed = f"{_OPERATORS[element.operator]} {bound} needed"
    return sentence(f"{measure.label}: {amount(measures[name], measure)}, {needed}")


def counted(count: int, total: int, value: Value) -> str:
    """A count among several."""
    outcome = "" if value else ": not reached" if value is False else f": {UNKNOWN}"
    return f"At least {count} of {total}{outcome}"


def assumed(screen: str, names: Names) -> str:
    """Why a member of a completed screen counts as absent."""
    return f"not listed, and {label_of(screen, names)} is recorded as complete"


def _plural(unit: str, count: int) -> str:
    return unit if count == 1 else f"{unit}s"


def _uncapitalised(text: str) -> str:
    return text if text[1:2].isupper() else text[:1].lower() + text[1:]


STATE = {"met": "met", "not_met": "not met", "not_known": "not known", "not_required": "not required"}
COMBINES = {
    "all": "all of these",
    "any": "any one of these",
    "none": "none of these",
    "atleast": "at least {count} of these",
}


def nothing_found(screen: str, names: Names) -> str:
    """A screen that is completed with nothing found."""
    return f"complete {label_of(screen, names)}, with nothing found"
