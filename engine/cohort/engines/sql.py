"""A plan -> one SQL query over a wide table, for DuckDB and Spark.

A common table expression for each layer of the circuit, carrying only what later layers still look at; no join, no
user-defined function, nothing that moves rows between machines. Bits are small whole numbers, so that AND and OR are
`&` and `|`, which both engines run over whole vectors. The query also says why a row cannot be answered (`set_aside`),
by the same rules as the columnar reader. Statements are built as sqlglot trees and never glued from text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import reduce

import sqlglot.expressions as exp

from guidelog.language.vocabulary import Vocabulary
from guidelog.semantics import All, Any, Constant, End, Known, Not, Plan, Reaches
from guidelog.semantics.circuit import looks_at
from guidelog.semantics.status import Because, Status

from ..results.answer_table import ASSUMED, BACKGROUND, BECAUSE, RULES, told
from ..rows.column_types import Kind
from ..rows.layout import Layout
from .sql_inputs import InputQuery, bit_of, column_of, named, number_of

__all__ = ["SET_ASIDE", "query"]

SET_ASIDE = "set_aside"


def query(
    plan: Plan,
    vocabulary: Vocabulary,
    layout: Layout,
    kinds: Mapping[str, Kind],
    table: exp.Expr,
    words: str | None = None,
) -> exp.Select:
    """The query; `kinds` says for each column what it holds, `table` what it is read from.

    `words`: a type of the database that has the words of answers, where they are not to be texts.
    """
    return _Query(plan, vocabulary, layout, kinds, words).build(table)


class _Query:
    def __init__(
        self, plan: Plan, vocabulary: Vocabulary, layout: Layout, kinds: Mapping[str, Kind], words: str | None
    ) -> None:
        self.plan = plan
        self.gates = plan.circuit.gates
        self.inputs = InputQuery(vocabulary, layout, kinds)
        self.words = None if words is None else exp.DataType.build(words, udt=True)

    def build(self, table: exp.Expr) -> exp.Select:
        outputs = [*self.plan.outputs, *self.plan.told]
        needed = [n for n in self.plan.circuit.needed(outputs) if not isinstance(self.gates[n], Constant)]
        level: dict[int, int] = {}
        for n in needed:
            level[n] = max((level[p] + 1 for p in looks_at(self.gates[n]) if p in level), default=0)
        last = {p: level[n] for n in needed for p in looks_at(self.gates[n])}
        for n in needed:
            for p in looks_at(self.gates[n]):
                last[p] = max(last[p], level[n])
        deepest = max(level.values(), default=0)
        last.update(dict.fromkeys(outputs, deepest + 1))
        last_end: dict[tuple[str, bool], int] = {}
        for n in needed:
            if isinstance(gate := self.gates[n], Reaches):
                for _, end in gate.terms:
                    key = (end.measure, end.upper)
                    last_end[key] = max(last_end.get(key, 0), level[n])
        base = self.inputs.base(sorted(last_end), table)
        kept: list[str] = ["patient", ASSUMED, "wrong"]
        source, alive, built = "inputs", list[str](), exp.Select().with_("inputs", as_=base)
        for place in range(deepest + 1):
            new = [n for n in needed if level[n] == place]
            through = [c for c in alive if last[int(c[1:])] >= place]
            raw = [f"{m}.{'high' if u else 'low'}.ticks" for (m, u), p in last_end.items() if p >= place]
            columns: list[exp.Expr] = [column_of(c) for c in (*kept, *raw, *through)]
            columns += [named(self.gate(n), f"g{n}") for n in new]
            name = f"layer_{place}"
            built = built.with_(name, as_=exp.select(*columns, copy=False).from_(source, copy=False), copy=False)
            source, alive = name, [*through, *(f"g{n}" for n in new)]
        return built.select(*self.answers(), append=False, copy=False).from_(source, copy=False)

    # gates
    def gate(self, number: int) -> exp.Expr:
        match self.gates[number]:
            case Known(name, value):
                return column_of(f"{name}.{'t' if value else 'f'}")
            case All(parts):
                return _chain(exp.BitwiseAnd, map(_gate, parts))
            case Any(parts):
                return _chain(exp.BitwiseOr, map(_gate, parts))
            case Not(part):
                return bit_of(_gate(part).eq(0))
            case Reaches(terms, bound):
                sums = [exp.Mul(this=number_of(c), expression=exp.paren(self.end(e))) for c, e in terms]
                total = _chain(exp.Add, sums)
                return bit_of(exp.GTE(this=total, expression=number_of(bound)))
            case _:
                raise AssertionError("constants are not columns")

    def end(self, end: End) -> exp.Expr:
        column: exp.Expr = column_of(f"{end.measure}.{'high' if end.upper else 'low'}.ticks")
        for holds, bound in end.moved:
            there = (
                exp.LTE(this=column.copy(), expression=number_of(bound))
                if end.upper
                else exp.GTE(this=column.copy(), expression=number_of(bound))
            )
            column = exp.case().when(exp.or_(_gate(holds).eq(0), there), column).else_(number_of(bound))
        return column

    # answers
    def answers(self) -> list[exp.Expr]:
        columns: list[exp.Expr] = [exp.column("patient")]
        aside = exp.case().when(exp.not_(exp.column("wrong").is_(exp.null())), exp.column("wrong"))
        for denial in self.plan.denials:
            aside = aside.when(self.holds(denial.contradicted), exp.Literal.string("GL421"), copy=False)
        columns.append(aside.as_(SET_ASIDE, copy=False))
        for advice in self.plan.advice:
            case = reduce(
                lambda c, item: c.when(self.holds(item[1]), self.word(item[0]), copy=False),
                advice.statuses.items(),
                exp.case(),
            )
            status = case.else_(self.word(Status.UNDETERMINED), copy=False)
            columns.append(named(status, advice.intervention))
            because = reduce(
                lambda c, number: c.when(self.holds(number), exp.null(), copy=False),
                advice.statuses.values(),
                exp.case(),
            )
            if advice.range_only:
                because = because.when(self.holds(advice.range_only), self.word(Because.GUIDELINE_RANGE))
            reason = because.else_(self.word(Because.MISSING_DATA), copy=False)
            columns.append(named(reason, advice.intervention + BECAUSE))
            columns.append(named(self.mask([r.gives for r in advice.rules]), advice.intervention + RULES))
        columns.append(exp.cast(exp.column(ASSUMED), "bigint", copy=False).as_(ASSUMED, copy=False))
        columns.append(self.mask([d.adds for d in self.plan.denials]).as_(BACKGROUND, copy=False))
        columns += [self.mask([r.gives for r in bits]).as_(name, copy=False) for name, bits in told(self.plan).items()]
        return columns

    def word(self, word: Status | Because) -> exp.Expr:
        text = exp.Literal.string(word.value)
        return text if self.words is None else exp.Cast(this=text, to=self.words.copy())

    def holds(self, number: int) -> exp.Expr:
        gate = self.gates[number]
        return exp.convert(gate.value) if isinstance(gate, Constant) else _gate(number).eq(1)

    def mask(self, numbers: Sequence[int]) -> exp.Expr:
        total: exp.Expr = exp.cast(exp.Literal.number(0), "bigint", copy=False)
        for place, number in enumerate(numbers):
            match self.gates[number]:
                case Constant(value):
                    bit: exp.Expr = exp.Literal.number(int(value))
                case _:
                    bit = exp.cast(_gate(number), "bigint", copy=False)
            total = exp.Add(this=total, expression=exp.Mul(this=bit, expression=exp.Literal.number(1 << place)))
        return total


def _chain(operator: type[exp.Binary], parts: Iterable[exp.Expr]) -> exp.Expr:
    """`a operator b operator c`: one operator a statement, so that none has to bind tighter than another."""
    first, *rest = parts
    return reduce(lambda a, b: operator(this=a, expression=b), rest, first)


def _gate(number: int) -> exp.Column:
    return exp.column(f"g{number}", quoted=True)
