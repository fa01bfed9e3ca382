"""The generic words that answers are made of, all in one place, so that another language can be added.

Everything clinical comes from the guideline's own annotations: labels, `true`/`false` wordings, `says`, `ask`.
Nothing here knows a guideline.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping

from ..ground import Atom, GroundComparison
from ..joins import Constant
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
OUTCOME: Mapping[Status, str] = {
    **STATUS,
    Status.EMERGENCY_PATHWAY: "the emergency pathway",
    Status.CONFLICT: "a conflict in the guideline",
}
"""Statuses as they stand in a list of what is possible."""
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
    """`a, b or c`."""
    *first, last = list(words) or [""]
    return f"{', '.join(first)} or {last}" if first else last


def undetermined(because: Because, if_resolved: Iterable[Status], asked: Iterable[str], names: Names) -> str:
    """One sentence on an answer that is open."""
    outcomes = alternatives(OUTCOME[s] for s in if_resolved)
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
    return filled if value is not None else f"Not known whether {inner(filled)}"


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
        bound = f"{bound} to {number(element.high, measure)}"
        needed = f"{_OPERATORS[element.operator]} {bound} needed, and the guideline leaves open where in that range"
        return sentence(f"{measure.label}: {amount(measures[name], measure)}, {needed}")
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


def inner(text: str) -> str:
    """A sentence inside of another: without its capital, unless that belongs to a name."""
    return text[:1].lower() + text[1:] if text[1:2].islower() or text[1:2] == " " else text


# explanations: everything below is connecting words, for texts of several lines
STATE = {"met": "met", "not_met": "not met", "not_known": "not known", "not_required": "not required"}
COMBINES = {
    "all": "all of these",
    "any": "any one of these",
    "none": "none of these",
    "atleast": "at least {count} of these",
}
ROUTE = {"not_met": "closed", "not_known": "open", "met": "taken"}
KINDS = {
    "do": "To do",
    "ask": "To ask, with the reply that it takes",
    "cannot": "Would have to be otherwise, which nobody can bring about",
}
FULL_TELLS = "--depth full"
COMMAND_MISSING = "guidelog missing"
NOTHING_MISSING = "Nothing is missing."
NO_DATA_SETTLE = "No further data would settle it; the guideline leaves it to judgement."
SHORT_CHANGE = {"present": "yes", "absent": "no"}
TOO_MANY = "The questions that would settle this were too many to work out."
NO_QUESTION_LEFT = "No question is left that could change these answers."
SETTLE = ("These questions settle it, whatever the replies:", "So do these:")
SETTLES_ONE = ("This question settles it, whatever the reply:", "So does this one:")
NO_OTHER_ADVICE = "The guideline has no rule that could advise it."
ADVISED = "It is advised; the guideline has no other route to it."
REASONS = ("The only reason:", "Independent reasons, each sufficient by itself:")
MORE_REASONS = "There are more; only some are listed."
THE_GUIDELINE = "the guideline itself, whoever the patient is"
SHOWN_ABOVE = "shown above"
DECISIONS = "Decisions where the source leaves room:"
RECORDED = "recorded"
NOTHING_CHANGES_IN_TIME = "No answer changes by the passing of time alone."
LATER_LEFT_OUT = "Later dates were left out."
STOPPED = "stopped; what was said is kept"
SCREEN_CHOICES = "none / numbers of those present, nothing else / o one by one / ? not known / q stop"
FINDING_CHOICES = "y / n / ? not known / q stop"
MEASURE_CHOICES = "a number, 6+ (at least), 4..8, since DATE / ? not known / q stop"
READ_YES_NO = "answer y, n, ? or q"
READ_SCREEN = "answer `none`, numbers such as `1 3`, `o`, `?` or `q`"
READ_MEASURE_APART = "a number of weeks or the like cannot be chosen here: answer `o` and each is asked by itself"
YES = {"y": "present", "yes": "present", "n": "absent", "no": "absent"}
NONE = ("none", "n", "no", "0")


def verdict(label: str, status: Status, because: Because | None, if_resolved: Iterable[Status]) -> str:
    """`MRI: not now`, or what is open about it and why."""
    if because is None:
        return f"{sentence(label)}: {STATUS[status]}"
    reason = {
        Because.MISSING_DATA: "because data are missing",
        Because.GUIDELINE_RANGE: "because the guideline leaves it to judgement",
    }[because]
    outcomes = alternatives(OUTCOME[s] for s in if_resolved)
    return f"{sentence(label)}: {STATUS[status]}, {reason}" + (f" ({outcomes})" if outcomes else "")


def source_line(statements: Iterable[str], cites: Iterable[int], resolved: Iterable[int]) -> str:
    """Statements and citations in one line."""
    known = set(resolved)
    numbers = ", ".join(str(c) if c in known else f"{c} (never resolved by the source)" for c in cites)
    named = ", ".join(statements)
    parts = [f"statement{'s' if ',' in named else ''} {named}"] if named else []
    parts += [f"reference{'s' if ',' in numbers else ''} {numbers}"] if numbers else []
    return f"Source: {'; '.join(parts)}." if parts else ""


def doubt_line(decisions: Iterable[str], version: str, review: str) -> str:
    """The guideline's own doubt: decisions that were made for it, and how far it has been reviewed."""
    named = ", ".join(decisions)
    rests = f"rests on decisions {named} ({FULL_TELLS} tells them); " if named else ""
    return (
        f"Doubt: {rests}guideline {version} is a {review}."
        if review == "draft"
        else f"Doubt: {rests}guideline {version}, {review}."
    )


