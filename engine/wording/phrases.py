"""The lines that explanations are made of: phrases of the table with an answer's parts in their holes.

One function a line; what may stand in it is said by its arguments. Layout is not decided here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

from guidelog.diagnostics import Diagnostic
from guidelog.language import tree
from guidelog.language.names import Names
from guidelog.language.vocabulary import Measure
from guidelog.semantics.status import Because, Status

from .english import Table, is_said, say, say_count
from .sentences import STANCE, alternatives, inner, label_of, quantity, question_label, sentence, together

_STATUSES, _REASONS = tuple(Status), tuple(Because)
STATUS: Mapping[Status, str] = Table("status", _STATUSES)
OUTCOME: Mapping[Status, str] = Table("outcome", _STATUSES, instead="status")
"""Statuses as they stand in a list of what is possible."""
BECAUSE: Mapping[Because, str] = Table("because", _REASONS)
STATE: Mapping[str, str] = Table("state", ("met", "not_met", "not_known", "not_required"))
COMBINES: Mapping[str, str] = Table("combines", ("all", "any", "none", "atleast"))
ROUTE: Mapping[str, str] = Table("route", ("not_met", "not_known", "met"))
KINDS: Mapping[str, str] = Table("kinds", ("do", "ask", "cannot"))
FULL_TELLS = "--depth full"
COMMAND_MISSING = "guidelog missing"


# answers
def undetermined(because: Because, if_resolved: Iterable[Status], asked: Iterable[str], names: Names) -> str:
    """One sentence on an answer that is open."""
    if because is Because.TOO_MANY_CASES:
        return say("too_many_cases")
    outcomes = alternatives(OUTCOME[s] for s in if_resolved)
    if because is Because.GUIDELINE_RANGE:
        return say("range_outcomes", outcomes=outcomes) if outcomes else say("range_open")
    first = next(iter(asked), None)
    text = say("not_settled_outcomes", outcomes=outcomes) if outcomes else say("not_settled")
    return say("ask_first", text=text, question=question_label(first, names)) if first else text


def whatever(says: str, inputs: Iterable[str], names: Names) -> str:
    """An answer that is the same in every case, with what the cases differ in."""
    return say("whatever", says=says, inputs=together(question_label(name, names) for name in inputs))


def nothing_applies(label: str) -> str:
    """For an intervention that no rule speaks for."""
    return say("nothing_applies", label=label)


def outside(title: str) -> str:
    """For a patient the guideline is not about."""
    return say("outside", title=title)


def verdict(label: str, status: Status, because: Because | None, if_resolved: Iterable[Status]) -> str:
    """`MRI: not now`, or what is open about it and why."""
    said = {"label": sentence(label), "status": STATUS[status]}
    if because is None:
        return say("verdict", **said)
    outcomes = alternatives(OUTCOME[s] for s in if_resolved)
    key = "verdict_outcomes" if outcomes else "verdict_because"
    return say(key, **said, because=say(f"why.{because.value}"), outcomes=outcomes)


def some(items: Iterable[str], most: int) -> list[str]:
    """The first of many, and how many more."""
    listed = list(dict.fromkeys(items))
    return listed if len(listed) <= most + 1 else [*listed[:most], say("more", count=len(listed) - most)]


# sources and doubt
def source_line(statements: Iterable[str], cites: Iterable[int], resolved: Iterable[int]) -> str:
    """Statements and citations in one line."""
    known, named, numbers = set(resolved), list(statements), list(cites)
    cited = ", ".join(str(c) if c in known else say("unresolved", number=c) for c in numbers)
    parts = [say_count("statements", len(named), names=", ".join(named))] if named else []
    parts += [say_count("references", len(numbers), numbers=cited)] if numbers else []
    return say("source", parts="; ".join(parts)) if parts else ""


def doubt_line(decisions: Iterable[str], version: str, review: str, *, told: bool = False) -> str:
    """The guideline's own doubt: decisions that were made for it, and how far it has been reviewed.

    `told` where the decisions themselves are told nearby.
    """
    named = list(decisions)
    doubts = []
    if named:
        text = say_count("doubt.decisions", len(named), names=", ".join(named))
        doubts.append(text if told else say("doubt.told", text=text, option=FULL_TELLS))
    doubts.append(say("doubt.draft" if review == "draft" else "doubt.review", version=version, review=review))
    return say("doubt", doubts="; ".join(doubts))


def cited_unresolved(cites: Iterable[int]) -> str:
    """Citations that lead nowhere."""
    return say("cited_unresolved", numbers=", ".join(map(str, cites)))


def rule_line(rule: str, statements: Iterable[str], cites: Iterable[int]) -> str:
    """`rule INJ-2, S18 [2, 3]`."""
    numbers = ", ".join(map(str, cites))
    return say("rule_line", rule=rule, names=", ".join(statements)) + (f" [{numbers}]" if numbers else "")


# why
def next_question_line(asked: str, more: int) -> str:
    """The first of the questions that would settle it."""
    if not more:
        return say("next", question=asked)
    return say_count("next_more", more, question=asked, command=COMMAND_MISSING)


def next_judgement(decision: str) -> str:
    """Where only judgement is left."""
    return say("next_judgement", decision=decision)


def still_to_meet(criteria: Iterable[str]) -> str:
    """What a patient does not meet yet."""
    return say("still_to_meet", criteria="; ".join(map(inner, criteria)))


def with_it(items: Iterable[str]) -> str:
    """What belongs to an intervention."""
    return say("with_it", items="; ".join(map(inner, items)))


def steps_left_out(count: int) -> str:
    """A proof that is too long for a terminal."""
    return say("steps_left_out", count=count)


# why not
def would_need(status: str, tally: str) -> str:
    """The head of a checklist."""
    return say("would_need", status=status, tally=tally)


def in_the_way(facts: Iterable[str]) -> str:
    """Facts that keep a criterion from being met."""
    return say("in_the_way", facts="; ".join(map(inner, facts)))


def choice(says: str, facts: Iterable[str], *, any_one: bool) -> str:
    """What the ways to one requirement lack, of which not all are needed."""
    return say("choice.any" if any_one else "choice.several", says=inner(says), facts="; ".join(facts))


def not_known(labels: Iterable[str]) -> str:
    """What nobody has said."""
    return say("not_known", labels=", ".join(labels))


def other_routes(routes: Iterable[str]) -> str:
    """The routes besides the nearest."""
    return say("other_routes", routes="; ".join(routes))


def route(stance: str, statements: Iterable[str], state: str) -> str:
    """`urgent by S11 or S12: closed`."""
    return say("route_by", stance=STANCE[stance], statements=alternatives(statements), state=ROUTE[state])


def unknown_count(count: int) -> str:
    """How many leaves of a criterion are not known."""
    return say("unknown_count", count=count, unknown=say("unknown"))


def none_present(count: int) -> str:
    """Where a criterion asks for the absence of several."""
    return say("none_present", count=count)


def screened(screens: Iterable[str], names: Names) -> str:
    """Where a criterion holds because screens were completed."""
    return say("screened", screens=together(label_of(s, names) for s in screens))


def hidden(count: int) -> str:
    """Criteria that are not opened again, or are too deep."""
    return say_count("hidden", count)


# missing
def settle_head(questions: int, number: int) -> str:
    """The head of a set of questions that settle an answer; `number` is its place among the sets."""
    return say(f"{'settles_one' if questions == 1 else 'settle'}.{'more' if number else 'first'}")


def ask_next(asked: str) -> str:
    """The one best question."""
    return say("ask_next", question=asked)


def ask_because(labels: Iterable[str], *, settles: bool) -> str:
    """Why it is asked."""
    return say("ask_settles" if settles else "ask_bears", which=together(labels))


def asked_count(count: int) -> str:
    """How long an interview was."""
    return say_count("asked", count)


def refused(diagnostic: Diagnostic, measure: Measure | None, day: date | None) -> str:
    """Why a reply was not taken: in the words of this table where it has some, else in the message's own."""
    if measure is not None and diagnostic.code == "GL418" and day is None:
        return say("refused_no_day")
    if measure is not None and is_said(f"refused.{diagnostic.code}"):
        low, high = (quantity(bound * measure.ticks, measure) for bound in (measure.low, measure.high))
        return say(f"refused.{diagnostic.code}", label=measure.label, low=low, high=high, day=day)
    return "; ".join(t for t in (diagnostic.message, *diagnostic.notes, diagnostic.hint) if t)


