"""The columns of a wide table -> bits and ticks as SQL, and what is wrong with a row; the beginning of every query.

By the same rules as the columnar reader (`columns`): words, numbers exact to three decimals and within their range,
days, screens closed over what is not listed. Each condition that sets a row aside comes with its code, in order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce

import sqlglot.expressions as exp

from guidelog.language.vocabulary import TICKS_PER_UNIT, Measure, Vocabulary

from ..results.answer_table import ASSUMED
from ..rows.layout import DECIMAL, WRITTEN_DAY, Layout, MeasureColumns
from ..rows.read_columns import COMPLETE, PRESENT

BOOLEAN, TEXT, NUMBER, DATE = "boolean", "text", "number", "date"
"""The kinds of column that the query tells apart."""


class InputQuery:
    """The inputs of a query over one layout of columns."""

    def __init__(self, vocabulary: Vocabulary, layout: Layout, kinds: Mapping[str, str]) -> None:
        self.vocabulary, self.layout, self.kinds = vocabulary, layout, kinds
        self.wrong: list[tuple[exp.Expr, str]] = []

    def base(self, ends: Sequence[tuple[str, bool]], table: exp.Expr) -> exp.Select:
        """Every finding as two bits, every end in ticks, after completed screens; what is wrong with the row."""
        layout = self.layout
        identity = column_of(layout.patient)
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
            columns += [named(bit_of(true), f"{name}.t"), named(bit_of(false), f"{name}.f")]
        for name, upper in ends:
            measure = self.vocabulary.measures[name]
            whole = exp.Literal.number((measure.high if upper else measure.low) * measure.ticks)
            given = measures[name][upper] if name in measures else exp.cast(whole, "bigint", copy=False)
            closed = self.closed(name, measure.screen) if measure.unlisted is not None else None
            if closed is not None and measure.unlisted is not None:
                given = exp.case().when(closed, exp.Literal.number(measure.unlisted * measure.ticks)).else_(given)
            columns.append(named(given, f"{name}.{'high' if upper else 'low'}.ticks"))
        columns.append(self.assumed().as_(ASSUMED, copy=False))
        columns.append(
            reduce(
                lambda c, item: c.when(item[0], exp.Literal.string(item[1]), copy=False), self.wrong, exp.case()
            ).as_("wrong", copy=False)
        )
        return exp.select(*columns, copy=False).from_(table, copy=False)

    def words(self, column: str, meaning: Mapping[str, bool | None], *, wanted: bool) -> exp.Expr:
        """Whether the column says yes, or no; never null."""
        if self.kinds[column] == BOOLEAN:
            value = column_of(column) if wanted else exp.not_(column_of(column))
            return exp.func("COALESCE", value, exp.false())
        chosen = [exp.Literal.string(w) for w, m in meaning.items() if m is wanted]
        return exp.func("COALESCE", column_of(column).isin(*chosen), exp.false())

    def check_words(self, column: str, meaning: Mapping[str, bool | None], code: str) -> None:
        if self.kinds[column] != BOOLEAN:
            known = [exp.Literal.string(w) for w in ("", *meaning)]
            self.wrong.append((exp.not_(exp.func("COALESCE", column_of(column).isin(*known), exp.true())), code))

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
            columns = m.names
        else:
            return None
        return exp.or_(
            *(
                exp.not_(column_of(c).is_(exp.null()))
                if self.kinds[c] != TEXT
                else exp.func("COALESCE", exp.NEQ(this=column_of(c), expression=exp.Literal.string("")), exp.false())
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
                exp.GTE(this=number.copy(), expression=number_of(measure.low)),
                exp.LTE(this=number.copy(), expression=number_of(measure.high)),
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
                    exp.not_(number.copy().is_(exp.null())), exp.not_(column_of(columns.value).is_(exp.null()))
                )
                self.wrong.append((both, "GL415"))
        if "value" in given:
            low, high = exp.func("COALESCE", given["value"], low), exp.func("COALESCE", given["value"].copy(), high)
        low = exp.func("COALESCE", given["low"], low) if "low" in given else low
        high = exp.func("COALESCE", given["high"], high) if "high" in given else high
        if columns.since is not None and self.layout.as_of is not None:
            low, high = self.since(measure, columns, low, high)
        self.wrong.append((exp.GT(this=low.copy(), expression=high.copy()), "GL415"))
        return low, high

    def since(
        self, measure: Measure, columns: MeasureColumns, low: exp.Expr, high: exp.Expr
    ) -> tuple[exp.Expr, exp.Expr]:
        """Counted in days from a start up to `as_of`; the start may be known to lie between two days only."""
        assert columns.since is not None
        assert self.layout.as_of is not None
        start, today = self.day(columns.since), self.day(self.layout.as_of)
        there, last = exp.not_(start.copy().is_(exp.null())), start
        if columns.since_last is not None:
            until = self.day(columns.since_last)
            alone = exp.and_(exp.not_(until.copy().is_(exp.null())), exp.not_(there.copy()))
            self.wrong.append((alone, "GL415"))
            self.wrong.append((_surely(exp.LT(this=until.copy(), expression=start.copy())), "GL415"))
            last = exp.func("COALESCE", until.copy(), start.copy())
        self.wrong.append((exp.and_(there, today.copy().is_(exp.null())), "GL418"))
        self.wrong.append((_surely(exp.GT(this=last.copy(), expression=today.copy())), "GL418"))
        others = [c for c in (columns.value, columns.low, columns.high) if c is not None]
        if others:
            listed = exp.or_(*(exp.not_(column_of(c).is_(exp.null())) for c in others))
            self.wrong.append((exp.and_(there.copy(), listed), "GL415"))
        least, most = (self.ticks_from(day, today) for day in (last, start))
        inside = exp.and_(
            exp.GTE(this=least.copy(), expression=number_of(measure.low * measure.ticks)),
            exp.LTE(this=most.copy(), expression=number_of(measure.high * measure.ticks)),
        )
        self.wrong.append((exp.not_(exp.func("COALESCE", inside, exp.true())), "GL416"))
        return exp.func("COALESCE", least, low), exp.func("COALESCE", most, high)

    def ticks_from(self, start: exp.Expr, today: exp.Expr) -> exp.Expr:
        days = exp.DateDiff(this=today.copy(), expression=start.copy(), unit=exp.var("DAY"))
        return exp.Mul(this=exp.cast(days, "bigint", copy=False), expression=exp.Literal.number(TICKS_PER_UNIT["day"]))

    def number(self, column: str) -> exp.Expr:
        if self.kinds[column] == TEXT:
            decimal = exp.RegexpLike(this=column_of(column), expression=exp.Literal.string(DECIMAL))
            fine = exp.or_(decimal, column_of(column).isin(exp.Literal.string(""), exp.Literal.string("unknown")))
            self.wrong.append((exp.not_(exp.func("COALESCE", fine, exp.true())), "GL415"))
            return exp.case().when(decimal.copy(), exp.cast(column_of(column), "double"))
        return exp.cast(column_of(column), "double")

    def day(self, column: str) -> exp.Expr:
        if self.kinds[column] != TEXT:
            return exp.cast(column_of(column), "date")
        shape = exp.RegexpLike(this=column_of(column), expression=exp.Literal.string(WRITTEN_DAY))
        found = exp.case().when(shape, exp.TryCast(this=column_of(column), to=exp.DataType.build("date"), safe=True))
        listed = exp.func("COALESCE", exp.NEQ(this=column_of(column), expression=exp.Literal.string("")), exp.false())
        self.wrong.append((exp.and_(listed, found.copy().is_(exp.null())), "GL417"))
        return found


def column_of(name: str) -> exp.Column:
    """A column by its name, quoted."""
    return exp.column(name, quoted=True)


def named(expression: exp.Expr, name: str) -> exp.Expr:
    """An expression as a column. Nothing is copied here or elsewhere: large cases would be, again and again."""
    return exp.alias_(expression, name, quoted=True, copy=False)


def number_of(value: int) -> exp.Expr:
    """A whole number, in brackets where it is negative."""
    return exp.Literal.number(value) if value >= 0 else exp.paren(exp.Neg(this=exp.Literal.number(-value)))


def bit_of(condition: exp.Expr) -> exp.Expr:
    """A condition as 1 or 0."""
    case = exp.case().when(condition, exp.Literal.number(1), copy=False)
    return exp.cast(case.else_(exp.Literal.number(0), copy=False), "tinyint", copy=False)


def _surely(condition: exp.Expr) -> exp.Expr:
    return exp.func("COALESCE", condition, exp.false())
