"""What is assumed in the cases of a proof by cases, as *Cases* in docs/certificates.md has it.

What is known may hold, beside inputs and atoms, the interval of a sum of inputs that a case assumes, and the end of a
threshold range that it is about; `grounding.value_of` looks at both.
"""

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Any

from .grounding import TRUE, Known, Rulebook, Sum, bounds, value_of
from .record import added
from .syntax import require

MOST_LEAVES = 256


# > each input once, sorted by name, factors whole numbers other than 0, without a common divisor, the first one
# > positive.
def sum_of(split: Any, book: Rulebook) -> Sum:
    """A sum of inputs: sorted by name, without a common divisor, the first factor positive."""
    factors = tuple((name, factor) for name, factor in split)
    require(all(name in book.inputs and type(factor) is int and factor for name, factor in factors), "this is no sum")
    names = [name for name, _ in factors]
    require(names == sorted({*names}) and factors[0][1] > 0, "a sum is not written as one")
    require(math.gcd(*(factor for _, factor in factors)) == 1, "a sum has a common divisor")
    return factors


# > `below` is the case in which the sum is at most `at` − 1, `from` the case in which it is at least `at`.
def assume(tree: Mapping[str, Any], side: str, known: Known, book: Rulebook, ranges: str) -> Known:
    """What is known on one side of a split: that a sum is below or from a number, or which end a range has."""
    total, at = sum_of(tree["split"], book), tree["at"]
    if isinstance(at, list):
        low, high = at
        key: Any = (total, low, high)
        require(type(low) is type(high) is int and ranges == "kept" and key not in known, "this is no range to split")
        return {**known, key: (0, 0) if side == "below" else (1, 1)}
    require(type(at) is int, "a sum is not split at a whole number")
    key = total[0][0] if len(total) == 1 else total
    least, most = known.get(key) or bounds(total, known)
    return {**known, key: (least, min(most, at - 1)) if side == "below" else (max(least, at), most)}


def leaves_of(tree: Any, known: Known, book: Rulebook, ranges: str) -> Iterator[tuple[Mapping[str, Any], Known]]:
    """The leaves of a tree of cases, each with what is known in its case."""
    known = added(known, tree["propagated"], book)
    if "split" not in tree:
        require(tree.keys() in ({"propagated", "blocks"}, {"propagated", "impossible"}), "a case has other parts")
        yield tree, known
        return
    require(tree.keys() == {"propagated", "split", "at", "below", "from"}, "a case has other parts")
    for side in ("below", "from"):
        yield from leaves_of(tree[side], assume(tree, side, known, book, ranges), book, ranges)


def cases_of(tree: Any, known: Known, book: Rulebook, ranges: str) -> list[tuple[Mapping[str, Any], Known]]:
    """The leaves of a whole tree, which begins with a split and what the record says."""
    require("split" in tree and tree.get("propagated", []) == [], "a proof by cases begins with a split")
    leaves = leaves_of({**tree, "propagated": []}, known, book, ranges)
    found = list(itertools.islice(leaves, MOST_LEAVES + 1))
    require(len(found) <= MOST_LEAVES, "a proof has too many cases")
    return found


# > the id of a background rule with an instance all of whose elements are T, or `null` where some input, or some
# > sum that was assumed on the way, has no value left
def is_impossible(why: Any, known: Known, book: Rulebook) -> bool:
    """Whether no patient is in a case: a background rule forbids it (its id), or (None) a value is left without any."""
    if why is not None:
        bodies = [body for rule, body in book.denials if rule == why]
        return any(all(value_of(element, known) == TRUE for element in body) for body in bodies)
    for key, (least, most) in known.items():
        low, high = bounds(key, known) if isinstance(key, tuple) and isinstance(key[-1], tuple) else (least, most)
        if max(low, least) > min(high, most):
            return True
    return False
