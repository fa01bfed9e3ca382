"""QuestionnaireResponses -> statements: what has no code is asked under the guideline's own public names.

The `linkId` of an item is the name of a finding, a measure or a screen, or is given one by a form of the mapping. Only
completed and amended responses count. An answer that is not understood leaves its name open.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from guidelog.diagnostics import nearest

from ..terminology.mapping import Form
from .bundle import Entry
from .evidence import Amount, Evidence, Origin, Statement, safe
from .observations import MODIFIED, amount_of, quantity, strange_status
from .unlisted import note_unlisted
from .words import OTHER, WORDS, answer

_DEEPEST = 20
_MOST_ITEMS = 5_000
_FULL = ("completed", "amended")
_UNFINISHED = ("in-progress", "stopped")
GROUP = "group:"
"""How the linkId of a group begins in the questionnaire of a guideline."""


def read_questionnaire(entry: Entry, evidence: Evidence) -> None:
    """Note as evidence the answers of a QuestionnaireResponse."""
    content = entry.content
    at = evidence.when(content.get("authored"))
    status = content.get("status")
    if status == "entered-in-error":
        evidence.ignore(entry, "entered in error")
        return
    if evidence.later(at):
        evidence.ignore(entry, "it is dated after the day of the record")
        return
    if status not in _FULL and not evidence.trying:
        if status in _UNFINISHED:
            evidence.unread_as(entry, f"its status is {status}: not a completed response", denials=False)
        else:
            evidence.unread_as(entry, strange_status(status))
        return
    form = _form(content.get("questionnaire"), evidence)
    said, reasons = False, []
    for link, item in _items(content.get("item"), 0, evidence, entry):
        origin = Origin(f"{safe(entry.reference)}#{safe(link)}", safe(_text(item)), at, (entry.reference,))
        reason = _answer(entry, link, item, origin, form, evidence)
        said = said or reason is None
        if reason:
            reasons.append(reason)
            evidence.ignored.append((origin.reference, origin.label, reason))
    if not said:
        evidence.ignore(entry, "none of its answers is used" if reasons else "it has no answers")


def _form(named: Any, evidence: Evidence) -> Form | None:
    """The form of the mapping that a response answers, whatever its version."""
    url = named.split("|")[0] if isinstance(named, str) else ""
    return next((form for form in evidence.mapping.forms if form.url == url), None)


def _text(item: Mapping[str, Any]) -> str:
    text = item.get("text")
    return text if isinstance(text, str) else ""


def _items(items: Any, depth: int, evidence: Evidence, entry: Entry) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every item that has an answer, those inside groups and answers too, to a bounded depth and number."""
    stack = [(items, depth)]
    seen = 0
    while stack:
        found, level = stack.pop()
        for item in found if isinstance(found, list) else ():
            if not isinstance(item, Mapping):
                continue
            if seen >= _MOST_ITEMS or level > _DEEPEST:
                reason = f"it has more than {_MOST_ITEMS:,} items, or is more than {_DEEPEST} deep"
                evidence.not_understood(entry.reference, "", (), reason)
                return
            seen += 1
            answers = item.get("answer")
            if isinstance(answers, list) and answers and isinstance(item.get("linkId"), str):
                yield item["linkId"], item
            stack.append((item.get("item"), level + 1))
            inside = answers if isinstance(answers, list) else ()
            stack.extend((given.get("item"), level + 1) for given in inside if isinstance(given, Mapping))


