"""The columns of a wide table -> bits and ticks as SQL, and what is wrong with a row; the beginning of every query.

By the same rules as the columnar reader, literally: `row_rules` has each rule once, and here is what a cell replies to
it in SQL. Replies are never null, so that `NOT` means what it says. Each rule that sets a row aside comes with its
code, in order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce

import sqlglot.expressions as exp

from guidelog.language.vocabulary import TICKS_PER_UNIT, Measure, Vocabulary

from ..results.answer_table import ASSUMED
from ..rows.column_types import Kind
from ..rows.layout import Layout, MeasureColumns
from ..rows.row_rules import (
    ANY_DECIMAL,
    COMPLETE,
    DAY_RULES,
    DECIMAL,
    FINDING_RULES,
    ID_RULES,
    LAST_RULES,
    MEASURE_RULES,
    MOST,
    NUMBER_RULES,
    PLAIN_ID,
    PRESENT,
    SCREEN_RULES,
    SINCE_RULES,
    UNKNOWN,
    WRITTEN_DAY,
    Rule,
    whole,
)

_THOUSAND = 1000


class InputQuery:
    """The inputs of a query over one layout of columns."""

    def __init__(self, vocabulary: Vocabulary, layout: Layout, kinds: Mapping[str, Kind]) -> None:
        self.vocabulary, self.layout, self.kinds = vocabulary, layout, kinds
        self.wrong: list[tuple[exp.Expr, str]] = []
        self.today = None if layout.as_of is None else _Day(layout.as_of, kinds[layout.as_of])

    def base(self, ends: Sequence[tuple[str, bool]], table: exp.Expr) -> exp.Select:
        """Every finding as two bits, every end in ticks, after completed screens; what is wrong with the row."""
        layout = self.layout
        columns: list[exp.Expr] = [column_of(layout.patient).as_("patient")]
        self.judge(ID_RULES, _Id(layout.patient, self.kinds[layout.patient]))
        if self.today is not None:
            self.judge(DAY_RULES, self.today)
        for name in layout.findings:
            self.judge(FINDING_RULES, self.word(name, PRESENT))
        measures = {name: self.measure(self.vocabulary.measures[name], c) for name, c in layout.measures.items()}
        for name in layout.screens:
            self.judge(SCREEN_RULES, self.word(name, COMPLETE))
        for name, finding in self.vocabulary.findings.items():
            true, false = self.finding(name, finding.screen)
            columns += [named(bit_of(true), f"{name}.t"), named(bit_of(false), f"{name}.f")]
        for name, upper in ends:
            measure = self.vocabulary.measures[name]
            given = measures[name][upper] if name in measures else exp.cast(_end(measure, upper=upper), "bigint")
            closed = self.closed(name, measure.screen) if measure.unlisted is not None else None
            if closed is not None and measure.unlisted is not None:
                given = exp.case().when(closed, number_of(measure.unlisted * measure.ticks)).else_(given)
            columns.append(named(given, f"{name}.{'high' if upper else 'low'}.ticks"))
        columns.append(self.assumed().as_(ASSUMED, copy=False))
        columns.append(
            reduce(
                lambda c, item: c.when(item[0], exp.Literal.string(item[1]), copy=False), self.wrong, exp.case()
            ).as_("wrong", copy=False)
        )
        return exp.select(*columns, copy=False).from_(table, copy=False)

    def judge(self, rules: Sequence[Rule], cells: object) -> None:
        """Note when a row is set aside by these rules; those that cannot be broken are left out."""
        for rule in rules:
            broken = rule.broken(cells)
            condition = broken.condition if isinstance(broken, _Truth) else broken
            if not _is(condition, value=False):
                self.wrong.append((condition, rule.code))

    def word(self, column: str, meaning: Mapping[str, bool | None]) -> _Word:
        return _Word(column, self.kinds[column], meaning)

    def finding(self, name: str, screen: str | None) -> tuple[exp.Expr, exp.Expr]:
        """Whether a finding is present, and whether it is absent, if only by a completed screen."""
        closed = self.closed(name, screen)
        if name not in self.layout.findings:
            return exp.false(), exp.false() if closed is None else closed
        word = self.word(name, PRESENT)
        if closed is None:
            return word.says(True), word.says(False)
        if word.kind is Kind.BOOLEAN:  # what is not listed is null: so the same is said in one step
            complete = self.word(str(screen), COMPLETE).says(True)
            return word.says(True), exp.func("COALESCE", exp.not_(word.column), complete)
        return word.says(True), exp.or_(word.says(False), closed)

    def closed(self, name: str, screen: str | None) -> exp.Expr | None:
        """The screen is complete and does not list this; None when that cannot be."""
        if screen is None or screen not in self.layout.screens:
            return None
        complete = self.word(screen, COMPLETE).says(True)
        listed = self.listed(name)
        finding = self.vocabulary.findings.get(name)
        implied = (
            [self.word(n, PRESENT).says(True) for n in finding.implied_by if n in self.layout.findings]
            if finding
            else []
        )
        without = [exp.not_(condition) for condition in (*([listed] if listed is not None else []), *implied)]
        return exp.and_(complete, *without) if without else complete

    def listed(self, name: str) -> exp.Expr | None:
        if name in self.layout.findings:
            columns = [name]
        elif name in self.layout.measures:
            columns = [c for c in self.layout.measures[name].names if c != self.layout.measures[name].since_last]
        else:
            return None
        return exp.or_(*(_Cell(c, self.kinds[c]).listed.condition for c in columns))

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
        cells = _Measure(measure, columns, self.kinds, self.today)
        for column in (cells.value, cells.low, cells.high):
            if isinstance(column, _Number):
                self.judge(NUMBER_RULES, column)
        if columns.low is not None or columns.high is not None:
            self.judge(MEASURE_RULES, cells)
        if columns.since is not None and self.today is not None:
            for day in (cells.since, cells.last) if columns.since_last is not None else (cells.since,):
                self.judge(DAY_RULES, day)
            self.judge((*LAST_RULES, *SINCE_RULES) if columns.since_last is not None else SINCE_RULES, cells)
        return cells.ends()


class _Truth:
    """A condition that is never null, with the operators that rules are written in."""

    def __init__(self, condition: exp.Expr) -> None:
        self.condition = condition

    def __and__(self, other: _Truth) -> _Truth:
        if _is(self.condition, value=False) or _is(other.condition, value=True):
            return self
        if _is(other.condition, value=False) or _is(self.condition, value=True):
            return other
        return _Truth(exp.and_(self.condition, other.condition))

    def __or__(self, other: _Truth) -> _Truth:
        return (
            ~(~self & ~other)
            if _known(self.condition, other.condition)
            else _Truth(exp.or_(self.condition, other.condition))
        )

    def __invert__(self) -> _Truth:
        if isinstance(self.condition, exp.Boolean):
            return _Truth(exp.convert(not self.condition.this))
        return _Truth(exp.not_(self.condition))


_YES, _NO = _Truth(exp.true()), _Truth(exp.false())


def _is(condition: exp.Expr, *, value: bool) -> bool:
    return isinstance(condition, exp.Boolean) and condition.this is value


def _known(*conditions: exp.Expr) -> bool:
    return any(isinstance(condition, exp.Boolean) for condition in conditions)


def _surely(condition: exp.Expr) -> _Truth:
    return _Truth(exp.func("COALESCE", condition, exp.false()))


class _Cell:
    def __init__(self, column: str, kind: Kind) -> None:
        self.name, self.kind = column, kind

    @property
    def column(self) -> exp.Expr:
        return column_of(self.name)

    @property
    def listed(self) -> _Truth:
        if self.kind is Kind.EMPTY:
            return _NO
        if self.kind is Kind.TEXT:
            return _surely(exp.NEQ(this=self.column, expression=exp.Literal.string("")))
        return _Truth(exp.not_(self.column.is_(exp.null())))

    def matches(self, pattern: str) -> _Truth:
        return _surely(exp.RegexpLike(this=self.column, expression=exp.Literal.string(pattern)))


class _Id(_Cell):
    @property
    def strange(self) -> _Truth:
        return self.listed & ~self.matches(whole(PLAIN_ID)) if self.kind is Kind.TEXT else _NO


class _Word(_Cell):
    def __init__(self, column: str, kind: Kind, meaning: Mapping[str, bool | None]) -> None:
        super().__init__(column, kind)
        self.meaning = meaning

    @property
    def word(self) -> _Truth:
        return self.among(self.meaning) if self.kind is Kind.TEXT else _YES

    def says(self, wanted: bool) -> exp.Expr:
        """Whether the cell says yes, or no; never null."""
        if self.kind is Kind.BOOLEAN:
            return _surely(self.column if wanted else exp.not_(self.column)).condition
        if self.kind is Kind.EMPTY:
            return exp.false()
        return self.among([w for w, m in self.meaning.items() if m is wanted]).condition

    def among(self, words: Sequence[str] | Mapping[str, bool | None]) -> _Truth:
        return _surely(self.column.isin(*(exp.Literal.string(w) for w in words)))


class _Number(_Cell):
    """A number of a measure, as in `read_columns`."""

    def __init__(self, column: str, kind: Kind, measure: Measure) -> None:
        super().__init__(column, kind)
        self.measure = measure

    @property
    def unknown(self) -> _Truth:
        if self.kind is not Kind.TEXT:
            return _NO
        return _surely(exp.EQ(this=self.column, expression=exp.Literal.string(UNKNOWN)))

    @property
    def number(self) -> _Truth:
        if self.kind is Kind.TEXT:
            return self.matches(whole(ANY_DECIMAL))
        if self.kind in (Kind.FLOAT, Kind.SINGLE):  # in SQL what is not a number is larger than all numbers
            return _surely(_between(self.column, -MOST, MOST))
        return self.listed

    @property
    def inside(self) -> _Truth:
        return _surely(_between(self.value, self.measure.low, self.measure.high))

    @property
    def exact(self) -> _Truth:
        if self.kind is Kind.TEXT:
            return self.matches(whole(DECIMAL))
        if self.kind is Kind.DECIMAL:
            rounded = exp.func("ROUND", self.column, exp.Literal.number(3))
            return _surely(exp.EQ(this=rounded, expression=self.column))
        return _YES

    @property
    def value(self) -> exp.Expr:
        """The number, or null."""
        if self.kind is Kind.TEXT:
            return exp.case().when(self.number.condition, exp.cast(self.column, "double"))
        return exp.cast(self.column, "double")

    def ticks(self, *, upper: bool) -> exp.Expr:
        """An end in ticks, or null; of a binary number between two thousandths, the one below or above."""
        fits = exp.and_(self.number.condition, self.inside.condition)
        if self.kind is Kind.WHOLE:
            return exp.case().when(fits, _times(exp.cast(self.column, "bigint"), self.measure.ticks))
        product = _times(self.value, _THOUSAND)
        nearest = exp.func("ROUND", product)
        if self.kind not in (Kind.FLOAT, Kind.SINGLE):
            return self.in_ticks(exp.case().when(fits, nearest))
        same: exp.Expr = exp.Div(this=nearest.copy(), expression=exp.Literal.number("1000.0e0"), typed=False)
        again = exp.cast(same.copy(), "float") if self.kind is Kind.SINGLE else same
        exact = exp.EQ(this=again, expression=self.column)
        further = (exp.GT if upper else exp.LT)(this=self.value, expression=same.copy())
        beside = (exp.Add if upper else exp.Sub)(this=nearest.copy(), expression=exp.Literal.number(1))
        found = exp.case().when(exp.and_(fits, exp.not_(exact), further), beside).when(fits.copy(), nearest.copy())
        return self.in_ticks(found)

    def in_ticks(self, thousandths: exp.Expr) -> exp.Expr:
        return _times(exp.cast(thousandths, "bigint"), self.measure.ticks // _THOUSAND)


class _Day(_Cell):
    @property
    def day(self) -> _Truth:
        found = _surely(_between(self.date, "0001-01-01", "9999-12-31"))
        if self.kind is Kind.TIMESTAMP:
            midnight = exp.EQ(this=exp.cast(self.date, "timestamp"), expression=exp.cast(self.column, "timestamp"))
            return found & _surely(midnight)
        return found

    @property
    def date(self) -> exp.Expr:
        """The day, or null."""
        if self.kind is not Kind.TEXT:
            return exp.cast(self.column, "date")
        written = self.matches(whole(WRITTEN_DAY)).condition
        return exp.case().when(written, exp.TryCast(this=self.column, to=exp.DataType.build("date"), safe=True))

    def before(self, other: _Day | _Nothing) -> _Truth:
        if isinstance(other, _Nothing):
            return _NO
        return self.day & other.day & _surely(exp.LT(this=self.date, expression=other.date))


class _Nothing:
    """A column that is not there."""

    listed = number = day = _NO

    def before(self, other: object) -> _Truth:
        del other
        return _NO


class _Measure:
    """All columns of a measure, and the day of the row; those that are not there hold nothing."""

    def __init__(
        self, measure: Measure, columns: MeasureColumns, kinds: Mapping[str, Kind], today: _Day | None
    ) -> None:
        def number(column: str | None) -> _Number | _Nothing:
            return _Nothing() if column is None else _Number(column, kinds[column], measure)

        self.declared = measure
        self.value, self.low, self.high = number(columns.value), number(columns.low), number(columns.high)
        self.since: _Day | _Nothing = _Nothing()
        self.last: _Day | _Nothing = _Nothing()
        self.today: _Day | _Nothing = today or _Nothing()
        if columns.since is not None and today is not None:
            self.since = _Day(columns.since, kinds[columns.since])
            self.last = self.since
            if columns.since_last is not None:
                self.last = _Day(columns.since_last, kinds[columns.since_last])

    @property
    def crossed(self) -> _Truth:
        if not isinstance(self.low, _Number) or not isinstance(self.high, _Number):
            return _NO
        low, high = self.low.ticks(upper=False), self.high.ticks(upper=True)
        return self.low.number & self.high.number & _surely(exp.GT(this=low, expression=high))

    @property
    def fits(self) -> _Truth:
        if not isinstance(self.since, _Day) or not isinstance(self.today, _Day):
            return _YES
        inside = exp.and_(
            exp.GTE(this=self.counted(upper=False), expression=_end(self.declared, upper=False)),
            exp.LTE(this=self.counted(upper=True), expression=_end(self.declared, upper=True)),
        )
        return ~(self.since.day & self.today.day) | _surely(inside)

    def counted(self, *, upper: bool) -> exp.Expr:
        """An end of the time from the start to the day of the row, in ticks, or null."""
        assert isinstance(self.since, _Day)
        assert isinstance(self.today, _Day)
        start = self.since.date
        if not upper and isinstance(self.last, _Day) and self.last is not self.since:
            start = exp.func("COALESCE", self.last.date, start)
        days = exp.DateDiff(this=self.today.date, expression=start, unit=exp.var("DAY"))
        return _times(exp.cast(days, "bigint", copy=False), TICKS_PER_UNIT["day"])

    def ends(self) -> tuple[exp.Expr, exp.Expr]:
        """Both ends in ticks, the whole range where nothing is given."""
        found: list[exp.Expr] = []
        for upper, bound in ((False, self.low), (True, self.high)):
            parts = [self.counted(upper=upper)] if isinstance(self.since, _Day) else []
            parts += [c.ticks(upper=upper) for c in (bound, self.value) if isinstance(c, _Number)]
            found.append(exp.func("COALESCE", *parts, exp.cast(_end(self.declared, upper=upper), "bigint")))
        low, high = found
        return low, high


def _end(measure: Measure, *, upper: bool) -> exp.Expr:
    return number_of((measure.high if upper else measure.low) * measure.ticks)


def _between(value: exp.Expr, low: int | str, high: int | str) -> exp.Expr:
    ends = [
        exp.cast(exp.Literal.string(end), "date") if isinstance(end, str) else number_of(end) for end in (low, high)
    ]
    return exp.and_(exp.GTE(this=value, expression=ends[0]), exp.LTE(this=value.copy(), expression=ends[1]), copy=False)


def _times(value: exp.Expr, factor: int) -> exp.Expr:
    return exp.Mul(this=exp.paren(value), expression=exp.Literal.number(factor))


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
    """A condition that is never null as 1 or 0."""
    return exp.cast(condition, "tinyint", copy=False)
