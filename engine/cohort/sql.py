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

from ..circuits import All, Any, Constant, End, Known, Not, Plan, Reaches
from ..circuits.circuit import looks_at
from ..status import Because, Status
from ..vocabulary import TICKS_PER_UNIT, Measure, Vocabulary
from .answers import ASSUMED, BACKGROUND, BECAUSE, RULES
from .columns import COMPLETE, PRESENT
from .layout import Layout, MeasureColumns

SET_ASIDE = "set_aside"
BOOLEAN, TEXT, NUMBER, DATE = "boolean", "text", "number", "date"
"""The kinds of column that the query tells apart."""


def query(plan: Plan, vocabulary: Vocabulary, layout: Layout, kinds: Mapping[str, str], table: exp.Expr) -> exp.Select:
    """The query; `kinds` says for each column what it holds, `table` what it is read from."""
    return _Query(plan, vocabulary, layout, kinds).build(table)


class _Query:
    def __init__(self, plan: Plan, vocabulary: Vocabulary, layout: Layout, kinds: Mapping[str, str]) -> None:
        self.plan, self.vocabulary, self.layout, self.kinds = plan, vocabulary, layout, kinds
        self.gates = plan.circuit.gates
        self.wrong: list[tuple[exp.Expr, str]] = []

    def build(self, table: exp.Expr) -> exp.Select:
        needed = [n for n in self.plan.circuit.needed(self.plan.outputs) if not isinstance(self.gates[n], Constant)]
        level: dict[int, int] = {}
        for n in needed:
            level[n] = max((level[p] + 1 for p in looks_at(self.gates[n]) if p in level), default=0)
        last = {p: level[n] for n in needed for p in looks_at(self.gates[n])}
        for n in needed:
            for p in looks_at(self.gates[n]):
                last[p] = max(last[p], level[n])
        deepest = max(level.values(), default=0)
        last.update(dict.fromkeys(self.plan.outputs, deepest + 1))
        last_end: dict[tuple[str, bool], int] = {}
        for n in needed:
            if isinstance(gate := self.gates[n], Reaches):
                for _, end in gate.terms:
                    key = (end.measure, end.upper)
                    last_end[key] = max(last_end.get(key, 0), level[n])
        base = self.base(sorted(last_end), table)
        kept: list[str] = ["patient", ASSUMED, "wrong"]
        source, alive, built = "inputs", list[str](), exp.Select().with_("inputs", as_=base)
        for place in range(deepest + 1):
            new = [n for n in needed if level[n] == place]
            through = [c for c in alive if last[int(c[1:])] >= place]
            raw = [f"{m}.{'high' if u else 'low'}.ticks" for (m, u), p in last_end.items() if p >= place]
            columns: list[exp.Expr] = [_column(c) for c in (*kept, *raw, *through)]
            columns += [self.gate(n).as_(f"g{n}", quoted=True) for n in new]
            name = f"layer_{place}"
            built = built.with_(name, as_=exp.select(*columns).from_(source))
            source, alive = name, [*through, *(f"g{n}" for n in new)]
        return built.select(*self.answers(), append=False).from_(source)

    # inputs
    def base(self, ends: Sequence[tuple[str, bool]], table: exp.Expr) -> exp.Select:
        """Every finding as two bits, every end in ticks, after completed screens; what is wrong with the row."""
        layout = self.layout
        identity = _column(layout.patient)
        text = exp.cast(identity.copy(), "text")
        self.wrong.append((exp.or_(identity.is_(exp.null()), text.eq("")), "GL410"))
        columns: list[exp.Expr] = [identity.as_("patient")]
        for name in layout.findings:
            self.check_words(name, PRESENT, "GL414")
        measures = {name: self.measure(self.vocabulary.measures[name], c) for name, c in layout.measures.items()}
        for name in layout.screens:
            self.check_words(name, COMPLETE, "GL419")
        for name, finding in self.vocabulary.findings.items():
            closed = self.closed(name, finding.screen)
            if name in layout.findings:
                true, false = self.words(name, PRESENT, wanted=True), self.words(name, PRESENT, wanted=False)
                false = exp.or_(false, closed) if closed is not None else false
            else:
                true, false = exp.false(), closed if closed is not None else exp.false()
            columns += [_bit(true).as_(f"{name}.t", quoted=True), _bit(false).as_(f"{name}.f", quoted=True)]
        for name, upper in ends:
            measure = self.vocabulary.measures[name]
            whole = exp.Literal.number((measure.high if upper else measure.low) * measure.ticks)
            given = measures[name][upper] if name in measures else exp.cast(whole, "bigint")
            closed = self.closed(name, measure.screen) if measure.unlisted is not None else None
            if closed is not None and measure.unlisted is not None:
                given = exp.case().when(closed, exp.Literal.number(measure.unlisted * measure.ticks)).else_(given)
            columns.append(given.as_(f"{name}.{'high' if upper else 'low'}.ticks", quoted=True))
        columns.append(self.assumed().as_(ASSUMED))
        columns.append(
            reduce(lambda c, item: c.when(item[0], exp.Literal.string(item[1])), self.wrong, exp.case()).as_("wrong")
        )
        return exp.select(*columns).from_(table)

    def words(self, column: str, meaning: Mapping[str, bool | None], *, wanted: bool) -> exp.Expr:
        """Whether the column says yes, or no; never null."""
        if self.kinds[column] == BOOLEAN:
            value = _column(column) if wanted else exp.not_(_column(column))
            return exp.func("COALESCE", value, exp.false())
        chosen = [exp.Literal.string(w) for w, m in meaning.items() if m is wanted]
        return exp.func("COALESCE", _column(column).isin(*chosen), exp.false())

    def check_words(self, column: str, meaning: Mapping[str, bool | None], code: str) -> None:
        if self.kinds[column] != BOOLEAN:
            known = [exp.Literal.string(w) for w in ("", *meaning)]
            self.wrong.append((exp.not_(exp.func("COALESCE", _column(column).isin(*known), exp.true())), code))

    def closed(self, name: str, screen: str | None) -> exp.Expr | None:
        """The screen is complete and does not list this; None when that cannot be."""
        if screen is None or screen not in self.layout.screens:
            return None
        complete = self.words(screen, COMPLETE, wanted=True)
        listed = self.listed(name)
        return complete if listed is None else exp.and_(complete, exp.not_(listed))

    def listed(self, name: str) -> exp.Expr | None:
        if name in self.layout.findings:
            columns = [name]
        elif name in self.layout.measures:
            m = self.layout.measures[name]
            columns = [c for c in (m.value, m.low, m.high, m.since) if c is not None]
        else:
            return None
        return exp.or_(
            *(
                exp.not_(_column(c).is_(exp.null()))
                if self.kinds[c] != TEXT
                else exp.func("COALESCE", exp.NEQ(this=_column(c), expression=exp.Literal.string("")), exp.false())
                for c in columns
            )
        )

    def assumed(self) -> exp.Expr:
        """The mask of screens that added something."""
        total: exp.Expr = exp.Literal.number(0)
        for place, (screen, declared) in enumerate(self.vocabulary.screens.items()):
            members = [
                m
                for m in declared.members
                if m in self.vocabulary.findings or self.vocabulary.measures[m].unlisted is not None
            ]
            closed = [c for m in members if (c := self.closed(m, screen)) is not None]
            if closed:
                bit = exp.case().when(exp.or_(*closed), exp.Literal.number(1 << place)).else_(exp.Literal.number(0))
                total = exp.Add(this=total, expression=bit)
        return total

    def measure(self, measure: Measure, columns: MeasureColumns) -> tuple[exp.Expr, exp.Expr]:
        """Both ends in ticks; notes what is wrong with the columns."""
        low: exp.Expr = exp.Literal.number(measure.low * measure.ticks)
        high: exp.Expr = exp.Literal.number(measure.high * measure.ticks)
        given: dict[str, exp.Expr] = {}
        for form, column in (("value", columns.value), ("low", columns.low), ("high", columns.high)):
            if column is None:
                continue
            number = self.number(column)
            given[form] = exp.cast(
                exp.Mul(
                    this=exp.func("ROUND", exp.Mul(this=number, expression=exp.Literal.number(1000))),
                    expression=exp.Literal.number(measure.ticks // 1000),
                ),
                "bigint",
            )
            inside = exp.and_(
                exp.GTE(this=number.copy(), expression=_number(measure.low)),
                exp.LTE(this=number.copy(), expression=_number(measure.high)),
            )
            self.wrong.append((exp.not_(exp.func("COALESCE", inside, exp.true())), "GL416"))
            thousand = exp.Mul(this=number.copy(), expression=exp.Literal.number(1000))
            off = exp.func("ABS", exp.Sub(this=thousand, expression=exp.func("ROUND", thousand.copy())))
            self.wrong.append(
                (
                    exp.func("COALESCE", exp.GT(this=off, expression=exp.Literal.number("0.000001")), exp.false()),
                    "GL415",
                )
            )
            if form != "value" and columns.value is not None:
                both = exp.and_(
                    exp.not_(number.copy().is_(exp.null())), exp.not_(_column(columns.value).is_(exp.null()))
                )
                self.wrong.append((both, "GL415"))
        if "value" in given:
            low, high = exp.func("COALESCE", given["value"], low), exp.func("COALESCE", given["value"].copy(), high)
        low = exp.func("COALESCE", given["low"], low) if "low" in given else low
        high = exp.func("COALESCE", given["high"], high) if "high" in given else high
        if columns.since is not None and self.layout.as_of is not None:
            start, today = self.day(columns.since), self.day(self.layout.as_of)
            days = exp.Mul(
                this=exp.cast(exp.DateDiff(this=today, expression=start, unit=exp.var("DAY")), "bigint"),
                expression=exp.Literal.number(TICKS_PER_UNIT["day"]),
            )
            there = exp.not_(start.copy().is_(exp.null()))
            self.wrong.append((exp.and_(there, today.copy().is_(exp.null())), "GL418"))
            self.wrong.append(
                (exp.func("COALESCE", exp.GT(this=start.copy(), expression=today.copy()), exp.false()), "GL418")
            )
            others = [c for c in (columns.value, columns.low, columns.high) if c is not None]
            if others:
                listed = exp.or_(*(exp.not_(_column(c).is_(exp.null())) for c in others))
                self.wrong.append((exp.and_(there.copy(), listed), "GL415"))
            inside = exp.and_(
                exp.GTE(this=days.copy(), expression=_number(measure.low * measure.ticks)),
                exp.LTE(this=days.copy(), expression=_number(measure.high * measure.ticks)),
            )
            self.wrong.append((exp.not_(exp.func("COALESCE", inside, exp.true())), "GL416"))
            low, high = exp.func("COALESCE", days, low), exp.func("COALESCE", days.copy(), high)
        self.wrong.append((exp.GT(this=low.copy(), expression=high.copy()), "GL415"))
        return low, high

    def number(self, column: str) -> exp.Expr:
        if self.kinds[column] == TEXT:
            decimal = exp.RegexpLike(
                this=_column(column), expression=exp.Literal.string(r"^-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,3})?$")
            )
            fine = exp.or_(decimal, _column(column).isin(exp.Literal.string(""), exp.Literal.string("unknown")))
            self.wrong.append((exp.not_(exp.func("COALESCE", fine, exp.true())), "GL415"))
            return exp.case().when(decimal.copy(), exp.cast(_column(column), "double"))
        return exp.cast(_column(column), "double")

    def day(self, column: str) -> exp.Expr:
        return exp.cast(_column(column), "date")

    # gates
    def gate(self, number: int) -> exp.Expr:
        match self.gates[number]:
            case Known(name, value):
                return _column(f"{name}.{'t' if value else 'f'}")
            case All(parts):
                return _chain(exp.BitwiseAnd, map(_gate, parts))
            case Any(parts):
                return _chain(exp.BitwiseOr, map(_gate, parts))
            case Not(part):
                return _bit(_gate(part).eq(0))
            case Reaches(terms, bound):
                sums = [exp.Mul(this=_number(c), expression=exp.paren(self.end(e))) for c, e in terms]
                total = _chain(exp.Add, sums)
                return _bit(exp.GTE(this=total, expression=_number(bound)))
            case _:
                raise AssertionError("constants are not columns")

    def end(self, end: End) -> exp.Expr:
        column: exp.Expr = _column(f"{end.measure}.{'high' if end.upper else 'low'}.ticks")
        for holds, bound in end.moved:
            there = (
                exp.LTE(this=column.copy(), expression=_number(bound))
                if end.upper
                else exp.GTE(this=column.copy(), expression=_number(bound))
            )
            column = exp.case().when(exp.or_(_gate(holds).eq(0), there), column).else_(_number(bound))
        return column

    # answers
    def answers(self) -> list[exp.Expr]:
        columns: list[exp.Expr] = [exp.column("patient")]
        aside = exp.case().when(exp.not_(exp.column("wrong").is_(exp.null())), exp.column("wrong"))
        for denial in self.plan.denials:
            aside = aside.when(self.holds(denial.contradicted), exp.Literal.string("GL421"))
        columns.append(aside.as_(SET_ASIDE))
        for advice in self.plan.advice:
            case = reduce(
                lambda c, item: c.when(self.holds(item[1]), exp.Literal.string(item[0].value)),
                advice.statuses.items(),
                exp.case(),
            )
            columns.append(
                case.else_(exp.Literal.string(Status.UNDETERMINED.value)).as_(advice.intervention, quoted=True)
            )
            because = reduce(
                lambda c, number: c.when(self.holds(number), exp.null()), advice.statuses.values(), exp.case()
            )
            if advice.range_only:
                because = because.when(self.holds(advice.range_only), exp.Literal.string(Because.GUIDELINE_RANGE.value))
            columns.append(
                because.else_(exp.Literal.string(Because.MISSING_DATA.value)).as_(
                    advice.intervention + BECAUSE, quoted=True
                )
            )
            columns.append(self.mask([r.gives for r in advice.rules]).as_(advice.intervention + RULES, quoted=True))
        columns.append(exp.cast(exp.column(ASSUMED), "bigint").as_(ASSUMED))
        columns.append(self.mask([d.adds for d in self.plan.denials]).as_(BACKGROUND))
        return columns

    def holds(self, number: int) -> exp.Expr:
        gate = self.gates[number]
        return exp.convert(gate.value) if isinstance(gate, Constant) else _gate(number).eq(1)

    def mask(self, numbers: Sequence[int]) -> exp.Expr:
        total: exp.Expr = exp.cast(exp.Literal.number(0), "bigint")
        for place, number in enumerate(numbers):
            gate = self.gates[number]
            bit = (
                exp.Literal.number(int(gate.value)) if isinstance(gate, Constant) else exp.cast(_gate(number), "bigint")
            )
            total = exp.Add(this=total, expression=exp.Mul(this=bit, expression=exp.Literal.number(1 << place)))
        return total


def _chain(operator: type[exp.Binary], parts: Iterable[exp.Expr]) -> exp.Expr:
    """`a operator b operator c`: one operator a statement, so that none has to bind tighter than another."""
    first, *rest = parts
    return reduce(lambda a, b: operator(this=a, expression=b), rest, first)


def _column(name: str) -> exp.Column:
    return exp.column(name, quoted=True)


def _gate(number: int) -> exp.Column:
    return exp.column(f"g{number}", quoted=True)


def _number(value: int) -> exp.Expr:
    return exp.Literal.number(value) if value >= 0 else exp.paren(exp.Neg(this=exp.Literal.number(-value)))


def _bit(condition: exp.Expr) -> exp.Expr:
    return exp.cast(exp.case().when(condition, exp.Literal.number(1)).else_(exp.Literal.number(0)), "tinyint")
