"""Boolean functions as reduced ordered binary decision diagrams (Bryant 1986), small and bounded.

A function is a number; 0 is false and 1 is true; equal functions have equal numbers. Variables are numbers and are
tested in ascending order. A `Diagrams` holds the nodes of one question and is thrown away with it. Recursion is as
deep as there are variables.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

Node: TypeAlias = tuple[int, int, int]
"""The variable that is tested, and the functions where it is false and where it is true."""

FALSE, TRUE = 0, 1
_LAST = 1 << 30


class TooLarge(Exception):
    """The functions need more nodes than allowed."""


class Diagrams:
    """A store of nodes `(variable, low, high)`. Raises TooLarge beyond `limit` nodes."""

    def __init__(self, limit: int = 100_000) -> None:
        self._nodes: list[Node] = [(_LAST, 0, 0), (_LAST, 1, 1)]
        self._unique: dict[Node, int] = {}
        self._memo: dict[tuple[int, int, int], int] = {}
        self._limit = limit

    @property
    def nodes(self) -> Sequence[Node]:
        """All nodes so far; those of the two constants are no tests."""
        return self._nodes

    def variable(self, number: int) -> int:
        """The function that is one variable."""
        return self._node(number, FALSE, TRUE)

    def negate(self, f: int) -> int:
        """Not f."""
        return self._choose(f, FALSE, TRUE)

    def both(self, f: int, g: int) -> int:
        """F and g."""
        return self._choose(f, g, FALSE)

    def either(self, f: int, g: int) -> int:
        """F or g."""
        return self._choose(f, TRUE, g)

    def all(self, functions: Iterable[int]) -> int:
        """The conjunction."""
        result = TRUE
        for f in functions:
            result = self.both(result, f)
            if result == FALSE:
                break
        return result

    def any(self, functions: Iterable[int]) -> int:
        """The disjunction."""
        result = FALSE
        for f in functions:
            result = self.either(result, f)
            if result == TRUE:
                break
        return result

    def at_least(self, count: int, functions: Iterable[int]) -> int:
        """True where `count` or more of the functions are."""
        # reached[k]: at least k among those seen so far
        reached = [TRUE] + [FALSE] * count
        for f in functions:
            for k in range(count, 0, -1):
                reached[k] = self._choose(f, reached[k - 1], reached[k])
        return reached[count]

    def exists(self, f: int, variables: Collection[int]) -> int:
        """f with the variables chosen at will."""
        chosen = frozenset(variables)
        memo: dict[int, int] = {}

        def walk(node: int) -> int:
            if node <= TRUE:
                return node
            if node not in memo:
                variable, low, high = self._nodes[node]
                first, second = walk(low), walk(high)
                memo[node] = self.either(first, second) if variable in chosen else self._node(variable, first, second)
            return memo[node]

        return walk(f)

    def support(self, *functions: int) -> set[int]:
        """The variables that the functions depend on."""
        found: set[int] = set()
        seen: set[int] = set()
        stack = list(functions)
        while stack:
            node = stack.pop()
            if node > TRUE and node not in seen:
                seen.add(node)
                variable, low, high = self._nodes[node]
                found.add(variable)
                stack += (low, high)
        return found

    def share(self, f: int, memo: dict[int, float], weights: Mapping[int, float] | None = None) -> float:
        """How likely f is when each variable is true with its weight (one half where it has none), independently.

        `memo` may be kept for further calls with the same weights.
        """
        likely = weights or {}

        def walk(node: int) -> float:
            if node <= TRUE:
                return float(node)
            if node not in memo:
                variable, low, high = self._nodes[node]
                weight = likely.get(variable, 0.5)
                memo[node] = (1 - weight) * walk(low) + weight * walk(high)
            return memo[node]

        return walk(f)

    def assign(self, f: int, values: Mapping[int, bool]) -> int:
        """f with some variables fixed."""
        memo: dict[int, int] = {}

        def walk(node: int) -> int:
            if node <= TRUE:
                return node
            if node not in memo:
                variable, low, high = self._nodes[node]
                if variable in values:
                    memo[node] = walk(high if values[variable] else low)
                else:
                    memo[node] = self._node(variable, walk(low), walk(high))
            return memo[node]

        return walk(f)

    def models(self, f: int) -> Iterator[dict[int, bool]]:
        """The partial assignments that make f true, one for each path."""
        stack: list[tuple[int, dict[int, bool]]] = [(f, {})]
        while stack:
            node, chosen = stack.pop()
            if node == TRUE:
                yield chosen
            elif node != FALSE:
                variable, low, high = self._nodes[node]
                stack.append((high, {**chosen, variable: True}))
                stack.append((low, {**chosen, variable: False}))

    def _node(self, variable: int, low: int, high: int) -> int:
        if low == high:
            return low
        key = (variable, low, high)
        found = self._unique.get(key)
        if found is None:
            found = self._unique[key] = len(self._nodes)
            if found > self._limit:
                raise TooLarge
            self._nodes.append(key)
        return found

    def _choose(self, f: int, g: int, h: int) -> int:
        """If f then g else h."""
        if f <= TRUE:
            return g if f else h
        if g == h:
            return g
        if g == TRUE and h == FALSE:
            return f
        key = (f, g, h)
        found = self._memo.get(key)
        if found is None:
            nodes = self._nodes
            (fv, fl, fh), (gv, gl, gh), (hv, hl, hh) = nodes[f], nodes[g], nodes[h]
            top = min(fv, gv, hv)
            low = self._choose(fl if fv == top else f, gl if gv == top else g, hl if hv == top else h)
            high = self._choose(fh if fv == top else f, gh if gv == top else g, hh if hv == top else h)
            found = self._memo[key] = self._node(top, low, high)
            if len(self._memo) > 5 * self._limit:
                raise TooLarge
        return found
