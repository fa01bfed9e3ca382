"""The account of a run as text: how many, how far along the pathway, what would settle most.

Everything comes from the counts that the run kept; no table is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from guidelog.semantics.status import Because, Status
from guidelog.wording.presentation import presentation

_REASONS = frozenset(b.value for b in Because)
_MOST_QUESTIONS, _MOST_REASONS = 5, 4


def shares(account: Mapping[str, Any], interventions: Sequence[str] = ()) -> list[tuple[str, str, int, float]]:
    """Intervention, status, count and share of the answered patients; in the order of `Status`."""
    total = max(account["patients"], 1)
    return [
        (name, status.value, found[status.value], found[status.value] / total)
        for name, found in account["answers"].items()
        if not interventions or name in interventions
        for status in Status
        if found.get(status.value)
    ]


def render_summary(account: Mapping[str, Any], interventions: Sequence[str] = ()) -> str:
    """The summary for people: the given interventions, or those that the guideline exists for."""
    guideline, audit = account["guideline"], account["audit"]
    shown = [n for n in interventions or account["main"] if n in account["answers"]] or list(account["answers"])
    lines = [
        f"{guideline['title']}, version {guideline['version']} ({guideline['review']})",
        f"{account['patients']:,} {'patient' if account['patients'] == 1 else 'patients'} answered, "
        f"{account['rejected']:,} set aside"
        + (
            "".join(f"; {code}: {n:,}" for code, n in sorted(account["reasons"].items())) if account["rejected"] else ""
        ),
        f"audit: {audit['certified']} answered again with certificates, {audit['refused']} refused again"
        if audit["sample"]
        else "audit: none",
        *_not_read(account),
    ]
    for name in shown:
        label = account.get("labels", {}).get(name)
        lines += ["", f"{label} ({name})" if label else name]
        found = account["answers"][name]
        for _, status, number, share in shares(account, [name]):
            extra = ""
            if status == Status.UNDETERMINED.value:
                parts = [f"{found[r]:,} {r.replace('_', ' ')}" for r in sorted(_REASONS) if found.get(r)]
                extra = f"  ({', '.join(parts)})"
            lines.append(f"  {presentation(Status(status)).word:<24}{number:>12,}  {share:>6.1%}{extra}")
        lines += _funnel(account, name)
        lines += _questions(account, name)
    return "\n".join(lines)


def _not_read(account: Mapping[str, Any]) -> list[str]:
    found = account.get("not_read")
    if not found:
        return []
    how_many = f"{found['entries']:,} things that resources say, of {found['patients']:,} patients"
    return [f"not read: {how_many}; what they may be about is unknown (not_read.csv lists them)"]


def _funnel(account: Mapping[str, Any], name: str) -> list[str]:
    lines = []
    for rule in account["funnel"].get(name, ()):
        if len(rule["steps"]) < 2:
            continue
        lines.append(f"  how far patients get with {rule['rule']}:")
        for step in rule["steps"]:
            if not step["reached"]:
                break
            open_ = step["reached"] - step["holds"] - step["fails"]
            share = step["fails"] / step["reached"]
            lines.append(
                f"    {step['condition']}: {step['holds']:,} of {step['reached']:,} pass, "
                f"{share:.0%} blocked, {open_:,} open"
            )
            why = sorted(step.get("because", {}).items(), key=lambda item: -item[1])[:_MOST_REASONS]
            if why and step["fails"]:
                how = step.get("by", "without")
                listed = ", ".join(f"{n / step['fails']:.0%} {how} `{text}`" for text, n in why)
                lines.append(f"      of the blocked: {listed}")
        lines.append(f"    all conditions: {rule['passes']:,}")
    return lines


def questions(account: Mapping[str, Any], name: str) -> list[tuple[str, int, int]]:
    """What would settle an intervention: question, patients settled whatever the reply, and by some reply."""
    found = account["settles"].get(name, {})
    return sorted(((q, a, s) for q, (a, s) in found.items()), key=lambda item: (-item[1], -item[2], item[0]))


def _questions(account: Mapping[str, Any], name: str) -> list[str]:
    found = questions(account, name)[:_MOST_QUESTIONS]
    if not found:
        return []
    whole = account["sample"] == account["patients"]
    tried = "" if whole else f" (tried on every n-th patient, {account['sample']:,} in all)"
    lines = [f"  what would settle it{tried}:"]
    for question, always, sometimes in found:
        asked = account.get("inputs", {}).get(question.removeprefix("screen:"), question)
        if question.startswith("screen:"):
            lines.append(f"    {asked}, asked in full with nothing found: {always:,}")
        else:
            lines.append(f"    {asked}: {always:,} whatever the reply, {sometimes:,} by some reply")
    return lines