def contradicted(inputs: Iterable[str], rule: tree.Rule, names: Names) -> str:
    """That a reply goes against what was said before, with the background rule's own words."""
    labels = together(label_of(name, names) for name in inputs)
    says = rule.annotation("says") or rule.annotation("title")
    if says is None:
        return say("contradicted", labels=labels)
    return say("contradicted_so", labels=labels, says=inner(tree.plain(says)))


def written_to(path: object) -> str:
    """Where the record went."""
    return say("written_to", path=path)


def replies(kind: str) -> tuple[str, ...]:
    """What a person may type: `present`, `absent`, `none`, `each`, `stop`."""
    return tuple(say(f"reply.{kind}").split())


# what if
def ways_head(count: int, status: str) -> str:
    """How many changes reach a status."""
    return say_count("ways", count, status=status)


def ways_none(status: str) -> str:
    """No change does."""
    return say("ways_none", status=status)


def ways_given_up(status: str) -> str:
    """The search was cut."""
    return say("ways_given_up", status=status)


def ways_already(status: str) -> str:
    """Nothing to do."""
    return say("ways_already", status=status)


def one_of(kind: str) -> str:
    """The head of alternatives."""
    return say("one_of", kind=kind)


def way_number(number: int) -> str:
    """One of several ways."""
    return say("way_number", number=number)


def unchanged(count: int) -> str:
    """Answers that stay."""
    return say_count("unchanged", count)


def none_changes(count: int) -> str:
    """No answer changes."""
    return say_count("none_changes", count)


def change_of(label: str, before: Status, after: Status) -> str:
    """An answer before and after."""
    if before is after:
        return say("same_status", label=sentence(label), status=STATUS[after])
    return say("change", label=sentence(label), before=OUTCOME[before], after=OUTCOME[after])


# when
def today(start: str, verdict_: str) -> str:
    """An answer on the day of the record."""
    return say("today", date=start, verdict=verdict_)


def if_time_passes(assumptions: Iterable[str]) -> str:
    """Under what assumption dates are given."""
    assumed = list(assumptions)
    return say("if_time_passes", assumptions=together(assumed)) if assumed else say("if_nothing_changes")


def within(first: str, last: str) -> str:
    """A day that is known to lie between two."""
    return say("within", first=first, last=last)
