"""Labels, findings, amounts, comparisons and derived criteria as sentences, in the guideline's own words.

What the guideline does not word comes from the table in `words`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

from guidelog.ground.joins import Constant
from guidelog.ground.program import Atom, GroundComparison
from guidelog.language.names import Names
from guidelog.language.stances import STANCES
from guidelog.language.vocabulary import Measure
from guidelog.patients import Interval
from guidelog.semantics.kleene import Value

from .english import Table, is_said, say, spoken

STANCE: Mapping[str, str] = Table("stance", STANCES)
_HOLE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_DAY = 1000
_OPPOSITE = {">=": "<", ">": "<=", "<=": ">", "<": ">=", "=": "!=", "!=": "="}


def fill(text: str, values: Mapping[str, Constant], patient: str | None, names: Names) -> str:
    """A wording with its `{Variable}` holes filled with labels."""

    def word(match: re.Match[str]) -> str:
        name = match[1]
        if name == patient:
            return say("the_patient")
        return label_of(values[name], names) if name in values else match[0]

    return sentence(_HOLE.sub(word, text))


def sentence(text: str) -> str:
    """With a capital letter."""
    return text[:1].upper() + text[1:]


def inner(text: str) -> str:
    """A sentence inside of another: without its capital, unless that belongs to a name or the language keeps it."""
    lowers = spoken().lowers and (text[1:2].islower() or text[1:2] == " ")
    return text[:1].lower() + text[1:] if lowers else text


def clauses(texts: Iterable[str]) -> str:
    """Several sentences as one, each once: only the first keeps its capital."""
    first, *rest = dict.fromkeys(texts) or ("",)
    return "; ".join([first, *map(inner, rest)])


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
        return screen.ask or say("complete", label=screen.label)
    declared = vocabulary.findings.get(name) or vocabulary.measures[name]
    return declared.ask or say("question", label=sentence(declared.label))


def question_label(name: str, names: Names) -> str:
    """What a question is about, in few words."""
    if name.startswith("screen:"):
        return say("complete", label=names.vocabulary.screens[name.removeprefix("screen:")].label)
    return label_of(name, names)


def alternatives(words: Iterable[str]) -> str:
    """`a, b or c`."""
    *first, last = list(words) or [""]
    return say("or", first=", ".join(first), last=last) if first else last


def together(words: Iterable[str]) -> str:
    """`a, b and c`."""
    *first, last = list(words) or [""]
    return say("and", first=", ".join(first), last=last) if first else last


def finding(name: str, value: Value, names: Names) -> str:
    """A finding that is present, absent or not known, as a sentence."""
    declared = names.vocabulary.findings[name]
    if value is True:
        return sentence(declared.when_true or declared.label)
    if value is False:
        return sentence(declared.when_false or say("absent", label=declared.label))
    return say("not_known_of", label=sentence(declared.label), unknown=say("unknown"))


def advice(intervention: str, stance: str, value: Value, names: Names) -> str:
    """Advice that is given, not given, or not settled."""
    key = "advice.given" if value else "advice.not" if value is False else "advice.perhaps"
    return say(key, label=sentence(label_of(intervention, names)), stance=STANCE[stance])


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
        text = text if value is not False else say("not", text=text)
    filled = fill(text, values, patient, names)
    return filled if value is not None else say("whether", text=inner(filled))


def amount(interval: Interval, measure: Measure) -> str:
    """A measured value with its unit: `8 weeks`, `at least 6 weeks`, `less than 6 weeks`, `not known`."""
    bottom, top = measure.low * measure.ticks, measure.high * measure.ticks
    low, high = interval.low, interval.high
    if low == high:
        return quantity(low, measure)
    if low <= bottom and high >= top:
        return say("unknown")
    if high >= top:
        return say("amount.least", low=quantity(low, measure))
    # One tick short of a whole number of days is everything below it.
    below = high % _DAY != 0 and (high + 1) % _DAY == 0
    least_apart = measure.unit == "week" and any(end % measure.ticks for end in (low, high + below))
    least = quantity(low, measure) if least_apart or below else number(low, measure)
    most = quantity(high + below, measure)
    if low <= bottom:
        return say("amount.below" if below else "amount.most", high=most)
    return say("amount.between_below" if below else "amount.between", low=least, high=most)


def number(ticks: int, measure: Measure) -> str:
    """A number of units; days where whole weeks would hide them."""
    whole, rest = divmod(ticks, measure.ticks)
    return str(whole) if not rest else f"{ticks / measure.ticks:.3f}".rstrip("0").rstrip(".")


def quantity(ticks: int, measure: Measure) -> str:
    """A number with its unit, in days where a week count is not whole."""
    if measure.unit == "week" and ticks % measure.ticks and ticks % _DAY == 0:
        days = ticks // _DAY
        weeks = number(ticks, measure)[:4].rstrip(".")
        return say("quantity.days", days=_with_unit(str(days), "day", days), weeks=_with_unit(weeks, "week", 2))
    text = number(ticks, measure)
    return _with_unit(text, measure.unit, 1 if text == "1" else 2)


def comparison(
    element: GroundComparison, measures: Mapping[str, Interval], names: Names, *, wanted: bool = True
) -> str:
    """`Weeks of conservative care: 8 weeks, at least 6 needed`; with the opposite, where that is what is `wanted`."""
    vocabulary = names.vocabulary.measures
    operator = element.operator if wanted else _OPPOSITE[element.operator]
    if len(element.terms) != 1 or element.terms[0][1] != 1:
        sides = ""
        for name, factor in sorted(element.terms, key=lambda term: term[1] < 0):
            # What is taken away comes after what it is taken from, and is said as such.
            size = abs(factor) if sides else factor
            side = vocabulary[name].label if size == 1 else say("times", factor=size, label=vocabulary[name].label)
            sides = say("minus" if factor < 0 else "plus", first=sides, next=side) if sides else side
        first = vocabulary[element.terms[0][0]] if element.terms else None
        bound = number(element.low, first) if first else str(element.low)
        return sentence(say("needed.sum", label=sides or "0", bound=say(f"operator.{operator}", bound=bound)))
    name = element.terms[0][0]
    measure, now = vocabulary[name], measures[name]
    low, high = number(element.low, measure), number(element.high, measure)
    bound = low if low == high else say("range", low=low, high=high)
    # Outside of the guideline's own range nothing is left open.
    left_open = element.low != element.high and now.low < element.high and now.high >= element.low
    return sentence(
        say(
            "needed.open" if left_open else "needed",
            label=measure.label,
            now=amount(now, measure),
            bound=say(f"operator.{operator}", bound=bound),
        )
    )


def counted(count: int, total: int, value: Value) -> str:
    """A count among several."""
    key = "counted" if value else "counted.not" if value is False else "counted.unknown"
    return say(key, count=count, total=total, unknown=say("unknown"))


def assumed(screen: str, names: Names) -> str:
    """Why a member of a completed screen counts as absent."""
    return say("assumed", screen=label_of(screen, names))


def input_now(name: str, value: Value, interval: Interval | None, names: Names) -> str:
    """An input as the record has it."""
    if interval is None:
        return finding(name, value, names)
    return measured(name, interval, names)


def measured(name: str, interval: Interval, names: Names) -> str:
    """`Weeks of conservative care: 8 weeks`."""
    measure = names.vocabulary.measures[name]
    return say("not_known_of", label=sentence(measure.label), unknown=amount(interval, measure))


def nothing_found(screen: str, names: Names) -> str:
    """A screen that is completed with nothing found."""
    return say("nothing_found", screen=label_of(screen, names))


def until(doable: str, words: str) -> str:
    """Something to go on with, up to an amount."""
    return say("until", doing=sentence(doable), amount=words)


def _with_unit(count: str, unit: str, how_many: int) -> str:
    key = f"unit.{unit}.{spoken().form(how_many)}"
    # A unit that only the guideline knows is said in its own word.
    word = say(key) if is_said(key) else unit if how_many == 1 else f"{unit}s"
    return say("quantity", number=count, unit=word)
