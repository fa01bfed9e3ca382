"""Outcomes of vignettes for programs and pages: JUnit XML, JSON, and the coverage report as one HTML page.

Everything that comes from an author is escaped; the page loads nothing from anywhere.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from typing import Any
from xml.sax.saxutils import escape as xml_escape
from xml.sax.saxutils import quoteattr

from guidelog.language.guideline import GuidelineFolder

from .coverage import BACKGROUND, CRITERION, RULE, THRESHOLD, Coverage, Unit
from .runner import Mismatch, Outcome


def junit(outcomes: Sequence[Outcome], guideline: GuidelineFolder) -> str:
    """JUnit XML: a test case for each vignette, in one suite."""
    failures = sum(bool(o.mismatches) for o in outcomes)
    errors = sum(bool(o.problems) for o in outcomes)
    seconds = sum(o.seconds for o in outcomes)
    counts = f'tests="{len(outcomes)}" failures="{failures}" errors="{errors}" skipped="0" time="{seconds:.3f}"'
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f"<testsuite name={quoteattr(guideline.id)} {counts}>",
    ]
    for outcome in outcomes:
        vignette = outcome.vignette
        head = (
            f"  <testcase name={quoteattr(vignette.patient.id)} classname={quoteattr(guideline.id)} "
            f'file={quoteattr(vignette.path)} time="{outcome.seconds:.3f}"'
        )
        if outcome.passed:
            lines.append(head + "/>")
            continue
        lines.append(head + ">")
        if outcome.mismatches:
            text = "\n".join(line for m in outcome.mismatches for line in mismatch_lines(m))
            message = "; ".join(f"{m.what}: expected {m.expected}, got {m.got}" for m in outcome.mismatches)
            lines.append(f"    <failure message={quoteattr(message)}>{xml_escape(text)}</failure>")
        lines += [f"    <error message={quoteattr(p.message)} type={quoteattr(p.code)}/>" for p in outcome.problems]
        lines.append("  </testcase>")
    return "\n".join([*lines, "</testsuite>", ""])


def mismatch_lines(mismatch: Mismatch) -> list[str]:
    """Expected, got, the place, and why."""
    head = f"{mismatch.what}: expected {mismatch.expected}, got {mismatch.got} ({mismatch.span!r})"
    return [head, *(f"  {reason}" for reason in mismatch.reasons)]


def outcomes_json(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The outcomes as plain data."""
    return {
        "passed": sum(o.passed for o in outcomes),
        "failed": sum(not o.passed for o in outcomes),
        "vignettes": [
            {
                "file": o.vignette.path,
                "patient": o.vignette.patient.id,
                "passed": o.passed,
                "mismatches": [
                    {
                        "what": m.what,
                        "expected": m.expected,
                        "got": m.got,
                        "place": repr(m.span),
                        "why": list(m.reasons),
                    }
                    for m in o.mismatches
                ],
                "problems": [d.to_json() for d in o.problems],
            }
            for o in outcomes
        ],
    }


STYLE = """
body{font:15px/1.45 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b}
h2{margin-top:2rem}table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;
padding:.25rem .6rem;border-bottom:1px solid #ddd}code{background:#f3f3f3;padding:0 .2em}
.no{background:#fde9e7}.yes{background:#eaf6ec}.never{background:#f2f2f2;color:#555}
summary{cursor:pointer}small{color:#555}@media(prefers-color-scheme:dark){body{background:#161616;color:#e8e8e8}
code{background:#2a2a2a}.no{background:#4a201c}.yes{background:#1d3a23}.never{background:#262626;color:#aaa}
td,th{border-color:#333}}
"""


def page(title: str, heading: str, body: str) -> str:
    """A whole HTML document around a body; `title` and `heading` are plain text."""
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>\n"
        f"<body><h1>{escape(heading)}</h1>{body}</body></html>\n"
    )


def coverage_page(coverage: Coverage, outcomes: Sequence[Outcome], guideline: GuidelineFolder) -> str:
    """The coverage of a guideline's vignettes as a page: totals, what is missing with a patient for it, every rule."""
    rows = []
    for kind, words in (
        (RULE, "rules"),
        (CRITERION, "criteria"),
        (THRESHOLD, "thresholds"),
        (BACKGROUND, "background"),
    ):
        covered, all_ = coverage.counts(kind)
        rows.append(f"<tr><th>{words}</th><td>{covered} of {all_}</td><td>{coverage.percent(kind):.1f}%</td></tr>")
    missing = "".join(_missing_row(u) for u in coverage.missing) or "<tr><td>nothing</td></tr>"
    idle = ", ".join(f"<code>{escape(r.id or '')}</code>" for r in coverage.not_in_force)
    by_rule: dict[int, list[Unit]] = {}
    for unit in coverage.units:
        by_rule.setdefault(id(unit.rule), []).append(unit)
    details = "".join(_rule_block(units) for units in by_rule.values())
    failed = [o for o in outcomes if not o.passed]
    note = f"<p><strong>{len(failed)} of them fail.</strong></p>" if failed else ""
    not_in_force = f"<p>Not in force under the chosen readings: {idle}</p>" if idle else ""
    return page(
        f"Coverage: {guideline.title}",
        f"Coverage: {guideline.title} {guideline.version}",
        f"<p>{len(outcomes)} vignettes cover {coverage.percent():.1f}% of what they could.</p>{note}"
        f"{_table(''.join(rows))}<h2>Not covered</h2>{_table(missing)}{not_in_force}<h2>Rules</h2>{details}",
    )


def _table(rows: str) -> str:
    return f"<table><tbody>{rows}</tbody></table>"


def _missing_row(unit: Unit) -> str:
    patient = f"<br><small>for example {escape(patient_text(unit))}</small>" if unit.patient else ""
    return (
        f'<tr class="no"><td><code>{escape(unit.rule.id or "")}</code></td><td>{_code(unit.what)}{patient}</td>'
        f"<td><small>{escape(unit.place)}</small></td></tr>"
    )


def _rule_block(units: Sequence[Unit]) -> str:
    rule = units[0].rule
    rows = []
    for unit in units:
        kind = "never" if unit.impossible else "yes" if unit.covered else "no"
        shown = "no patient can" if unit.impossible else ", ".join(unit.vignettes[:5])
        more = f" and {len(unit.vignettes) - 5} more" if len(unit.vignettes) > 5 else ""
        rows.append(f'<tr class="{kind}"><td>{_code(unit.what)}</td><td><small>{escape(shown)}{more}</small></td></tr>')
    bad = any(not u.covered and not u.impossible for u in units)
    return (
        f"<details{' open' if bad else ''}><summary><code>{escape(rule.id or '')}</code> "
        f"<small>{escape(units[0].place)}</small></summary>{_table(''.join(rows))}</details>"
    )


def patient_text(unit: Unit) -> str:
    """The patient that would cover a unit, as YAML on one line."""
    return ", ".join(f"{key}: {json.dumps(value).replace(chr(34), '')}" for key, value in (unit.patient or {}).items())


def _code(text: str) -> str:
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if index % 2 else part for index, part in enumerate(parts))
