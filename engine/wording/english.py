"""The generic words that answers are made of, all in one place, so that another language can be added.

A `Language` is a table of phrases; English is here, and one more is one more table, spoken with `speaking`. What a
table leaves out is said in English. Everything clinical comes from the guideline's own annotations, in the language of
the guideline; nothing here knows one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

PHRASES: Mapping[str, str] = {
    # statuses, as the verdict and as one of several that are possible
    "status.urgent": "urgent",
    "status.recommended": "recommended",
    "status.consider": "consider",
    "status.not_now": "not now",
    "status.avoid": "avoid",
    "status.undetermined": "undetermined",
    "status.conflict": "conflict in the guideline",
    "status.outside_guideline": "outside this guideline",
    "status.emergency_pathway": "emergency",
    "outcome.conflict": "a conflict in the guideline",
    "outcome.emergency_pathway": "the emergency pathway",
    "stance.emergency": "emergency",
    "stance.urgent": "urgent",
    "stance.hold": "not now, something else comes first",
    "stance.do": "recommended",
    "stance.consider": "consider",
    "stance.avoid": "avoid",
    "stance.defer": "not now",
    "because.missing_data": "data missing",
    "because.guideline_range": "the guideline leaves this to judgement",
    "because.too_many_cases": "too many cases to tell apart",
    "why.missing_data": "because data are missing",
    "why.guideline_range": "because the guideline leaves it to judgement",
    "why.too_many_cases": "because too many cases would have to be told apart",
    "too_many_cases": "All that may turn out leads to the same answer, but too many cases would have to be told apart"
    " to show it; more of the record would help.",
    "whatever": "{says} (the same whatever is found out about: {inputs})",
    # criteria
    "state.met": "met",
    "state.not_met": "not met",
    "state.not_known": "not known",
    "state.not_required": "not required",
    "combines.all": "all of these",
    "combines.any": "any one of these",
    "combines.none": "none of these",
    "combines.atleast": "at least {count} of these",
    "route.met": "taken",
    "route.not_met": "closed",
    "route.not_known": "open",
    "kinds.do": "To do",
    "kinds.ask": "Not known yet, and would count",
    "kinds.cannot": "Would have to be otherwise, which nobody can bring about",
    # values
    "the_patient": "the patient",
    "unknown": "not known",
    "present": "present",
    "absent": "{label}: absent",
    "not_known_of": "{label}: {unknown}",
    "not": "not {text}",
    "whether": "Not known whether {text}",
    "advice.given": "{label}: {stance}",
    "advice.not": "{label}: not `{stance}`",
    "advice.perhaps": "{label}: perhaps `{stance}`",
    "question": "{label}?",
    "complete": "complete {label}",
    "or": "{first} or {last}",
    "and": "{first} and {last}",
    "amount.least": "at least {low}",
    "amount.most": "at most {high}",
    "amount.below": "less than {high}",
    "amount.between": "between {low} and {high}",
    "amount.between_below": "at least {low} and less than {high}",
    "quantity": "{number} {unit}",
    "quantity.days": "{days} ({weeks})",
    "unit.day.one": "day",
    "unit.day.other": "days",
    "unit.mmhg.one": "mmHg",
    "unit.mmhg.other": "mmHg",
    "unit.bpm.one": "bpm",
    "unit.bpm.other": "bpm",
    "unit.week.one": "week",
    "unit.week.other": "weeks",
    "operator.>=": "at least {bound}",
    "operator.>": "more than {bound}",
    "operator.<=": "at most {bound}",
    "operator.<": "less than {bound}",
    "operator.=": "exactly {bound}",
    "operator.!=": "other than {bound}",
    "needed": "{label}: {now}, {bound} needed",
    "needed.sum": "{label}: {bound} needed",
    "needed.open": "{label}: {now}, {bound} needed, and the guideline leaves open where in that range",
    "range": "{low} to {high}",
    "times": "{factor} x {label}",
    "plus": "{first} + {next}",
    "minus": "{first} minus {next}",
    "counted": "At least {count} of {total}",
    "counted.not": "At least {count} of {total}: not reached",
    "counted.unknown": "At least {count} of {total}: {unknown}",
    "assumed": "not listed in what is recorded as complete: {screen}",
    "nothing_found": "{screen} complete, with nothing found",
    "until": "{doing}, {amount} in all",
    # answers
    "range_outcomes": "The guideline gives a range here and leaves the decision to judgement: {outcomes}",
    "range_open": "The guideline leaves the decision to judgement",
    "not_settled": "Not settled yet",
    "not_settled_outcomes": "Not settled yet: {outcomes}",
    "ask_first": "{text}. First: {question}",
    "nothing_applies": "None of the guideline's reasons for {label} applies",
    "outside": "The guideline ({title}) is not about this patient",
    "verdict": "{label}: {status}",
    "verdict_because": "{label}: {status}, {because}",
    "verdict_outcomes": "{label}: {status}, {because} ({outcomes})",
    "too_many": "The questions that would settle this were too many to work out.",
    # sources and doubt
    "source": "Source: {parts}.",
    "statements.one": "statement {names}",
    "statements.other": "statements {names}",
    "references.one": "reference {numbers}",
    "references.other": "references {numbers}",
    "unresolved": "{number} (never resolved by the source)",
    "doubt": "Doubt: {doubts}.",
    "doubt.decisions.one": "rests on a decision made where the source leaves room, {names}",
    "doubt.decisions.other": "rests on {count} decisions made where the source leaves room: {names}",
    "doubt.told": "{text} ({option} tells them)",
    "doubt.draft": "guideline {version} is a {review}",
    "doubt.review": "guideline {version}, {review}",
    "decisions": "Decisions where the source leaves room:",
    "cited_unresolved": "The source never resolves reference {numbers}.",
    "rule_line": "rule {rule}, {names}",
    "recorded": "recorded",
    "recorded_in": "recorded: {source}",
    "with_source": "{fact}; source: {source}",
    "in_guideline": "part of the guideline, whoever the patient is",
    # why
    "next": "Next: {question}",
    "next_more.one": "Next: {question} (and {count} more question: {command})",
    "next_more.other": "Next: {question} (and {count} more questions: {command})",
    "next_judgement": "Next: a clinical judgement; no further data settle it. {decision}",
    "still_to_meet": "Still to be met before it comes up: {criteria}.",
    "with_it": "With it: {items}.",
    "only_reason": "The only reason:",
    "reasons": "Independent reasons, each sufficient by itself:",
    "more_reasons": "There are more; only some are listed.",
    "the_guideline": "the guideline itself, whoever the patient is",
    "shown_above": "shown above",
    "steps_left_out": "{count} further steps are not shown here; --format json has them all.",
    "more": "and {count} more",
    # why not
    "no_other_advice": "The guideline has no rule that could advise it.",
    "advised": "It is advised; the guideline has no other route to it.",
    "advised_so": "It is advised.",
    "would_need": "What `{status}` would need ({tally}):",
    "in_the_way": "In the way: {facts}.",
    "not_known": "Not known: {labels}.",
    "choice.any": "ANY one is enough for this: {says}. As it is now: {facts}.",
    "choice.several": "More than one way to this, so that not all is needed: {says}. As it is now: {facts}.",
    "other_routes": "Other routes checked: {routes}.",
    "route_by": "{stance} by {statements}: {state}",
    "unknown_count": "{count} points {unknown}",
    "none_present": "none of {count} is present",
    "screened": "{screens} recorded as complete",
    "hidden.one": "{count} criterion behind this: shown above, or too deep to show",
    "hidden.other": "{count} criteria behind this: shown above, or too deep to show",
    # missing
    "nothing_missing": "Nothing is missing.",
    "no_data_settle": "No further data would settle it; the guideline leaves it to judgement.",
    "no_question_left": "No question is left that could change these answers.",
    "settle.first": "These questions settle it, whatever the replies:",
    "settle.more": "So do these:",
    "settles_one.first": "This question settles it, whatever the reply:",
    "settles_one.more": "So does this one:",
    "ask_next": "Ask next: {question}",
    "ask_settles": "Why: a reply may settle at once: {which}.",
    "ask_bears": "Why: the reply bears on {which}.",
    # interview
    "screen_choices": "none / numbers of those present, nothing else / o one by one / ? not known / q stop",
    "finding_choices": "y / n / ? not known / q stop",
    "measure_choices": "a number, 6+ (at least), 4..8, since DATE / ? not known / q stop",
    "read_yes_no": "answer y, n, ? or q",
    "read_screen": "answer `none`, numbers such as `1 3`, `o`, `?` or `q`",
    "reply.present": "y yes",
    "reply.absent": "n no",
    "reply.none": "none n no 0",
    "reply.each": "o",
    "reply.stop": "q quit",
    "stopped": "stopped; what was said is kept",
    "asked.one": "{count} question answered",
    "asked.other": "{count} questions answered",
    "refused.GL415": "this cannot be said of {label}",
    "refused.GL416": "{label} can be from {low} to {high}",
    "refused.GL417": "write a day with year, month and day in digits, such as 2025-06-01",
    "refused.GL418": "the record describes {day}: a start cannot be later",
    "refused_no_day": "the record does not say which day it describes, so a start date says nothing",
    "contradicted": "then the record contradicts itself: {labels}",
    "contradicted_so": "then the record contradicts itself: {labels}; {says}",
    # what can be set
    "cannot_be": "`{name}` cannot be `{value}`",
    "takes_finding": "it takes present, absent or unknown",
    "takes_screen": "it takes complete or incomplete",
    "takes_measure": "it takes a number, `6+` for at least 6, `4..8`, `since 2025-06-01`, or unknown",
    "no_such_input": "there is no finding, measure or screen `{name}`",
    "did_you_mean": "did you mean `{name}`?",
    "written_to": "written to {path}",
    # what if
    "ways.one": "It takes {count} change to make it `{status}`:",
    "ways.other": "It takes {count} changes to make it `{status}`:",
    "ways_none": "No change to this record makes it `{status}`.",
    "ways_given_up": "The search for changes that make it `{status}` was too large and was given up.",
    "ways_already": "It is `{status}` already.",
    "one_of": "{kind}, one of these",
    "way_number": "Way {number}",
    "more_ways": "There are more ways.",
    "unchanged.one": "{count} other answer stays as it is.",
    "unchanged.other": "{count} other answers stay as they are.",
    "none_changes.one": "The answer does not change.",
    "none_changes.other": "None of the {count} answers changes.",
    "same_status": "{label}: {status} as before, for other reasons",
    "change": "{label}: from {before} to {after}",
    # when
    "today": "{date}  {verdict}",
    "if_time_passes": "If {assumptions} and nothing else changes:",
    "if_nothing_changes": "If nothing else changes:",
    "within": "some day from {first} to {last}",
    "not_looked_at": "Not looked at: {labels}, which a calendar does not count in days.",
    "nothing_changes_in_time": "No answer changes by the passing of time alone.",
    "later_left_out": "Later dates were left out.",
    # ask
    "about": "{title}, version {version} ({review}; source of {date})",
    "unknown_date": "unknown date",
    "about_patient": "Patient {patient}",
    "about_patient_on": "Patient {patient}, {date}",
    "ask": "Ask: {question}",
    "or_ask": "or ask: {question}",
    "then_ask": "then: {question}",
    "include": "Include: {says} {sources}",
    "no_rule": "no rule",
    "also": "Also:",
    "assumed_absent": "Assumed absent, because this is recorded as complete: {screen}. Not listed there: {labels}.",
    "headline.emergency": "Emergency: urgent evaluation comes before everything else.",
    "headline.urgent": "Urgent: this comes before everything else.",
    "headline.advised": "Advised now: {labels}.",
    "headline.nothing": "Nothing is advised now.",
    "headline.outside": "This guideline is not about this patient.",
    "headline.open.one": "One answer is still open.",
    "headline.open.other": "{count} answers are still open.",
    "emergency": "EMERGENCY",
    "emergency.urgent": "URGENT",
    "emergency.because": "Because: {reasons}.",
    "after_emergency": "After the emergency:",
    "caution": "Caution: {says} {sources}",
    "note": "Note: {says} {sources}",
    "also_note": "Also note:",
    "remark": "About the record: {says}",
    "not_read": "Not read: {says}. What it may speak of counts as not known.",
    "decided": "Decided for this answer: {decided}",
    "concluded": "Concluded about {label}: {says} ({rule}).",
    "rests_on": "These answers rest on decisions where the source leaves room (guidelog trace shows them all):",
    "never_resolved": "Citations that the source never resolves: {numbers}.",
    "cite_unresolved": "{number} unresolved",
}


def _english(count: int) -> str:
    return "one" if count == 1 else "other"


@dataclass(frozen=True, slots=True)
class Language:
    """A table of phrases and what else a language needs.

    The form that a word takes with a number, and whether a sentence inside of another loses its capital letter.
    """

    name: str
    phrases: Mapping[str, str]
    form: Callable[[int], str] = _english
    lowers: bool = True


ENGLISH = Language("English", PHRASES)
_spoken: ContextVar[Language] = ContextVar("language", default=ENGLISH)


@contextmanager
def speaking(language: Language) -> Iterator[None]:
    """Say everything in another language for a while."""
    token = _spoken.set(language)
    try:
        yield
    finally:
        _spoken.reset(token)


def spoken() -> Language:
    """The language in use."""
    return _spoken.get()


def say(key: str, /, **values: object) -> str:
    """A phrase with its holes filled. Raises KeyError for a phrase that is not in the table."""
    found = _spoken.get().phrases.get(key)
    return (PHRASES[key] if found is None else found).format(**values)


def say_count(key: str, count: int, /, **values: object) -> str:
    """A phrase in the form that goes with a number, which fills the hole `count`."""
    return say(f"{key}.{_spoken.get().form(count)}", count=count, **values)


def is_said(key: str) -> bool:
    """Whether there is such a phrase."""
    return key in _spoken.get().phrases or key in PHRASES


Key = TypeVar("Key", bound="Enum | str")


class Table(Mapping[Key, str], Generic[Key]):
    """Phrases of one kind by what they are about, in the language in use when they are looked up.

    `instead` names a kind that says what this one does not.
    """

    def __init__(self, kind: str, keys: tuple[Key, ...], instead: str | None = None) -> None:
        self._kind, self._keys, self._instead = kind, keys, instead or kind

    def __getitem__(self, key: Key) -> str:
        if key not in self._keys:
            raise KeyError(key)
        name = key.value if isinstance(key, Enum) else key
        own = f"{self._kind}.{name}"
        # With its holes, if it has some: whoever looks it up fills them.
        phrase = own if is_said(own) else f"{self._instead}.{name}"
        return _spoken.get().phrases.get(phrase, PHRASES.get(phrase, ""))

    def __iter__(self) -> Iterator[Key]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)
