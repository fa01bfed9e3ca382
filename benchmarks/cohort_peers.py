"""Cohorts by hand in engines for queries: SQL on DuckDB, clingo, the pivot of a long table by bits.

Only peers for benchmarks/cohort.py, which compares the answers of the first two with ours; nothing here
checks its input.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import clingo
import duckdb

RULES = {
    "mri_lumbar": (
        ("urgent", "cauda"),
        ("urgent", "deficit"),
        ("urgent", "serious"),
        ("urgent", "trauma"),
        ("recommended", "ordered"),
        ("not_now", "wait_care"),
        ("not_now", "wait_candidate"),
        ("not_now", "wait_done"),
    ),
    "nerve_root_injection": (("consider", "inject"), ("not_now", "no_inject")),
    "multidisciplinary_rehabilitation": (("recommended", "inject"), ("not_now", "no_inject")),
    "surgical_referral": (("emergency_pathway", "red"), ("recommended", "refer"), ("not_now", "no_refer")),
}
"""For each intervention its rules: the status that it gives, and the column of the query that has its value."""


def hand_sql(
    vocabulary: Any, source: Path, out: Path, used: Sequence[str], statuses: Sequence[str], *, rules: bool
) -> None:
    """One query, a level of CTEs for each level of thought, no join.

    A value is a small whole number: 0 false, 1 unknown, 3 true, so that `&` is "and", `|` is "or"; this was
    measured to be several times faster than nullable truth values.
    """
    code = {name: number for number, name in enumerate(statuses)}

    def finding(name: str) -> str:
        screen = vocabulary.findings[name].screen
        open_ = f"(1 - coalesce({screen}, false)::UTINYINT)" if screen else "1::UTINYINT"
        return f"coalesce(3::UTINYINT * {name}::UTINYINT, {open_}) AS {name}"

    def weeks(name: str, enough: int, few: int, label: str) -> str:
        screen = vocabulary.measures[name].screen
        unlisted = f" WHEN {name} IS NULL AND {screen} THEN 0" if screen else ""
        cases = f"WHEN {name} >= {enough} THEN 3 WHEN {name} < {few} THEN 0{unlisted} ELSE 1"
        return f"(CASE {cases} END)::UTINYINT AS {label}"

    def no(value: str) -> str:
        return f"(xor({value}, 3::UTINYINT) >> ({value} & 1))"

    def advice(name: str, do: str, defer: str) -> str:
        return (
            f"WHEN {do} = 3 AND {defer} = 3 THEN {code['conflict']} WHEN {do} = 3 AND {defer} = 0 THEN {code[name]} "
            f"WHEN {do} = 0 AND ({defer} | in_scope) = 3 THEN {code['not_now']} "
            f"WHEN {do} = 0 AND {defer} = 0 AND in_scope = 0 THEN {code['outside_guideline']}"
        )

    def mask(name: str) -> str:
        """Of an undetermined answer all rules that may hold, of another those that gave it."""
        listed = list(enumerate(RULES[name]))
        possible = " + ".join(f"({value} & 1)::SMALLINT * {1 << place}" for place, (_, value) in listed)
        cases = ""
        for status in dict.fromkeys(status for _, (status, _) in listed):
            certain = [f"({v} >> 1)::SMALLINT * {1 << place}" for place, (s, v) in listed if s == status]
            cases += f" WHEN {code[status]} THEN {' + '.join(certain)}"
        return f'(CASE {name} WHEN 0 THEN {possible}{cases} ELSE 0 END)::SMALLINT AS "{name}.rules"'

    masks = ", ".join(mask(name) for name in RULES) if rules else ""
    text = f"""
    WITH facts AS (SELECT patient, {", ".join(map(finding, (*used, "home_exercise_only")))},
        {weeks("physical_therapy_weeks", 6, 6, "therapy_long")},
        {weeks("conservative_care_weeks", 6, 6, "care_6")},
        {weeks("conservative_care_weeks", 26, 12, "care_long")} FROM read_parquet('{source}')),
    first AS (SELECT *, CASE WHEN mri_correlates = 3 THEN mri_correlates ELSE mri_done END AS done,
        chronic_radiculopathy & level_l5_s1 AS in_scope,
        urinary_retention | urinary_incontinence | bilateral_motor_weakness | saddle_anesthesia AS cauda,
        progressive_neurological_deficit AS deficit,
        suspected_cancer | suspected_infection | suspected_fracture AS serious, significant_trauma AS trauma,
        (CASE WHEN home_exercise_only = 3 THEN 0::UTINYINT ELSE formal_physical_therapy END)
            & physical_therapy_completed & therapy_long AS adequate,
        instability_documented | spondylolisthesis_documented | severe_stenosis_documented AS structural FROM facts),
    second AS (SELECT *, cauda | deficit | serious | trauma AS red,
        care_6 & adequate & (gabapentinoid_tried | nsaid_tried) & symptoms_persist AS failed FROM first),
    third AS (SELECT *, in_scope & {no("red")} AS calm, in_scope & failed AS inject,
        in_scope & {no("failed")} AS no_inject,
        failed & care_long & functional_impairment & done & mri_correlates & surgical_candidate & structural AS criteria
        FROM second),
    fourth AS (SELECT *, inject & intervention_candidate & {no("done")} AS ordered,
        calm & {no("failed")} AS wait_care, calm & {no("intervention_candidate")} AS wait_candidate,
        calm & done AS wait_done, calm & criteria AS refer, calm & {no("criteria")} AS no_refer FROM third),
    fifth AS (SELECT *, wait_care | wait_candidate | wait_done AS against FROM fourth),
    answered AS (SELECT *,
        (CASE WHEN (red | ordered) = 3 AND against = 3 THEN {code["conflict"]}
            WHEN red = 3 AND against = 0 THEN {code["urgent"]}
            WHEN ordered = 3 AND red = 0 AND against = 0 THEN {code["recommended"]}
            WHEN red = 0 AND ordered = 0 AND (against | in_scope) = 3 THEN {code["not_now"]}
            WHEN red = 0 AND ordered = 0 AND against = 0 AND in_scope = 0 THEN {code["outside_guideline"]}
            ELSE 0 END)::TINYINT AS mri_lumbar,
        (CASE {advice("consider", "inject", "no_inject")} ELSE 0 END)::TINYINT AS nerve_root_injection,
        (CASE {advice("recommended", "inject", "no_inject")} ELSE 0 END)::TINYINT AS multidisciplinary_rehabilitation,
        (CASE WHEN red = 3 THEN {code["emergency_pathway"]} WHEN red = 1 THEN 0
            {advice("recommended", "refer", "no_refer")} ELSE 0 END)::TINYINT AS surgical_referral FROM fifth)
    SELECT patient, {", ".join(RULES)}{", " + masks if masks else ""} FROM answered"""
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({text}) TO '{out}' (FORMAT parquet)")


class _Rule:
    """A condition as a predicate of clingo: `&` and `|` are a new one, `~` is `not`."""

    __slots__ = ("atom", "program")

    def __init__(self, atom: str, program: list[str]) -> None:
        self.atom, self.program = atom, program

    def __and__(self, other: _Rule) -> _Rule:
        return self.new(f"{self.atom}, {other.atom}")

    def __or__(self, other: _Rule) -> _Rule:
        return self.new(self.atom, other.atom)

    def __invert__(self) -> _Rule:
        return self.new(f"not {self.atom}")

    def new(self, *bodies: str) -> _Rule:
        atom = f"n{len(self.program)}(P)"
        self.program.append(" ".join(f"{atom} :- patient(P), {body}." for body in bodies))
        return _Rule(atom, self.program)


def hand_clingo(
    vocabulary: Any, rows: Sequence[Mapping[str, Any]], by_hand: Callable[..., Any]
) -> list[dict[str, int]]:
    """All rows as one answer set program; the statuses (codes) and rules of each row, as `row_by_row` gives them."""
    program: list[str] = []

    def some(*bodies: str) -> _Rule:
        return _Rule("", program).new(*bodies)

    def closed(owner: Any, name: str) -> tuple[str, ...]:
        return (f"fact(P, {owner.screen}, true), not listed(P, {name})",) if owner.screen else ()

    statuses, fires = by_hand(
        lambda n: some(f"fact(P, {n}, true)"),
        lambda n: some(f"fact(P, {n}, false)", *closed(vocabulary.findings[n], n)),
        lambda n, b: some(f"weeks(P, {n}, N), N >= {b}"),
        lambda n, b: some(f"weeks(P, {n}, N), N < {b}", *closed(vocabulary.measures[n], n)),
    )
    program += ["#show status/3.", "#show rule/3."]
    for place, (name, listed) in enumerate(statuses.items()):
        program += [f"status(P, {place}, {status}) :- {condition.atom}." for status, condition in listed]
        program += [f"rule(P, {place}, {bit}) :- {condition.atom}." for bit, condition in enumerate(fires[name])]
    control = clingo.Control(["--warn=none"])
    control.add("base", [], "\n".join([*program, *_facts(rows)]))
    control.ground([("base", [])])
    found = [{key: 0 for name in statuses for key in (name, name + ".rules")} for _ in rows]
    names = list(statuses)
    with control.solve(yield_=True) as models:
        for symbol in next(iter(models)).symbols(shown=True):
            row, place, value = (argument.number for argument in symbol.arguments)
            if symbol.name == "status":
                found[row][names[place]] = value
            else:
                found[row][names[place] + ".rules"] += 1 << value
    return found


def _facts(rows: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    for number, row in enumerate(rows):
        yield f"patient({number})."
        for name, value in row.items():
            if isinstance(value, bool):
                yield f"fact({number}, {name}, {str(value).lower()}). listed({number}, {name})."
            elif isinstance(value, float):
                yield f"weeks({number}, {name}, {int(value)}). listed({number}, {name})."


def hand_pivot(long: Path, names: Sequence[str], measures: Sequence[str], out: Path) -> None:
    """A long table to one row a patient, as bits: one for "present", one for "listed", eight for each number.

    No row is checked and nothing is answered. At most 62 names, at most 7 measures, whole numbers below 256.
    """
    code = [
        (name, 0 if name in measures else 1 << place, 1 << place, measures.index(name) if name in measures else -1)
        for place, name in enumerate(names)
    ]
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE code (name VARCHAR, truth BIGINT, listed BIGINT, shift TINYINT)")
        connection.executemany("INSERT INTO code VALUES (?, ?, ?, ?)", code)
        connection.execute(
            "COPY (SELECT patient, bit_or(CASE WHEN value = 'true' THEN truth ELSE 0 END) AS present, "
            "bit_or(listed) AS listed, "
            "bit_or(CASE WHEN shift >= 0 THEN value::DOUBLE::BIGINT << (8 * shift)::BIGINT ELSE 0 END) AS numbers "
            f"FROM read_parquet('{long}') JOIN code USING (name) GROUP BY patient) TO '{out}' (FORMAT parquet)"
        )
