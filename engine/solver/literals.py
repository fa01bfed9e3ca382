"""Boolean definitions for clingo, shared where they are the same.

A literal is a number, its negation the negative number. Equal definitions give equal literals, so two versions of a
guideline share all that they have in common without anybody comparing them. Definitions that depend on themselves are
made with `define`, and clingo gives them their least meaning. `solve` answers one question under assumptions; nothing
is loaded twice.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import clingo
from clingo import TruthValue
from clingo.backend import HeuristicType
from clingodl import ClingoDLTheory

LONGEST_SHRINKING = 5.0
"""Seconds to look for a smaller patient once there is one."""


EASY = "2000"
"""Conflicts within which a question is answered without looking at the clock."""


class Found(Enum):
    """The outcome of a search."""

    MODEL = "model"
    NONE = "none"
    UNDECIDED = "undecided"


@dataclass
class Budget:
    """Seconds that may be spent in all; None is no limit."""

    seconds: float | None = None
    started: float = field(default_factory=time.monotonic)

    def left(self) -> float | None:
        """Seconds that are left, at least 0."""
        return None if self.seconds is None else max(0.0, self.seconds - (time.monotonic() - self.started))

    def half(self) -> Budget:
        """Half of what is left, for a search whose result takes time to confirm."""
        left = self.left()
        return Budget(None if left is None else left / 2)

    @property
    def spent(self) -> bool:
        """Whether nothing is left."""
        return self.left() == 0.0


@dataclass(frozen=True)
class Truth:
    """The literals that are true in a model; `best` when no cheaper model exists."""

    atoms: frozenset[int]
    best: bool

    def __call__(self, literal: int) -> bool:
        return (abs(literal) in self.atoms) == (literal > 0)

    def among(self, literals: AbstractSet[int]) -> set[int]:
        """Those of some literals that hold."""
        return {*(literals & self.atoms), *(x for x in literals if x < 0 and -x not in self.atoms)}


class Literals:
    """Definitions and choices, and one clingo control that knows them."""

    def __init__(self, *, wishes: bool = False) -> None:
        self.control = clingo.Control(["--warn=none", f"--heuristic={'Domain' if wishes else 'Vsids'}"])
        self._open: Any = None
        self._gates: dict[tuple[Any, ...], int] = {}
        self._shown: set[int] = set()
        self._twins: dict[int, int] = {}
        self._differences: Any = None
        self._terms: dict[str | int, int] = {}
        self.numbers: dict[tuple[Any, ...], tuple[str, str]] = {}
        self.size = 0
        self.true = self.atom()
        self._rule([self.true], [])

    # building
    @property
    def false(self) -> int:
        """The literal that never holds."""
        return -self.true

    def _backend(self) -> Any:
        if self._open is None:
            self._open = self.control.backend()
            self._open.__enter__()
        return self._open

    def _close(self) -> None:
        if self._open is not None:
            self._open.__exit__(None, None, None)
            self._open = None

    def _rule(self, head: Sequence[int], body: Sequence[int], *, choice: bool = False) -> None:
        self._backend().add_rule(head, body, choice)
        self.size += 1

    def atom(self) -> int:
        """A new atom, false until something defines it."""
        number: int = self._backend().add_atom()
        return number

    def choice(self) -> int:
        """A new atom that may be true or false."""
        number = self.atom()
        self._rule([number], [], choice=True)
        return number

    def define(self, head: int, body: Iterable[int]) -> None:
        """One more way in which an atom becomes true."""
        kept = self._folded(body)
        if kept is not None:
            self._rule([head], kept)

    def forbid(self, *literals: int) -> None:
        """No model has all of these."""
        kept = self._folded(literals)
        if kept is not None:
            self._rule([], kept)

    def both(self, *literals: int) -> int:
        """All of them hold."""
        kept = self._folded(literals)
        if kept is None:
            return self.false
        if len(kept) == 1:
            return kept[0]
        return self.true if not kept else self._gate(("all", *kept), [kept])

    def any(self, *literals: int) -> int:
        """At least one of them holds."""
        kept = self._folded(-literal for literal in literals)
        if kept is None:
            return self.true
        if len(kept) == 1:
            return -kept[0]
        return self.false if not kept else self._gate(("any", *kept), [[-literal] for literal in kept])

    def at_least(self, count: int, literals: Iterable[int]) -> int:
        """`count` or more of them hold."""
        weights: dict[int, int] = {}
        for literal in literals:
            if literal == self.true:
                count -= 1
            elif literal != self.false:
                weights[literal] = weights.get(literal, 0) + 1
        if count <= 0:
            return self.true
        if sum(weights.values()) < count:
            return self.false
        key = ("count", count, *sorted(weights.items()))
        if key not in self._gates:
            self._gates[key] = number = self.atom()
            self._backend().add_weight_rule([number], count, sorted(weights.items()))
            self.size += 1
        return self._gates[key]

    def _gate(self, key: tuple[Any, ...], bodies: Iterable[Sequence[int]]) -> int:
        if key not in self._gates:
            self._gates[key] = number = self.atom()
            for body in bodies:
                self._rule([number], body)
        return self._gates[key]

    def _folded(self, literals: Iterable[int]) -> list[int] | None:
        """Sorted, each once, without what always holds; None when they cannot hold together."""
        kept = set(literals)
        kept.discard(self.true)
        if self.false in kept or any(-literal in kept for literal in kept):
            return None
        return sorted(kept)

    def cost(self, level: int, weights: Iterable[tuple[int, int]]) -> None:
        """What `solve(best=True)` makes small, higher levels first."""
        self._backend().add_minimize(level, list(weights))

    def wish(self, literal: int, *, weight: int, when: int) -> None:
        """Try to make an atom true before those of less weight, as long as `when` holds.

        Only a circuit made with `wishes` heeds it.
        """
        self._backend().add_heuristic(
            abs(literal), HeuristicType.True_ if literal > 0 else HeuristicType.False_, weight, weight, [when]
        )

    def at_most(self, literal: int, plus: str | None, minus: str | None, most: int) -> None:
        """`literal` says of two whole numbers, known by name, that `plus - minus <= most`; a missing one is 0.

        Numbers that contradict each other are seen while clingo searches (clingo-dl), not model by model.
        """
        if literal == self.false:
            return
        if self._differences is None:
            self._differences = ClingoDLTheory()  # type: ignore[no-untyped-call]
            self._differences.register(self.control)
        holds = self.atom()
        self.define(holds, [literal])
        backend = self._backend()
        operands = [self._term(0 if name is None else name) for name in (plus, minus)]
        difference = backend.add_theory_term_function("-", operands)
        name = self._term("__diff_h")
        element = backend.add_theory_element([difference], [])
        backend.add_theory_atom_with_guard(name, [element], "<=", self._term(most), holds)

    def _term(self, value: str | int) -> int:
        if value not in self._terms:
            backend = self._backend()
            make = backend.add_theory_term_number if isinstance(value, int) else backend.add_theory_term_string
            self._terms[value] = make(value)
        return self._terms[value]

    def switch(self) -> int:
        """An atom that is set from outside, on at first."""
        number = self.atom()
        self._backend().add_external(number, TruthValue.True_)
        return number

    def turn_off(self, switch: int) -> None:
        """Set a switch off for good."""
        self._backend().add_external(switch, TruthValue.False_)

    def watch(self, literals: Iterable[int]) -> None:
        """Atoms whose truth models are to keep.

        Each gets a named twin, because clingo lists the named atoms that are true in one call, and asking for the
        truth of thousands one by one took longer than the search. A twin is known by the hash of its name, which no
        other twin has: reading all the names took longer than the search as well.
        """
        for number in map(abs, literals):
            if number not in self._shown:
                name = clingo.Function(f"a{number}")
                while hash(name) in self._twins:
                    name = clingo.Function(f"{name.name}_")
                self._shown.add(number)
                self._twins[hash(name)] = number
                self._rule([self._backend().add_atom(name)], [number])

    # solving
    def solve(
        self, assumptions: Iterable[int], budget: Budget, *, best: bool = False, conflicts: int | None = None
    ) -> tuple[Found, Truth | None]:
        """A model in which all assumptions hold, or that there is none, or that the budget did not last.

        With `best` the cheapest model, or, when the budget or `LONGEST_SHRINKING` ends first, the cheapest that was
        found. With `conflicts` the search gives up after so many. The model keeps what is watched.
        """
        self._close()
        if self._differences is not None:
            self._differences.prepare(self.control)
        if budget.spent:
            return Found.UNDECIDED, None
        configuration: Any = self.control.configuration
        configuration.solve.opt_mode = "opt" if best else "ignore"
        configuration.solve.models = 0 if best else 1
        assumed = list(assumptions)
        truth: Truth | None = None
        if not best:  # most questions are easy, and a thread for each would take longer than the answer
            configuration.solve.solve_limit = EASY if conflicts is None else str(conflicts)
            with self.control.solve(assumed, yield_=True) as handle:
                model = handle.model()
                if model is not None:
                    return Found.MODEL, self._truth(model)
                if handle.get().unsatisfiable:
                    return Found.NONE, None
            if conflicts is not None:
                return Found.UNDECIDED, None
        configuration.solve.solve_limit = "umax"
        until = time.monotonic() + LONGEST_SHRINKING
        with self.control.solve(assumed, yield_=True, async_=True) as handle:
            while True:
                handle.resume()
                left = budget.left()
                if truth is not None:
                    shrinking = max(0.0, until - time.monotonic())
                    left = shrinking if left is None else min(left, shrinking)
                if not handle.wait(left):
                    handle.cancel()
                    return (Found.UNDECIDED, None) if truth is None else (Found.MODEL, truth)
                model = handle.model()
                if model is None:
                    break
                truth = self._truth(model)
                if not best:
                    return Found.MODEL, truth
            result = handle.get()
        if truth is not None:
            return Found.MODEL, Truth(truth.atoms, True)
        return (Found.NONE, None) if result.unsatisfiable else (Found.UNDECIDED, None)

    def _truth(self, model: clingo.Model) -> Truth:
        """The watched atoms that are true in a model."""
        return Truth(frozenset(self._twins[hash(s)] for s in model.symbols(atoms=True)), model.optimality_proven)
