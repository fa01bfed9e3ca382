"""Questions and changes by clingo, where boolean diagrams grow too large or say less than `ask` can.

The ground rules above an answer are written as two copies, certain and possible, exactly as `ask` evaluates them; what
a record would say is chosen by the solver. Smallest sets of questions come from clingo's optimum over what every set
that settles must contain (implicit hitting sets: Moreno-Centeno and Karp 2013). A search that exceeds its time says so.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..ground import Atom, Given, GroundAtLeast, GroundComparison, GroundElement, GroundLiteral, GroundRule
from ..status import Status
from ..values import Ranges, comparison_value
from .conditions import conditions
from .cone import Cone
from .cuts import thresholds

if TYPE_CHECKING:
    import clingo

SECONDS = 20.0
MOST_CONFLICTS = 100_000
_ENDS = (Ranges.LOW, Ranges.HIGH)


class OutOfTime(Exception):
    """The solver did not finish within its time."""


@dataclass
class Doubled:
    """The cone as clingo text.

    `ft/ff(I)` finding certainly present/absent, `ge/lt(I,C)` measure certainly at or below a cut, `t/p(A)` atoms.
    """

    cone: Cone
    ends: Sequence[Ranges] = _ENDS
    lines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.number = {name: i for i, name in enumerate(self.cone.inputs)}
        self.elements: dict[tuple[GroundElement, Ranges], int] = {}
        self.joint: dict[GroundComparison, int] = {}
        for end in self.ends:
            for atom, a in self.cone.atoms.items():
                e = end.value
                if atom in self.cone.program.facts:
                    self.lines.append(f't({a},"{e}"). p({a},"{e}").')
                for rule in self.cone.program.instances[atom]:
                    ids = [self.element(x, end) for x in rule.elements if not isinstance(x, Given)]
                    self.lines.append(_rule(f't({a},"{e}")', [f"et({i})" for i in ids]))
                    self.lines.append(_rule(f'p({a},"{e}")', [f"ep({i})" for i in ids]))
            self.statuses(end)
        for denial in self.cone.denials:
            self.denial(denial)
        for name in self.cone.inputs:
            self.order(name)

    def order(self, name: str) -> None:
        """Cuts rise together; what is certain never contradicts itself."""
        i = self.number[name]
        if name in self.cone.facts.findings:
            self.lines.append(f":- ft({i}), ff({i}).")
            return
        cuts = self.cone.cuts.get(name, [])
        self.lines += [f"ge({i},{c}) :- ge({i},{c + 1}). lt({i},{c + 1}) :- lt({i},{c})." for c in range(len(cuts) - 1)]
        self.lines += [f":- ge({i},{c}), lt({i},{c})." for c in range(len(cuts))]

    def element(self, element: GroundElement, end: Ranges) -> int:
        """The number of an element; `et` when it certainly holds, `ep` when it may."""
        key = (element, end)
        if key in self.elements:
            return self.elements[key]
        n = self.elements[key] = len(self.elements)
        match element:
            case GroundLiteral():
                true, possible = self.literal(element, end)
                self.lines += [_rule(f"et({n})", true), _rule(f"ep({n})", possible)]
            case GroundAtLeast(count, members):
                ids = [self.element(m, end) for m in members]
                for kind in ("et", "ep"):
                    counted = "; ".join(f"{i} : {kind}({i})" for i in ids)
                    self.lines.append(f"{kind}({n}) :- #count {{ {counted} }} >= {count}." if ids else "")
            case GroundComparison():
                self.comparison(n, element, end)
            case _:
                self.lines.append(f"et({n}). ep({n}).")
        return n

    def literal(self, literal: GroundLiteral, end: Ranges) -> tuple[list[str], list[str]]:
        atom, e = literal.atom, end.value
        if atom[0] == "finding":
            i = self.number[str(atom[1])]
            return ([f"ff({i})"], [f"not ft({i})"]) if literal.negated else ([f"ft({i})"], [f"not ff({i})"])
        if atom in self.cone.atoms:
            a = self.cone.atoms[atom]
            if literal.negated:
                return [f'not p({a},"{e}")'], [f'not t({a},"{e}")']
            return [f't({a},"{e}")'], [f'p({a},"{e}")']
        holds = (atom in self.cone.program.fixed) is not literal.negated
        return ([], []) if holds else (["#false"], ["#false"])

    def comparison(self, n: int, comparison: GroundComparison, end: Ranges) -> None:
        names = [name for name, _ in comparison.terms]
        if len(names) != 1:
            j = self.joint.setdefault(comparison, len(self.joint))
            known = comparison_value(comparison, self.cone.facts.measures, end)
            value = "u" if known is None else "t" if known else "f"
            self.lines.append(f"joint({j},{value}). et({n}) :- jt({j}). ep({n}) :- not jf({j}).")
            self.lines += [f"needs({j},{self.number[name]})." for name in dict.fromkeys(names)]
            return
        ((name, coefficient),) = comparison.terms
        i = self.number[name]
        cuts = self.cone.cuts[name]
        operator, values = thresholds(
            coefficient, comparison.operator, comparison.high if end is Ranges.HIGH else comparison.low
        )
        first, last = cuts.index(values[0]), cuts.index(values[-1])
        match operator:
            case ">=":
                self.lines.append(f"et({n}) :- ge({i},{first}). ep({n}) :- not lt({i},{first}).")
            case "<":
                self.lines.append(f"et({n}) :- lt({i},{first}). ep({n}) :- not ge({i},{first}).")
            case "=":
                self.lines.append(
                    f"et({n}) :- ge({i},{first}), lt({i},{last}). ep({n}) :- not lt({i},{first}), not ge({i},{last})."
                )
            case _:
                self.lines.append(
                    f"et({n}) :- lt({i},{first}). et({n}) :- ge({i},{last})."
                    f" x({n}) :- ge({i},{first}), lt({i},{last}). ep({n}) :- not x({n})."
                )

    def denial(self, denial: GroundRule) -> None:
        """No record breaks the background; where all but one finding of a denial hold, that one cannot."""
        ids = [self.element(x, Ranges.LOW) for x in denial.elements]
        self.lines.append(_rule("", [f"et({i})" for i in ids]))
        for place, element in enumerate(denial.elements):
            if isinstance(element, GroundLiteral) and element.atom[0] == "finding":
                head = ("ft" if element.negated else "ff") + f"({self.number[str(element.atom[1])]})"
                self.lines.append(_rule(head, [f"et({i})" for k, i in enumerate(ids) if k != place]))

    def statuses(self, end: Ranges) -> None:
        """`is(S,E)`: the status is certain (docs/language.md, *Status*)."""
        e = end.value
        for status, n in _names().items():
            for wanted in conditions(self.cone.intervention, status):
                self.lines.append(
                    _rule(f'is({n},"{e}")', [self.certain(atom, e, value=value) for atom, value in wanted])
                )

    def certain(self, atom: Atom, end: str, *, value: bool) -> str:
        """That an atom is certainly true, or certainly false."""
        if atom in self.cone.atoms:
            return f't({self.cone.atoms[atom]},"{end}")' if value else f'not p({self.cone.atoms[atom]},"{end}")'
        return "#true" if (atom in self.cone.program.fixed) is value else "#false"

    def known(self, name: str) -> Iterator[str]:
        """What the record as it is makes certain about an input."""
        i, facts = self.number[name], self.cone.facts
        if name in facts.findings:
            if (value := facts.findings[name]) is not None:
                yield f"{'ft' if value else 'ff'}({i})"
            return
        interval = facts.measures[name]
        for c, cut in enumerate(self.cone.cuts.get(name, ())):
            if interval.low >= cut:
                yield f"ge({i},{c})"
            elif interval.high < cut:
                yield f"lt({i},{c})"


def settling(cone: Cone, seconds: float = SECONDS) -> list[str]:
    """A smallest set of unknown inputs after whose replies, whatever they are, no data could change the answer.

    Raises OutOfTime.
    """
    deadline = time.monotonic() + seconds
    text = Doubled(cone)
    unknown = [n for n in cone.inputs if not cone.facts.known(n)]
    number = text.number
    for name in cone.inputs:
        text.lines += [f"{fact}." for fact in text.known(name)]
    for name in unknown:
        i = number[name]
        if name in cone.facts.findings:
            text.lines.append(f"{{ k({i}) }}. {{ v({i}) }}. ft({i}) :- k({i}), v({i}). ff({i}) :- k({i}), not v({i}).")
        else:
            text.lines.append(f"{{ k({i}) }}. 1 {{ r({i},0..{len(cone.cuts.get(name, ()))}) }} 1.")
            for c in range(len(cone.cuts.get(name, ()))):
                text.lines.append(
                    f"ge({i},{c}) :- k({i}), r({i},M), M > {c}. lt({i},{c}) :- k({i}), r({i},M), M <= {c}."
                )
    for j in text.joint.values():
        text.lines.append(
            f"{{ jv({j}) }}. jopen({j}) :- needs({j},I), unknown(I), not k(I)."
            f" jt({j}) :- joint({j},u), jv({j}), not jopen({j})."
            f" jf({j}) :- joint({j},u), not jv({j}), not jopen({j}). jt({j}) :- joint({j},t). jf({j}) :- joint({j},f)."
        )
    text.lines += [f"unknown({number[n]})." for n in unknown]
    text.lines += [f'settled("{e.value}") :- is(S,"{e.value}").' for e in text.ends]
    text.lines.append(":- " + ", ".join(f'settled("{e.value}")' for e in text.ends) + ".")
    control = _control(text.lines, ["1"])
    chosen: list[str] = []
    bounds: list[frozenset[str]] = []
    while True:
        stuck = _stuck(control, number, unknown, chosen, deadline)
        if stuck is None:
            return chosen
        # Every set that settles has an input outside of the largest set known not to.
        grown = list(stuck)
        for name in unknown:
            if name not in grown:
                more = _stuck(control, number, unknown, [*grown, name], deadline)
                if more is not None:
                    grown.append(name)
        outside = frozenset(unknown) - frozenset(grown)
        if not outside:
            raise OutOfTime  # a joint comparison that no reply of ours decides
        bounds.append(outside)
        chosen = _hitting(unknown, bounds, deadline)


def _stuck(
    control: clingo.Control, number: Mapping[str, int], unknown: Iterable[str], chosen: Sequence[str], deadline: float
) -> list[str] | None:
    """The chosen inputs again, when some replies to them leave the answer open; None when they settle it."""
    import clingo

    asked = set(chosen)
    assumptions = [(clingo.Function("k", [clingo.Number(number[n])]), n in asked) for n in unknown]
    return list(chosen) if _satisfiable(control, assumptions, deadline) else None


def _satisfiable(control: clingo.Control, assumptions: Sequence[tuple[clingo.Symbol, bool]], deadline: float) -> bool:
    result = control.solve(assumptions=list(assumptions))
    if result.interrupted or time.monotonic() > deadline:
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
    text.lines += [f':- not is({_names()[status]},"{e.value}").' for e in text.ends]
    text.lines.append("#show on/1.")
    return [
        sorted(m)
        for m, _ in zip(
            _optima(_control(text.lines, ["0", "--opt-mode=optN"]), "on", deadline, every=True),
            range(most),
            strict=False,
        )
    ]


def _names() -> Mapping[Status, int]:
    return {status: i for i, status in enumerate(Status)}


def _rule(head: str, body: Sequence[str]) -> str:
    if "#false" in body:
        return ""
    kept = [b for b in body if b != "#true"]
    return f"{head} :- {', '.join(kept)}." if kept else f"{head}." if head else ":- #true."
