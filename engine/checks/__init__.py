"""What is wrong with a program, before anything is computed: all diagnostics of a guideline in one run.

One check a file, each with the codes that it reports; `CHECKS` runs them and `CODES` documents them. A check looks at
the parsed program and its names, reports, and never raises, however wrong the program is; one mistake gives one
diagnostic, so what rests on an undeclared name is left alone. A program without errors keeps all rules of
`docs/language.md` but one: that no atom depends on its own negation is seen on ground atoms, by `strata` (GL210).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeAlias

from guidelog.diagnostics import Diagnostic
from guidelog.language.names import Names
from guidelog.language.tree import Program

from .codes import Code
from .context import Context, References, context_of
from .declarations import (
    attributes,
    columns,
    duplicates,
    keywords,
    measures,
    naming,
    readings,
    says,
    statements,
    wording,
)
from .rules import (
    arity,
    column_types,
    comparisons,
    counting,
    declared,
    definitions,
    denials,
    growth,
    measured,
    patients,
    polarity,
    ranges,
    safety,
    scope,
)
from .rules import ground_facts as facts
from .sources import citations, keys, rule_ids
from .sources import references as sources

Check: TypeAlias = Callable[[Context], Iterator[Diagnostic]]

CHECKS: tuple[Check, ...] = (
    keywords.check_keywords,
    attributes.check_attributes,
    naming.check_naming,
    duplicates.check_duplicates,
    columns.check_columns,
    measures.check_measures,
    readings.check_readings,
    statements.check_statements,
    wording.check_wording,
    definitions.check_definitions,
    declared.check_declared,
    arity.check_arity,
    column_types.check_types,
    facts.check_facts,
    patients.check_patients,
    safety.check_safety,
    measured.check_measured,
    comparisons.check_comparisons,
    ranges.check_ranges,
    counting.check_counting,
    denials.check_denials,
    growth.check_growth,
    polarity.check_polarity,
    keys.check_keys,
    rule_ids.check_rule_ids,
    sources.check_sources,
    citations.check_citations,
    scope.check_scope,
    says.check_says,
)
"""All checks, in the order of their codes."""

CODES: tuple[Code, ...] = tuple(
    code
    for module in (
        keywords,
        attributes,
        naming,
        duplicates,
        columns,
        measures,
        readings,
        statements,
        wording,
        definitions,
        declared,
        arity,
        column_types,
        facts,
        patients,
        safety,
        measured,
        comparisons,
        ranges,
        counting,
        denials,
        growth,
        polarity,
        keys,
        rule_ids,
        sources,
        citations,
        scope,
        says,
    )
    for code in module.CODES
)
"""Every kind of mistake that the checks report, for the documentation."""


def check_program(program: Program, names: Names, references: References | None = None) -> list[Diagnostic]:
    """All that the checks have to say about a parsed program, check by check; `diagnostics.Report` sorts by place."""
    context = context_of(program, names, references)
    return [diagnostic for check in CHECKS for diagnostic in check(context)]


__all__ = ["CHECKS", "CODES", "Check", "Code", "References", "check_program"]