def next_question_line(asked: str, more: int) -> str:
    """The first of the questions that would settle it."""
    rest = "" if not more else f" (and {more} more question{'s' if more > 1 else ''}: {COMMAND_MISSING})"
    return f"Next: {asked}{rest}"


def next_judgement(decision: str) -> str:
    """Where only judgement is left."""
    return f"Next: a clinical judgement; no further data settle it. {decision}"


def still_to_meet(criteria: Iterable[str]) -> str:
    """What a patient does not meet yet."""
    return f"Still to be met before it comes up: {'; '.join(map(inner, criteria))}."


def with_it(items: Iterable[str]) -> str:
    """What belongs to an intervention."""
    return f"With it: {'; '.join(map(inner, items))}."


def would_need(status: str, tally: str) -> str:
    """The head of a checklist."""
    return f"What `{status}` would need ({tally}):"


def in_the_way(facts: Iterable[str]) -> str:
    """Facts that keep a criterion from being met."""
    return f"In the way: {'; '.join(map(inner, facts))}."


def not_known(labels: Iterable[str]) -> str:
    """What nobody has said."""
    return f"Not known: {', '.join(labels)}."


def some(items: Iterable[str], most: int) -> list[str]:
    """The first of many, and how many more."""
    listed = list(dict.fromkeys(items))
    return listed if len(listed) <= most + 1 else [*listed[:most], f"and {len(listed) - most} more"]


def other_routes(routes: Iterable[str]) -> str:
    """The routes besides the nearest."""
    return f"Other routes checked: {'; '.join(routes)}."


def route(stance: str, statements: Iterable[str], state: str) -> str:
    """`urgent by S11 or S12: closed`."""
    return f"{STANCE[stance]} by {alternatives(statements)}: {ROUTE[state]}"


def unknown_count(count: int) -> str:
    """How many leaves of a criterion are not known."""
    return f"{count} points {UNKNOWN}"


def none_present(count: int) -> str:
    """Where a criterion asks for the absence of several."""
    return f"none of {count} is present"


def screened(screens: Iterable[str], names: Names) -> str:
    """Where a criterion holds because screens were completed."""
    return f"{' and '.join(label_of(s, names) for s in screens)} recorded as complete"


def hidden(count: int) -> str:
    """Criteria that are not opened again, or are too deep."""
    return f"{count} criteri{'on' if count == 1 else 'a'} behind this: shown above, or too deep to show"