def _answer(
    entry: Entry, link: str, item: Mapping[str, Any], origin: Origin, form: Form | None, evidence: Evidence
) -> str | None:
    """Read one answer; None when it was used or left open, else why not."""
    vocabulary = evidence.vocabulary
    name = form.items.get(link, "") if form else link.removeprefix("screen:")
    if name not in vocabulary.findings and name not in vocabulary.measures and name not in vocabulary.screens:
        return _stranger(entry, link, item, origin, form, evidence)
    answers = item["answer"]
    why = ""
    if item.get("modifierExtension"):
        why = MODIFIED
    elif len(answers) != 1 or not isinstance(answers[0], Mapping):
        why = "it has several answers"
    elif answers[0].get("modifierExtension"):
        why = MODIFIED
    elif name in vocabulary.measures:
        why = _amount(name, answers[0], origin, evidence) or ""
        if not why:
            return None
    if not why:
        value = _truth(answers[0], form)
        if name in vocabulary.screens:
            if value is True:
                evidence.screens[name].append(origin)
                return None
            return "the screen is not complete"
        if value != OTHER:
            said = value if isinstance(value, bool) else None
            evidence.say(Statement(name, said, origin, reason="the answer is: unknown" if said is None else ""))
            return None
        why = f"its answer is none of yes, no and unknown{_told(answers[0])}"
    evidence.not_understood(origin.reference, origin.label or name, (name,), why, of=entry.reference, when=origin.when)
    return None


def _told(given: Mapping[str, Any]) -> str:
    """The answer as it was given, in quotes."""
    value = next((v for k, v in given.items() if k.startswith("value")), None)
    if isinstance(value, Mapping):
        value = value.get("display") or value.get("text") or value.get("code") or value.get("value")
    return f": “{safe(str(value))}”" if isinstance(value, str | int | float) else ""


def _stranger(
    entry: Entry, link: str, item: Mapping[str, Any], origin: Origin, form: Form | None, evidence: Evidence
) -> str | None:
    """An item of another form: its words may speak of something, and a misspelt name does; else why it says nothing."""
    vocabulary = evidence.vocabulary
    why = f"the guideline has no name `{safe(link)}`"
    near = None if form else nearest(link[:100], (*vocabulary.findings, *vocabulary.measures, *vocabulary.screens))
    if near is not None:
        why += f"; did you mean `{near}`?"
        evidence.not_understood(origin.reference, origin.label, (near,), why, of=entry.reference, when=origin.when)
        return None
    texts = [_text(item), *(str(g.get("valueString", "")) for g in item["answer"] if isinstance(g, Mapping))]
    codings = [{"coding": [g["valueCoding"]]} for g in item["answer"] if isinstance(g, Mapping) and "valueCoding" in g]
    if note_unlisted(
        entry,
        evidence,
        codings,
        texts=texts,
        when=origin.when,
        wordless=False,
        source=origin.reference,
        called=lambda _: origin.label,
    ):
        return None
    return why


def _truth(given: Mapping[str, Any], form: Form | None) -> bool | str | None:
    if isinstance(given.get("valueBoolean"), bool):
        return bool(given["valueBoolean"])
    coding = given.get("valueCoding")
    if isinstance(coding, Mapping):
        key = str(coding.get("system", "")), str(coding.get("code", ""))
        if form is not None and key in form.answers:
            return form.answers[key]
        return answer({"coding": [coding]})
    word = given.get("valueString")
    return WORDS.get(word.casefold().strip(), OTHER) if isinstance(word, str) else OTHER


def _amount(name: str, given: Mapping[str, Any], origin: Origin, evidence: Evidence) -> str | None:
    """Read the answer to a measure; why it was not understood, or None."""
    start = evidence.when(given.get("valueDate")) or evidence.when(given.get("valueDateTime"))
    if start is not None:
        if evidence.as_of is None or evidence.vocabulary.measures[name].unit not in ("day", "week"):
            return "a start date needs the day of the record, and a measure in days or weeks"
        if evidence.later(start):
            return "it is dated after the day of the record"
        since = (min(start.first, evidence.as_of), min(start.last, evidence.as_of))
        evidence.amounts[name].append(Amount(name, None, None, origin, since, origin.when))
        return None
    number = quantity(given)
    amount = amount_of(name, number, origin, evidence) if number else None
    if amount is None:
        return f"its answer is no number in a unit of this measure, and no start date{_told(given)}"
    evidence.amounts[name].append(amount)
    return None
