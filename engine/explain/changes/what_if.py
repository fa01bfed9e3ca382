"""What if: the record with other facts, and what that does to the answers.

`apply` gives the record with inputs set as a person types them; two runs of `ask` are then compared, in their answers
and in the rules behind them. Nothing is decided here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from guidelog.diagnostics import InputError, nearest
from guidelog.language.names import Names
from guidelog.patients.node import visible
from guidelog.wording.english import say

from ..answers import Answers


@dataclass(frozen=True, slots=True)
class Difference:
    """An answer that changes."""

    intervention: str
    before: str
    after: str
    rules_before: tuple[str, ...]
    rules_after: tuple[str, ...]
    says_before: str
    says_after: str

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "intervention": self.intervention,
            "from": self.before,
            "to": self.after,
            "rules": {"from": list(self.rules_before), "to": list(self.rules_after)},
            "says": {"from": self.says_before, "to": self.says_after},
        }


def apply(content: Mapping[str, Any], settings: Mapping[str, str], names: Names) -> dict[str, Any]:
    """The record with inputs set.

    `present`, `absent`, `unknown` for a finding, a number, `N+` (at least) or `unknown` for a measure, `complete` or
    `incomplete` for a screen. Raises InputError (GL430) for what cannot be set.
    """
    changed = {**content, **{key: dict(content.get(key, {})) for key in ("findings", "measures", "screens")}}
    vocabulary = names.vocabulary
    for name, value in settings.items():
        if name in vocabulary.findings:
            if value not in ("present", "absent", "unknown"):
                raise _unusable(name, value, "takes_finding")
            changed["findings"][name] = value
        elif name in vocabulary.measures:
            changed["measures"][name] = measure_value(name, value)
        elif name.removeprefix("screen:") in vocabulary.screens:
            if value not in ("complete", "incomplete"):
                raise _unusable(name, value, "takes_screen")
            changed["screens"][name.removeprefix("screen:")] = value
        else:
            near = nearest(name, [*vocabulary.findings, *vocabulary.measures, *vocabulary.screens])
            hint = say("did_you_mean", name=near) if near else None
            raise InputError.of("GL430", say("no_such_input", name=visible(name)), hint=hint)
    return {key: value for key, value in changed.items() if value != {} or key in content}


def measure_value(name: str, text: str) -> Any:
    """A measure as typed: `8`, `6+`, `4-8`, `since 2025-06-01`, `unknown`. Raises InputError (GL430)."""
    text = text.strip()
    if text == "unknown":
        return text
    if text.startswith("since "):
        return {"since": text.removeprefix("since ").strip()}
    if ".." in text:
        low, high = (_number(name, end) for end in text.split("..", 1))
        if low > high:
            raise _unusable(name, text, "takes_measure")
        return {"between": [low, high]}
    if text.endswith("+"):
        return {"at_least": _number(name, text[:-1])}
    return _number(name, text)


def differences(before: Answers, after: Answers) -> list[Difference]:
    """The answers whose status or rules are not the same."""
    later = {a.intervention: a for a in after.answers}
    found = []
    for answer in before.answers:
        other = later.get(answer.intervention)
        if other is None:
            continue
        if (answer.status, answer.because) != (other.status, other.because) or answer.rules != other.rules:
            found.append(
                Difference(
                    answer.intervention,
                    answer.status.value,
                    other.status.value,
                    answer.rules,
                    other.rules,
                    answer.says,
                    other.says,
                )
            )
    return found


def _number(name: str, text: str) -> int | float:
    text = text.strip()
    try:
        return int(text)
    except ValueError:
        pass
    if text.replace(".", "", 1).isdigit() and text.isascii():
        return float(text)
    raise _unusable(name, text, "takes_measure")


def _unusable(name: str, value: str, takes: str) -> InputError:
    return InputError.of("GL430", say("cannot_be", name=name, value=visible(value)), hint=say(takes))
