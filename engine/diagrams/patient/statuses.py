"""Where an evaluated patient is on a pathway: reached, do now, not known, blocked and by what, or not reached.

Everything comes from the evaluated world and its answers; unknown is never drawn as no.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from guidelog.explain.answers import Answer, Answers
from guidelog.ground.program import GroundLiteral
from guidelog.language import tree
from guidelog.semantics.kleene import Value, World
from guidelog.semantics.status import STATUS_OF_STANCE, Status
from guidelog.wording import STATUS

from ..drawing import palette
from ..drawing.palette import Look
from ..drawing.scene import Chip
from ..pathway.criteria import SCOPE, Criterion
from ..pathway.model import Item, Node, Pathway, Step
from ..pathway.overlay import Mark, Overlay, Trace
from .lines import both, chip_of, opposite, remark_of, stance_value, value_of

CERTAIN, POSSIBLE = ("CERTAIN", palette.REACHED), ("POSSIBLE", palette.UNKNOWN)
HOLDS = ("HOLDS", palette.REACHED)
SUPERSEDED, NOT_SO = ("SUPERSEDED", palette.NOT_REACHED), ("DOES NOT APPLY", palette.NOT_REACHED)


@dataclass(frozen=True, slots=True)
class Leaving:
    """The word of each item of an exit, by its place, and the mark of the box."""

    items: Mapping[int, tuple[str, Look]]
    mark: Mark


def leaving(
    node: Node, reach: Value, still_open: Sequence[str], answers: Mapping[str, Answer], world: World
) -> Leaving:
    """What holds of an exit for a patient; `reach`: whether the way leads there, `still_open`: boxes it depends on."""
    words = {
        place: _word(item.intervention, item.stance, item.rules, answers, world)
        for place, item in enumerate(node.body)
        if item.intervention is not None
    }
    of_box = [_word(name, stance, node.rules, answers, world) for name, stance in node.interventions]
    found = list(words.values()) or of_box
    certain = found.count(CERTAIN)
    needs = f"{' and '.join(still_open)} still open" if still_open else ""
    match reach:
        case True:
            # Nothing to tell apart where all of it holds.
            return Leaving({} if certain == len(found) else words, Mark(palette.REACHED))
        case False if not certain:
            return Leaving({}, Mark(palette.NOT_REACHED))
        case False:
            note = f"{certain} of {len(found)} hold all the same" if len(found) > 1 else "Holds all the same"
            words = {place: HOLDS if word == CERTAIN else word for place, word in words.items()}
            return Leaving(words, Mark(palette.NOT_REACHED, notes=(note,)))
        case None if not certain:
            return Leaving(words, Mark(palette.UNKNOWN, "POSSIBLE"))
        case None if certain == len(found):
            return Leaving(words, Mark(palette.REACHED, "CERTAIN", (f"Holds already; {needs}",) if needs else ()))
    look = palette.UNKNOWN if POSSIBLE in found else palette.REACHED
    notes = (needs[:1].upper() + needs[1:],) if needs else ()
    return Leaving(words, Mark(look, f"{certain} OF {len(found)} CERTAIN", notes))


def _word(
    name: str, stance: str, rules: Sequence[tree.Rule], answers: Mapping[str, Answer], world: World
) -> tuple[str, Look]:
    value = _given(name, stance, rules, world)
    status = answers[name].status if name in answers else None
    if value is False:
        return NOT_SO
    if value is True and status in (None, STATUS_OF_STANCE[stance]):
        return CERTAIN
    return POSSIBLE if status in (None, Status.UNDETERMINED) or value is None else SUPERSEDED


def _given(name: str, stance: str, rules: Sequence[tree.Rule], world: World) -> Value:
    """Whether these very rules take the stance: another one may, for a reason that is not this exit's."""
    instances = world.program.instances.get(("advise", name, stance), ())
    values = [both(*world.values(i)) for i in instances if i.rule in rules]
    return True if True in values else None if None in values else False


TAKEN, OPEN, CLOSED = (
    Trace(palette.NAVY, 2.6),
    Trace(palette.AMBER_LINE, 1.8, "dashed"),
    Trace(palette.RULE, 1.2, "dotted"),
)


