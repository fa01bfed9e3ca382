"""A circuit of bits: inputs, comparisons, AND, OR, shared wherever two parts are the same.

A three-valued value is a *pair* of bits, known to be true and known to be false. AND and OR then work on each bit alone
and negation only swaps them, so a whole stratified program is monotone gates over the inputs. Gates are numbered, and
look at smaller numbers only: going through them in order is evaluation. Nothing here evaluates, and nothing here knows
rules or patients.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

FALSE, TRUE = 0, 1
"""The numbers of the two constant gates."""

Pair: TypeAlias = tuple[int, int]
"""Two gates: known to be true, known to be false."""

YES: Pair = (TRUE, FALSE)
NO: Pair = (FALSE, TRUE)


@dataclass(frozen=True, slots=True)
class Constant:
    """A bit that is the same for everyone."""

    value: bool


@dataclass(frozen=True, slots=True)
class Known:
    """The finding is known to be present (`value`), or known to be absent."""

    name: str
    value: bool


@dataclass(frozen=True, slots=True)
class End:
    """An end of a measure's interval, in ticks; `moved` are bounds that apply where their gate holds."""

    measure: str
    upper: bool
    moved: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Reaches:
    """`sum of coefficient * end >= bound`."""

    terms: tuple[tuple[int, End], ...]
    bound: int


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds."""

    parts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Any:
    """Some part holds."""

    parts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold. Only in what is reported (`possible` is not known to be false), never in a rule."""

    part: int


Gate: TypeAlias = Constant | Known | Reaches | All | Any | Not


@dataclass(frozen=True, slots=True)
class Circuit:
    """Gates in order of evaluation; 0 and 1 are the constants."""

    gates: tuple[Gate, ...]

    def needed(self, outputs: Iterable[int]) -> list[int]:
        """The gates that the outputs depend on, themselves included, in order."""
        wanted = set(outputs)
        for number in range(max(wanted, default=-1), -1, -1):
            if number in wanted:
                wanted.update(looks_at(self.gates[number]))
        return sorted(wanted)


def looks_at(gate: Gate) -> Iterator[int]:
    """The gates that a gate looks at."""
    match gate:
        case All(parts) | Any(parts):
            yield from parts
        case Not(part):
            yield part
        case Reaches(terms):
            for _, end in terms:
                for holds, _ in end.moved:
                    yield holds
        case Constant() | Known():
            return


@dataclass
class Builder:
    """Makes a circuit; equal gates are made once, constants and repeated parts are folded away."""

    gates: list[Gate] = field(default_factory=lambda: [Constant(False), Constant(True)])
    numbers: dict[Gate, int] = field(default_factory=lambda: {Constant(False): FALSE, Constant(True): TRUE})

    def add(self, gate: Gate) -> int:
        """The number of a gate."""
        number = self.numbers.get(gate)
        if number is None:
            number = self.numbers[gate] = len(self.gates)
            self.gates.append(gate)
        return number

    def circuit(self) -> Circuit:
        """All gates so far."""
        return Circuit(tuple(self.gates))

    def all(self, parts: Iterable[int]) -> int:
        """Every part holds."""
        left = sorted(set(parts) - {TRUE})
        if FALSE in left:
            return FALSE
        if len(left) < 2:
            return left[0] if left else TRUE
        kept = self._without_implied(left, Any)
        return kept[0] if len(kept) == 1 else self.add(All(tuple(kept)))

    def any(self, parts: Iterable[int]) -> int:
        """Some part holds."""
        left = sorted(set(parts) - {FALSE})
        if TRUE in left:
            return TRUE
        if len(left) < 2:
            return left[0] if left else FALSE
        kept = self._without_implied(left, All)
        return kept[0] if len(kept) == 1 else self.add(Any(tuple(kept)))

    def complement(self, part: int) -> int:
        """The part does not hold."""
        if part in (FALSE, TRUE):
            return TRUE - part
        gate = self.gates[part]
        return gate.part if isinstance(gate, Not) else self.add(Not(part))

    def reaches(self, terms: Sequence[tuple[int, End]], bound: int) -> int:
        """`sum of coefficient * end >= bound`."""
        if not terms:
            return TRUE if bound <= 0 else FALSE
        return self.add(Reaches(tuple(terms), bound))

    def at_least(self, count: int, parts: Sequence[int]) -> int:
        """`count` or more of the parts hold: at most `count * len(parts)` pairs of gates."""
        rows = [TRUE] + [FALSE] * max(count, 0)  # rows[k]: k or more of the parts seen so far
        for part in parts:
            rows = [TRUE] + [self.any((rows[k], self.all((part, rows[k - 1])))) for k in range(1, len(rows))]
        return rows[-1] if count > 0 else TRUE

    def both(self, pairs: Sequence[Pair]) -> Pair:
        """Three-valued AND."""
        return self.all(t for t, _ in pairs), self.any(f for _, f in pairs)

    def either(self, pairs: Sequence[Pair]) -> Pair:
        """Three-valued OR."""
        return self.any(t for t, _ in pairs), self.all(f for _, f in pairs)

    def agree(self, first: Pair, second: Pair) -> Pair:
        """Known only where both are known and the same: a threshold that is a range."""
        return self.all((first[0], second[0])), self.all((first[1], second[1]))

    def _without_implied(self, parts: list[int], kind: type[All | Any]) -> list[int]:
        """`x or (x and y)` is `x`, and the other way round."""
        present = set(parts)
        return [p for p in parts if not (isinstance(g := self.gates[p], kind) and not present.isdisjoint(g.parts))]
