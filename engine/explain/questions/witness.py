"""Questions and changes by clingo, where boolean diagrams grow too large or say less than `ask` can.

What a record would say is chosen by the solver, over the rules as `doubled` writes them. Smallest sets of questions
come from clingo's optimum over what every set that settles must contain (implicit hitting sets: Moreno-Centeno and Karp
2013). A search that exceeds its time says so.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from guidelog.ground.program import Given
from guidelog.language.stances import STANCES
from guidelog.semantics.cone import Cone
from guidelog.semantics.status import Status

from .doubled import Doubled, clause, status_numbers

if TYPE_CHECKING:
    import clingo

SECONDS = 20.0
MOST_CONFLICTS = 100_000


class OutOfTime(Exception):
    """The solver did not finish within its time."""


class Settling:
    """One answer's open questions, to a solver that keeps what it learned from one search to the next."""

    def __init__(self, cone: Cone, seconds: float = SECONDS) -> None:
        self.cone, self.deadline = cone, time.monotonic() + seconds
        text = Doubled(cone)
        self.unknown = [n for n in cone.inputs if not cone.facts.known(n)]
        self.number = text.number
        for name in cone.inputs:
            text.lines += [f"{fact}." for fact in text.known(name)]
        for name in self.unknown:
            self._reply(text, name)
        for j in text.joint.values():
            text.lines.append(
                f"{{ jv({j}) }}. jopen({j}) :- needs({j},I), unknown(I), not k(I)."
                f" jt({j}) :- joint({j},u), jv({j}), not jopen({j})."
                f" jf({j}) :- joint({j},u), not jv({j}), not jopen({j})."
                f" jt({j}) :- joint({j},t). jf({j}) :- joint({j},f)."
            )
        text.lines += [f"unknown({self.number[n]})." for n in self.unknown]
        text.lines += [f'settled("{e.value}") :- is(S,"{e.value}").' for e in text.ends]
        closed = ", ".join(f'settled("{e.value}")' for e in text.ends)
        text.lines.append(f"open :- not closed. closed :- {closed}.")
        text.lines.append(f"some(S) :- is(S,E). {{ want(0..{len(Status)}) }}. :- want(S), not some(S).")
        self.rules = self._advice(text)
        self.control = _control(text.lines, ["1"])

    def _reply(self, text: Doubled, name: str) -> None:
        """An input may be asked (`k`), and then has some value."""
        i, cone = self.number[name], self.cone
        if name in cone.facts.findings:
            text.lines.append(f"{{ k({i}) }}. {{ v({i}) }}. ft({i}) :- k({i}), v({i}). ff({i}) :- k({i}), not v({i}).")
            return
        text.lines.append(f"{{ k({i}) }}. 1 {{ r({i},0..{len(cone.cuts.get(name, ()))}) }} 1.")
        for c in range(len(cone.cuts.get(name, ()))):
            text.lines.append(f"ge({i},{c}) :- k({i}), r({i},M), M > {c}. lt({i},{c}) :- k({i}), r({i},M), M <= {c}.")

    def _advice(self, text: Doubled) -> list[str]:
        """The advice rules, with `gives(N)` where the Nth certainly holds."""
        found: list[str] = []
        for stance in STANCES:
            for rule in self.cone.program.instances.get(("advise", self.cone.intervention, stance), ()):
                ids = [text.element(x, text.ends[0]) for x in rule.elements if not isinstance(x, Given)]
                text.lines.append(clause(f"gives({len(found)})", [f"et({i})" for i in ids]))
                found.append(rule.rule.id or "")
        text.lines.append(f"{{ wanted(0..{len(found)}) }}. :- wanted(N), not gives(N).")
        return found

    def questions(self) -> list[str]:
        """A smallest set of unknown inputs after whose replies, whatever they are, no data could change the answer.

        Raises OutOfTime.
        """
        chosen: list[str] = []
        bounds: list[frozenset[str]] = []
        while self.leaves_open(chosen):
            # Every set that settles has an input outside of the largest set known not to.
            grown = list(chosen)
            for name in self.unknown:
                if name not in grown and self.leaves_open([*grown, name]):
                    grown.append(name)
            outside = frozenset(self.unknown) - frozenset(grown)
            if not outside:
                raise OutOfTime  # a joint comparison that no reply of ours decides
            bounds.append(outside)
            chosen = _hitting(self.unknown, bounds, self.deadline)
        return chosen

    def outcomes(self) -> tuple[Status, ...]:
        """The statuses that some completion of the record leads to. Raises OutOfTime."""
        found = []
        for status, n in status_numbers().items():
            if status is not Status.UNDETERMINED and self.satisfiable(self.unknown, "want", n):
                found.append(status)
        return tuple(found)

    def deciding(self, asked: Collection[str]) -> tuple[str, ...]:
        """The advice rules that some replies to these questions make certain. Raises OutOfTime."""
        names = (rule for n, rule in enumerate(self.rules) if self.satisfiable(asked, "wanted", n))
        return tuple(dict.fromkeys(names))

    def leaves_open(self, asked: Collection[str]) -> bool:
        """Whether some replies to these questions, and to no others, leave the answer open."""
        return self.satisfiable(asked, "open")

    def satisfiable(self, asked: Collection[str], atom: str, *numbers: int) -> bool:
        """Whether some replies to exactly these questions make an atom true."""
        import clingo

        goal = (clingo.Function(atom, [clingo.Number(n) for n in numbers]), True)
        replied = [(clingo.Function("k", [clingo.Number(self.number[n])]), n in set(asked)) for n in self.unknown]
        result = self.control.solve(assumptions=[goal, *replied])
        if result.interrupted or time.monotonic() > self.deadline:
            raise OutOfTime
        return bool(result.satisfiable)


