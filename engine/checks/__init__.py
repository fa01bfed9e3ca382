"""What is wrong with a program, before anything is computed: all diagnostics of a guideline in one run.

One subject a file, each with the codes that it reports; `CHECKS` runs them and `CODES` documents them. A check looks at
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
from .declarations import attributes, columns, identifiers, measures, readings, statements, wording
from .rules import (
    counting,
    definitions,
    denials,
    ground_facts,
    growth,
    measured,
    patients,
    polarity,
    precedence,
    predicates,
    ranges,
    safety,
    scope,
    types,
)
from .sources import annotations as rule_annotations
from .sources import citations, references

Check: TypeAlias = Callable[[Context], Iterator[Diagnostic]]

CHECKS: tuple[Check, ...] = (
    attributes.check_keywords,
    attributes.check_attributes,
    identifiers.check_naming,
    identifiers.check_duplicates,
    columns.check_columns,
    measures.check_measures,
    readings.check_readings,
    statements.check_statements,
    wording.check_wording,
    definitions.check_definitions,
    predicates.check_declared,
    predicates.check_arity,
    types.check_types,
    ground_facts.check_facts,
    patients.check_patients,
    safety.check_safety,
    measured.check_measured,
    types.check_comparisons,
    ranges.check_ranges,
    counting.check_counting,
    denials.check_denials,
    growth.check_growth,
    polarity.check_polarity,
    rule_annotations.check_keys,
    rule_annotations.check_rule_ids,
    references.check_sources,
    citations.check_citations,
    scope.check_scope,
    wording.check_says,
    precedence.check_precedence,
)
"""All checks, in the order of their codes."""

CODES: tuple[Code, ...] = tuple(
    sorted(
        (
            code
            for module in (
                attributes,
                identifiers,
                columns,
                measures,
                readings,
                statements,
                wording,
                definitions,
                predicates,
                types,
                ground_facts,
                patients,
                safety,
                measured,
                ranges,
                counting,
                denials,
                growth,
                polarity,
                rule_annotations,
                references,
                citations,
                scope,
                precedence,
            )
            for code in module.CODES
        ),
        key=lambda code: code.code,
    )
)
"""Every kind of mistake that the checks report, for the documentation."""


def check_program(program: Program, names: Names, references: References | None = None) -> list[Diagnostic]:
    """All that the checks have to say about a parsed program, check by check; `diagnostics.Report` sorts by place."""
    context = context_of(program, names, references)
    return [diagnostic for check in CHECKS for diagnostic in check(context)]


__all__ = ["CHECKS", "CODES", "Check", "Code", "References", "check_program"]
