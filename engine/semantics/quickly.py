"""What `ask` would answer under other facts, in microseconds: for searches that try many.

The same meaning as `ask`, background rules included, by another engine (backends/compiled.py). Nothing that is shown
rests on it alone: answers are certified, and what a search finds is tested through `ask`.
"""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from dataclasses import replace

from guidelog.ground.ground import GroundProgram
from guidelog.language.names import Names
from guidelog.patients import Facts, Interval

from .compiled import Circuits
from .status import Status

_known: dict[int, tuple[weakref.ref[GroundProgram], Circuits]] = {}


def circuits_of(program: GroundProgram) -> Circuits:
    """The circuits of a program, made once."""
    key = id(program)
    found = _known.get(key)
    if found is None or found[0]() is not program:
        found = _known[key] = (weakref.ref(program, lambda _: _known.pop(key, None)), Circuits(program))
    return found[1]


def statuses(program: GroundProgram, facts: Facts) -> Mapping[str, Status] | None:
    """The status of every intervention; None when the facts contradict the background."""
    circuits = circuits_of(program)
    return None if program.denials and circuits.contradicted(facts) else circuits.statuses(facts)


def nothing_known(facts: Facts, names: Names) -> Facts:
    """The same patient with every input unknown."""
    measures = {n: Interval(m.low * m.ticks, m.high * m.ticks) for n, m in names.vocabulary.measures.items()}
    return replace(facts, findings=dict.fromkeys(facts.findings), measures=measures)


def only(facts: Facts, kept: frozenset[str], names: Names) -> Facts:
    """The same patient with only these inputs known."""
    blank = nothing_known(facts, names)
    findings = {n: value if n in kept else None for n, value in facts.findings.items()}
    measures = {n: i if n in kept else blank.measures[n] for n, i in facts.measures.items()}
    return replace(facts, findings=findings, measures=measures)
