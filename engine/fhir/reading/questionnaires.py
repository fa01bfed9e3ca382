"""QuestionnaireResponses -> statements: what has no code is asked under the guideline's own public names.

The `linkId` of an item is the name of a finding, a measure or a screen. Only completed and amended responses count.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from guidelog.diagnostics import nearest

from .bundle import Entry
from .dates import when
from .evidence import Amount, Evidence, Origin, Statement, safe
from .observations import amount_of, quantity
from .words import WORDS, answer

_DEEPEST = 20
_MOST_ITEMS = 5_000
_FULL = ("completed", "amended")


def read_questionnaire(entry: Entry, evidence: Evidence) -> None:
    """Note as evidence the answers of a QuestionnaireResponse."""
    content = entry.content
    at = when(content.get("authored"))
    status = content.get("status")
    if status == "entered-in-error":
        evidence.ignore(entry, "entered in error")
        return
    if status not in _FULL:
        evidence.ignore(entry, f"its status is {str(status)[:40] if status else 'missing'}: not a completed response")
        return
    if evidence.later(at):
        evidence.ignore(entry, "it is dated after the day of the record")
        return
    said, reasons = False, []
    for link, item in _items(content.get("item"), 0):
        origin = Origin(f"{safe(entry.reference)}#{safe(link)}", "", at)
        reason = _answer(link, item, origin, evidence)
        said = said or reason is None
        if reason is not None:
            reasons.append(reason)
            if reason:
                evidence.ignored.append((origin.reference, safe(str(item.get("text", ""))), reason))
    if not said and not any(reasons):
        evidence.ignore(entry, "it has no answers")


def _items(items: Any, depth: int) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every item that has an answer, those inside groups and answers too, to a bounded depth and number."""
    stack = [(items, depth)]
    seen = 0
    while stack:
        found, level = stack.pop()
        for item in found if isinstance(found, list) else ():
            if not isinstance(item, Mapping) or seen >= _MOST_ITEMS:
                continue
            seen += 1
            answers = item.get("answer")
            if isinstance(answers, list) and answers and isinstance(item.get("linkId"), str):
                yield item["linkId"], item
            if level < _DEEPEST:
                stack.append((item.get("item"), level + 1))
                inside = answers if isinstance(answers, list) else ()
                stack.extend((given.get("item"), level + 1) for given in inside if isinstance(given, Mapping))


def _answer(link: str, item: Mapping[str, Any], origin: Origin, evidence: Evidence) -> str | None:
    """Read one answer; None when it was used, else why not."""
    name = link.removeprefix("screen:")
    vocabulary = evidence.vocabulary
    known = name in vocabulary.findings or name in vocabulary.measures or name in vocabulary.screens
    if not known:
        near = nearest(name[:100], (*vocabulary.findings, *vocabulary.measures, *vocabulary.screens))
        return f"the guideline has no name `{safe(name)}`" + (f"; did you mean `{near}`?" if near else "")
    answers = item["answer"]
    if len(answers) != 1 or not isinstance(answers[0], Mapping):
        return "it has several answers"
    given = answers[0]
    if name in vocabulary.measures:
        return _amount(name, given, origin, evidence)
    value = _truth(given)
    if isinstance(value, str):
        return "its answer is none of yes, no and unknown"
    if name in vocabulary.screens:
        if value is True:
            evidence.screens[name].append(origin)
            return None
        return "the screen is not complete"
    evidence.say(Statement(name, value, origin, reason="the answer is: unknown" if value is None else ""))
    return None


def _truth(given: Mapping[str, Any]) -> bool | str | None:
    if isinstance(given.get("valueBoolean"), bool):
        return bool(given["valueBoolean"])
    if isinstance(given.get("valueCoding"), Mapping):
        return answer({"coding": [given["valueCoding"]]})
    word = given.get("valueString")
    return WORDS.get(word.casefold().strip(), "other") if isinstance(word, str) else "other"


def _amount(name: str, given: Mapping[str, Any], origin: Origin, evidence: Evidence) -> str | None:
    start = when(given.get("valueDate")) or when(given.get("valueDateTime"))
    if start is not None:
        if evidence.as_of is None or evidence.vocabulary.measures[name].unit not in ("day", "week"):
            return "a start date needs the day of the record, and a measure in days or weeks"
        if evidence.later(start):
            return "it is dated after the day of the record"
        since = (start.first, min(start.last, evidence.as_of))
        evidence.amounts[name].append(Amount(name, None, None, origin, since, origin.when))
        return None
    number = quantity(given)
    amount = amount_of(name, number, origin, evidence) if number else None
    if amount is None:
        return "its answer is no number in a unit of this measure, and no start date"
    evidence.amounts[name].append(amount)
    return None