def steps_left_out(count: int) -> str:
    """A proof that is too long for a terminal."""
    return f"{count} further steps are not shown here; --format json has them all."


def cited_unresolved(cites: Iterable[int]) -> str:
    """Citations that lead nowhere."""
    return f"The source never resolves reference {', '.join(map(str, cites))}."


def rule_line(rule: str, statements: Iterable[str], cites: Iterable[int]) -> str:
    """`rule INJ-2, S18 [2, 3]`."""
    numbers = ", ".join(map(str, cites))
    return f"rule {rule}, {', '.join(statements)}" + (f" [{numbers}]" if numbers else "")


def input_now(name: str, value: Value, interval: Interval | None, names: Names) -> str:
    """An input as the record has it."""
    if interval is None:
        return finding(name, value, names)
    measure = names.vocabulary.measures[name]
    return sentence(f"{measure.label}: {amount(interval, measure)}")


def ask_next(asked: str) -> str:
    """The one best question."""
    return f"Ask next: {asked}"


def ask_because(labels: Iterable[str], *, settles: bool) -> str:
    """Why it is asked."""
    which = " and ".join(labels)
    return f"Why: a reply may settle at once: {which}." if settles else f"Why: the reply bears on {which}."


def ways_head(count: int, status: str) -> str:
    """How many changes reach a status."""
    return f"It takes {count} change{'' if count == 1 else 's'} to make it `{status}`:"


def ways_none(status: str) -> str:
    """No change does."""
    return f"No change to this record makes it `{status}`."


def ways_given_up(status: str) -> str:
    """The search was cut."""
    return f"The search for changes that make it `{status}` was too large and was given up."


def ways_already(status: str) -> str:
    """Nothing to do."""
    return f"It is `{status}` already."


def one_of(kind: str) -> str:
    """The head of alternatives."""
    return f"{kind}, one of these"


def way_number(number: int) -> str:
    """One of several ways."""
    return f"Way {number}"


MORE_WAYS = "There are more ways."


def unchanged(count: int) -> str:
    """Answers that stay."""
    return f"{count} other answer{' stays' if count == 1 else 's stay'} as {'it is' if count == 1 else 'they are'}."


def none_changes(count: int) -> str:
    """No answer changes."""
    return f"None of the {count} answers changes." if count > 1 else "The answer does not change."


def change_of(label: str, before: Status, after: Status) -> str:
    """An answer before and after."""
    if before is after:
        return f"{sentence(label)}: {STATUS[after]} as before, for other reasons"
    return f"{sentence(label)}: {OUTCOME[before]} -> {OUTCOME[after]}"


def measures_of_screen(label: str) -> str:
    """Before the measures of a screen that is being completed are asked."""
    return f"{sentence(label)} also has:"


def today(start: str, verdict_: str) -> str:
    """An answer on the day of the record."""
    return f"{start}  {verdict_}"


def if_time_passes(assumptions: Iterable[str]) -> str:
    """Under what assumption dates are given."""
    return f"If {' and '.join([*assumptions, 'nothing else changes'])}:"


def becomes(label: str, before: Status, after: Status) -> str:
    """An answer that changes on a day."""
    return f"{sentence(label)}: {OUTCOME[before]} -> {OUTCOME[after]}"


def within(first: str, last: str) -> str:
    """A day that is known to lie between two."""
    return f"some day from {first} to {last}"


def asked_count(count: int) -> str:
    """How long an interview was."""
    return f"{count} question{'' if count == 1 else 's'} asked"


def written_to(path: object) -> str:
    """Where the record went."""
    return f"written to {path}"


def nothing_found(screen: str, names: Names) -> str:
    """A screen that is completed with nothing found."""
    return f"{label_of(screen, names)} complete, with nothing found"


def until(doable: str, words: str) -> str:
    """Something to go on with, up to an amount."""
    return f"{sentence(doable)}, {words} in all"