def _hitting(names: Sequence[str], bounds: Sequence[frozenset[str]], deadline: float) -> list[str]:
    """A smallest set that meets every bound; early names first where there is a choice."""
    place = {name: i for i, name in enumerate(names)}
    lines = [f"1 {{ {'; '.join(f'pick({place[n]})' for n in sorted(b, key=place.__getitem__))} }}." for b in bounds]
    lines.append("#minimize { 1@2,I : pick(I) }. #minimize { I@1,I : pick(I) }. #show pick/1.")
    found: list[int] = []
    for numbers in _optima(_control(lines, ["0", "--opt-mode=opt"]), "pick", deadline, every=False):
        found = numbers
    return [names[i] for i in sorted(found)]


def _optima(control: clingo.Control, name: str, deadline: float, *, every: bool) -> Iterator[list[int]]:
    """The arguments of an atom in the improving models; with `every`, in the optimal ones only."""
    with control.solve(yield_=True) as handle:
        for model in handle:
            if time.monotonic() > deadline:
                raise OutOfTime
            if not every or model.optimality_proven:
                yield [s.arguments[0].number for s in model.symbols(shown=True) if s.name == name]
        if handle.get().interrupted:
            raise OutOfTime


def _control(lines: Sequence[str], options: Sequence[str]) -> clingo.Control:
    import clingo

    control = clingo.Control(["--warn=none", *options], logger=lambda _code, _message: None)
    # A limit on conflicts rather than on time: the same search has the same end on every machine.
    configuration: Any = control.configuration
    configuration.solve.solve_limit = f"{MOST_CONFLICTS},umax"
    control.add("base", [], "\n".join(line for line in lines if line))
    control.ground([("base", [])])
    return control


@dataclass(frozen=True, slots=True)
class Option:
    """Something that may be done to the record: what it makes certain (of `inputs`), at what cost."""

    inputs: tuple[tuple[str, tuple[tuple[int, bool], ...]], ...]
    """Inputs with what becomes certain of them: for each cut (0 for a finding) whether the value is at or above it."""
    cost: int
    group: bool = False


def cheapest(
    cone: Cone, status: Status, options: Sequence[Option], most: int, seconds: float = SECONDS
) -> list[list[int]]:
    """The cheapest combinations of options (by their places) that make a status certain. Raises OutOfTime.

    An input is changed by one option at most; an option of a group gives way to one for a single input.
    """
    deadline = time.monotonic() + seconds
    text = Doubled(cone)
    number = text.number
    used = {name for option in options for name, _ in option.inputs}
    for name in cone.inputs:
        facts = list(text.known(name))
        i = number[name]
        text.lines += [f"{fact} :- not moved({i})." if name in used else f"{fact}." for fact in facts]
    for o, option in enumerate(options):
        text.lines.append(f"{{ on({o}) }}. #minimize {{ {option.cost},{o} : on({o}) }}.")
        for name, cuts in option.inputs:
            if name not in number:
                continue
            i = number[name]
            guard = f"on({o})" + (f", not single({i})" if option.group else "")
            text.lines.append(f"moved({i}) :- on({o})." + ("" if option.group else f" single({i}) :- on({o})."))
            finding = name in cone.facts.findings
            for c, above in cuts:
                head = ("ft" if above else "ff") + f"({i})" if finding else ("ge" if above else "lt") + f"({i},{c})"
                text.lines.append(f"{head} :- {guard}.")
            if not option.group:
                others = [
                    k for k, other in enumerate(options) if k > o and not other.group and other.inputs[0][0] == name
                ]
                text.lines += [f":- on({o}), on({k})." for k in others]
    for j in text.joint.values():
        text.lines.append(
            f"jmoved({j}) :- needs({j},I), moved(I)."
            f" jt({j}) :- joint({j},t), not jmoved({j}). jf({j}) :- joint({j},f), not jmoved({j})."
        )
    text.lines += [f':- not is({status_numbers()[status]},"{e.value}").' for e in text.ends]
    # Where there is nothing to choose there is still a least cost: without one no model is called optimal.
    text.lines.append("{ idle }. #minimize { 1,idle : idle }. #show on/1.")
    return [
        sorted(m)
        for m, _ in zip(
            _optima(_control(text.lines, ["0", "--opt-mode=optN"]), "on", deadline, every=True),
            range(most),
            strict=False,
        )
    ]