class Overlaying:
    """The statuses of one patient on a pathway."""

    def __init__(self, pathway: Pathway, answers: Answers) -> None:
        self.pathway, self.answers, self.world = pathway, answers, answers.world
        self.by_name: Mapping[str, Answer] = {a.intervention: a for a in answers.answers}
        self.numbers = {n.key: n.number for n in pathway.nodes()}
        self.nodes: dict[str, Mark] = {}
        self.items: dict[tuple[str, int], Chip] = {}
        self.remarks: dict[tuple[str, int], str] = {}
        self.edges: dict[tuple[str, str], Trace] = {}
        self.asked = False
        self.outside = self.world.program.instances.get(SCOPE) is not None and self.world.atom(SCOPE) is False

    def overlay(self) -> Overlay:
        """Marks, chips and traces."""
        self._walk()
        for letter, table in self.pathway.tables.items():
            self._chips(letter, table.items, alarm=letter == self._way_out())
        return Overlay(nodes=self.nodes, items=self.items, remarks=self.remarks, edges=self.edges)

    def _way_out(self) -> str:
        """The letter of the table whose items call for leaving the pathway."""
        steps = [s for p in self.pathway.phases for s in p.steps if s.exit and s.exit.kind == "urgent"]
        return steps[0].node.table if steps else ""

    # the way through
    def _walk(self) -> None:
        trunk = [(p, s) for p in self.pathway.phases for s in p.steps]
        reach: Value = True
        blocked_by: list[tuple[Node, Value]] = []
        returning: Value = None
        local: tuple[Node, Value] | None = None
        for place, (phase, step) in enumerate(trunk):
            node = step.node
            first = bool(phase.steps) and phase.steps[0] is step
            if first:
                for other in phase.beside:
                    beside = other.steps[0].node
                    self._act(beside, reach, blocked_by)
                    self._trace(trunk[place - 1][1].node, beside, reach)
                    if place + len(phase.steps) < len(trunk):
                        self._trace(beside, trunk[place + len(phase.steps)][1].node, reach)
            if place:
                self._trace(trunk[place - 1][1].node, node, reach)
            if node.kind == "state":
                value = value_of(node.criterion, self.world)
                self._state(node, value)
                if value is not True:
                    blocked_by.append((node, value))
                reach = both(reach, value)
            elif node.kind == "decision":
                value = value_of(node.criterion, self.world)
                onward = value if step.yes_down else opposite(value)
                here = True if self._for_everyone(step) else reach
                self._decide(step, here, value, onward)
                if step.exit:
                    self._exit(step, both(here, opposite(onward)), [*blocked_by, (node, value)])
                    if step.rejoins and place + 2 < len(trunk):
                        self._trace(step.exit, trunk[place + 2][1].node, both(reach, opposite(onward)))
                if step.rejoins:
                    returning, local = reach, (node, onward)
                elif onward is not True:
                    blocked_by.append((node, onward))
                reach = both(reach, onward)
            else:
                self._act(node, reach, [*blocked_by, *([local] if local and local[1] is not True else [])])
                if local is not None:
                    reach, local = returning, None

    def _for_everyone(self, step: Step) -> bool:
        """Whether the way out is open to patients outside the scope as well."""
        if step.exit is None or step.exit.kind != "urgent":
            return False
        instances = [
            i for n, s in step.exit.interventions for i in self.world.program.instances.get(("advise", n, s), ())
        ]
        return not any(GroundLiteral(SCOPE, False) in i.elements for i in instances)

    def _trace(self, tail: Node, head: Node, value: Value) -> None:
        self.edges[tail.key, head.key] = TAKEN if value is True else OPEN if value is None else CLOSED

    def _state(self, node: Node, value: Value) -> None:
        if value is True:
            self.nodes[node.key] = Mark(palette.REACHED)
        elif value is None:
            self.nodes[node.key] = Mark(palette.UNKNOWN, notes=(self._open_note(node.criterion),))
        else:
            self.nodes[node.key] = Mark(
                palette.BLOCKED, "OUTSIDE", ("The guideline is not about this patient",), palette.MAROON
            )
        self._chips(node.key, node.body)

    def _decide(self, step: Step, reach: Value, value: Value, onward: Value) -> None:
        node = step.node
        answer = "YES" if value else "NO"
        if value is None:
            notes = (self._open_note(node.criterion),)
            if reach is False:
                self.nodes[node.key] = Mark(palette.NOT_REACHED, "OUTSIDE" if self.outside else "", notes)
            elif self.asked:
                self.nodes[node.key] = Mark(palette.UNKNOWN, notes=notes)
            else:
                self.asked = True
                self.nodes[node.key] = Mark(palette.UNKNOWN, "NOT KNOWN: ASK NEXT", notes)
        elif self.outside and reach is False:
            self.nodes[node.key] = Mark(palette.NOT_REACHED, "OUTSIDE")
        elif onward is False and not step.rejoins and step.exit is not None and step.exit.kind == "exit":
            self.nodes[node.key] = Mark(
                palette.BLOCKED, f"{answer}: BLOCKED", self._unmet(node.criterion), palette.MAROON
            )
        elif reach is False:
            self.nodes[node.key] = Mark(palette.NOT_REACHED, f"{answer}, NOT REACHED")
        else:
            self.nodes[node.key] = Mark(palette.REACHED, f"REACHED: {answer}")

    def _exit(self, step: Step, reach: Value, before: list[tuple[Node, Value]]) -> None:
        leave = step.exit
        assert leave is not None
        self._trace(step.node, leave, reach)
        if leave.kind == "urgent":
            self._act(leave, reach, [(step.node, opposite(reach) if reach is not None else None)])
            if self.nodes[leave.key].look is palette.BLOCKED:
                self.nodes[leave.key] = Mark(palette.NOT_REACHED)
            return
        still_open = [f"box {self.numbers[n.key]}" for n, v in before if v is None]
        found = leaving(leave, reach, still_open, self.by_name, self.world)
        self.nodes[leave.key] = found.mark
        for place, (word, look) in found.items.items():
            self.items[leave.key, place] = Chip(word, look.chip, look.chip_text)

    # actions
    def _act(self, node: Node, reach: Value, blocked_by: list[tuple[Node, Value]]) -> None:
        for_ = [(n, s) for n, s in node.interventions if s in ("urgent", "emergency", "do", "consider")]
        values = [stance_value(n, s, self.world) for n, s in for_]
        self._chips(node.key, node.body)
        conflict = [n for n, _ in for_ if n in self.by_name and self.by_name[n].status is Status.CONFLICT]
        if conflict:
            self.nodes[node.key] = Mark(
                palette.BLOCKED, "CONFLICT", ("The guideline contradicts itself here",), palette.MAROON
            )
        elif superseded := self._superseded(for_):
            self.nodes[node.key] = Mark(palette.NOT_REACHED, "SUPERSEDED", (superseded,))
        elif True in values:
            stances = {s for (_, s), v in zip(for_, values, strict=True) if v is True}
            weak = stances == {"consider"}
            word = "CONSIDER" if weak else "EMERGENCY PATHWAY" if stances == {"emergency"} else "DO NOW"
            provided = self._provided(for_)
            still_open = [f"box {self.numbers[n.key]}" for n, v in blocked_by if v is None]
            if reach is None and still_open and node.kind == "action":
                provided = (*provided, f"Holds already; {' and '.join(still_open)} still open")
            self.nodes[node.key] = Mark(palette.CONSIDER if weak else palette.DO_NOW, word, provided, palette.NAVY)
        elif None in values:
            open_ = (
                f"{values.count(None)} of {len(values)} items not known"
                if len(values) > 1
                else "Depends on what is not known"
            )
            note = open_ if node.key.startswith("list:") else self._needs(blocked_by) or open_
            word = "POSSIBLE" if node.kind == "urgent" else "NOT KNOWN"
            self.nodes[node.key] = Mark(palette.UNKNOWN, word, (note,))
        elif values:
            if self.outside:
                self.nodes[node.key] = Mark(palette.NOT_REACHED, "OUTSIDE")
                return
            note = (
                "None of it applies now"
                if node.key.startswith("list:")
                else self._needs(blocked_by) or self._refusal(for_)
            )
            self.nodes[node.key] = Mark(palette.BLOCKED, notes=(note,) if note else (), colour=palette.MAROON)
        else:
            self.nodes[node.key] = Mark(palette.REACHED if reach is True else palette.NOT_REACHED)

    def _superseded(self, for_: list[tuple[str, str]]) -> str:
        """What an action gives way to, when its only intervention is urgent or handed over."""
        if len(for_) != 1 or for_[0][1] in ("urgent", "emergency"):
            return ""
        answer = self.by_name.get(for_[0][0])
        if answer is None or answer.status not in (Status.URGENT, Status.EMERGENCY_PATHWAY):
            return ""
        leaving = next((n for n in self.pathway.nodes() if n.kind == "urgent"), None)
        return f"Overall: {STATUS[answer.status]}" + (f", see box {leaving.number}" if leaving else "")

    def _provided(self, for_: list[tuple[str, str]]) -> tuple[str, ...]:
        """A word on advice that holds while the status of its intervention is something else or open."""
        if len(for_) != 1:
            return ()
        answer = self.by_name.get(for_[0][0])
        if answer is None or for_[0][1] in ("urgent", "emergency"):
            return ()
        if answer.status in (Status.RECOMMENDED, Status.CONSIDER):
            return ()
        if answer.status is Status.UNDETERMINED:
            return (f"May still become: {', '.join(STATUS[s] for s in answer.if_resolved)}",)
        return (f"Overall: {STATUS[answer.status]}",)

    def _refusal(self, for_: list[tuple[str, str]]) -> str:
        for name, _ in for_:
            answer = self.by_name.get(name)
            if answer is not None and answer.says:
                return answer.says
        return ""

    def _needs(self, blocked_by: list[tuple[Node, Value]]) -> str:
        closed = [f"box {self.numbers[n.key]}" for n, v in blocked_by if v is False]
        open_ = [f"box {self.numbers[n.key]}" for n, v in blocked_by if v is None]
        words = [f"Blocked by {' and '.join(closed)}"] if closed else []
        words += [f"{'also needs' if closed else 'Needs'} {' and '.join(open_)} (not known)"] if open_ else []
        return "; ".join(words)

    # criteria
    def _leaves(self, criterion: Criterion | None) -> list[Criterion]:
        if criterion is None:
            return []
        while len(criterion.parts) == 1 and criterion.parts[0].parts:
            criterion = criterion.parts[0]
        return list(criterion.parts) or [criterion]

    def _open_note(self, criterion: Criterion | None) -> str:
        parts = self._leaves(criterion)
        if len(parts) < 2:
            return "Not recorded"
        unknown = sum(value_of(p, self.world) is None for p in parts)
        return f"{unknown} of {len(parts)} items not known"

    def _unmet(self, criterion: Criterion | None) -> tuple[str, ...]:
        parts = self._leaves(criterion)
        if len(parts) < 2:
            return ()
        unmet = sum(value_of(p, self.world) is False for p in parts)
        unknown = sum(value_of(p, self.world) is None for p in parts)
        words = f"{unmet} of {len(parts)} not met" + (f", {unknown} not known" if unknown else "")
        return (words,)

    def _chips(self, owner: str, items: tuple[Item, ...], *, alarm: bool = False) -> None:
        for index, item in enumerate(items):
            chip = chip_of(item, self.world)
            if alarm and chip is not None and chip[1] is not palette.UNKNOWN:
                chip = ("PRESENT", palette.NOT_MET) if chip[1] is palette.MET else ("ABSENT", palette.NOT_REACHED)
            if chip is not None:
                self.items[owner, index] = Chip(chip[0], chip[1].chip, chip[1].chip_text)
            remark = remark_of(item, self.world)
            if remark:
                self.remarks[owner, index] = remark
