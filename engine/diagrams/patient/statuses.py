"""Where an evaluated patient is on a pathway: reached, advised, not known, blocked and by what, or not reached.

Everything comes from the evaluated world and its certified answers: a box or line shows the status of an intervention
only where that is its answer, else that it does not apply, is superseded, or is open. Unknown is never drawn as no. An
exit that holds several things back says of each whether it is certain, possible, superseded or not so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from guidelog.explain.answers import Answers
from guidelog.ground.program import GroundLiteral
from guidelog.language import tree
from guidelog.semantics.kleene import Value
from guidelog.semantics.status import STATUS_OF_STANCE, Status
from guidelog.wording.presentation import EMERGENCIES, by_urgency, presentation

from ..drawing import palette
from ..drawing.palette import Look
from ..drawing.scene import Chip
from ..pathway.criteria import SCOPE, Criterion
from ..pathway.model import Item, Node, Pathway, Step
from ..pathway.overlay import Mark, Overlay, Trace
from .lines import NOT_KNOWN, POSSIBLE, Statuses, both, chip_of, of_status, opposite, remark_of, value_of

CERTAIN, MAY_HOLD = ("CERTAIN", palette.REACHED), ("POSSIBLE", palette.UNKNOWN)
HOLDS = ("HOLDS", palette.REACHED)


@dataclass(frozen=True, slots=True)
class Leaving:
    """The word of each item of an exit, by its place, and the mark of the box."""

    items: Mapping[int, tuple[str, Look]]
    mark: Mark


def leaving(node: Node, reach: Value, still_open: Sequence[str], statuses: Statuses) -> Leaving:
    """What holds of an exit for a patient; `reach`: whether the way leads there, `still_open`: boxes it depends on."""
    words = {
        place: _word(item.intervention, item.stance, item.rules, statuses)
        for place, item in enumerate(node.body)
        if item.intervention is not None
    }
    of_box = [_word(name, stance, node.rules, statuses) for name, stance in node.interventions]
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
    look = palette.UNKNOWN if MAY_HOLD in found else palette.REACHED
    notes = (needs[:1].upper() + needs[1:],) if needs else ()
    return Leaving(words, Mark(look, f"{certain} OF {len(found)} CERTAIN", notes))


def _word(name: str, stance: str, rules: Sequence[tree.Rule], statuses: Statuses) -> tuple[str, Look]:
    painted = statuses.painted(name, stance, rules)
    if painted.certified and statuses.status(name) is STATUS_OF_STANCE[stance]:
        return CERTAIN
    return MAY_HOLD if painted in (POSSIBLE, NOT_KNOWN) else (painted.word, painted.look)


TAKEN, OPEN, CLOSED = (
    Trace(palette.NAVY, 2.6),
    Trace(palette.AMBER_LINE, 1.8, "dashed"),
    Trace(palette.RULE, 1.2, "dotted"),
)


class Overlaying:
    """The statuses of one patient on a pathway."""

    def __init__(self, pathway: Pathway, answers: Answers) -> None:
        self.pathway, self.answers, self.world = pathway, answers, answers.world
        self.statuses = Statuses(answers)
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
            self._chips(letter, table.items, alarm=letter == self._alarms())
        return Overlay(nodes=self.nodes, items=self.items, remarks=self.remarks, edges=self.edges)

    def _alarms(self) -> str:
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
            self.nodes[node.key] = Mark(palette.BLOCKED, "OUTSIDE", ("The guideline is not about this patient",))
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
            self.nodes[node.key] = Mark(palette.BLOCKED, f"{answer}: BLOCKED", self._unmet(node.criterion))
        elif reach is False:
            self.nodes[node.key] = Mark(palette.NOT_REACHED, f"{answer}, NOT REACHED")
        else:
            self.nodes[node.key] = Mark(palette.REACHED, f"REACHED: {answer}")

    def _exit(self, step: Step, reach: Value, before: list[tuple[Node, Value]]) -> None:
        leave = step.exit
        assert leave is not None
        self._trace(step.node, leave, reach)
        if leave.kind == "urgent":
            self._way_out(leave)
            return
        still_open = [f"box {self.numbers[n.key]}" for n, v in before if v is None]
        names = {name for name, _ in leave.interventions}
        if len(names) == 1 and leave.key == f"no:{min(names)}":
            self._refused(leave, min(names), reach, still_open)
            return
        found = leaving(leave, reach, still_open, self.statuses)
        self.nodes[leave.key] = found.mark
        for place, (word, look) in found.items.items():
            self.items[leave.key, place] = Chip(word, look.chip, look.chip_text)

    def _way_out(self, leave: Node) -> None:
        """The way out for what cannot wait: an emergency, one that is possible, or not this patient's."""
        self._chips(leave.key, leave.body)
        painted = [
            self.statuses.painted(n, s, leave.rules)
            for n, s in leave.interventions
            if STATUS_OF_STANCE[s] in EMERGENCIES
        ]
        urgent = [of_status(s) for s in by_urgency(EMERGENCIES) if of_status(s) in painted]
        if urgent:
            self.nodes[leave.key] = Mark(palette.EMERGENCY, urgent[0].word, colour=palette.MAROON)
        elif of_status(Status.CONFLICT) in painted:
            self.nodes[leave.key] = _conflict()
        elif POSSIBLE in painted or NOT_KNOWN in painted:
            self.nodes[leave.key] = Mark(palette.UNKNOWN, "POSSIBLE", ("Depends on what is not known",))
        else:
            self.nodes[leave.key] = Mark(palette.NOT_REACHED)

    def _refused(self, leave: Node, name: str, reach: Value, still_open: Sequence[str]) -> None:
        """The exit of one intervention: "not now" or "avoid" where that is the answer."""
        self._chips(leave.key, leave.body)
        status = self.statuses.status(name)
        painted = [self.statuses.painted(name, s, leave.rules) for _, s in leave.interventions] if leave.rules else []
        given = next((p for p in painted if p.certified), None)
        silent = status is Status.NOT_NOW and reach is not False and self.statuses.silent(name)
        needs = f"{' and '.join(still_open)} still open" if still_open else ""
        if status is Status.CONFLICT and given:
            self.nodes[leave.key] = _conflict()
        elif status is not None and (given or silent):
            notes = ["No rule speaks for it now"] if silent else []
            if reach is False:
                notes.append("Holds all the same")
            elif reach is None and needs:
                notes.append(f"Holds already; {needs}")
            shown = of_status(status)
            self.nodes[leave.key] = Mark(shown.look, shown.word, tuple(notes))
        elif status is Status.UNDETERMINED and (
            POSSIBLE in painted or NOT_KNOWN in painted or (reach is not False and self._may_become(name, leave))
        ):
            self.nodes[leave.key] = Mark(palette.UNKNOWN, "POSSIBLE")
        else:
            self.nodes[leave.key] = Mark(palette.NOT_REACHED)

    def _may_become(self, name: str, leave: Node) -> bool:
        possible = self.statuses.by_name[name].if_resolved
        return Status.NOT_NOW in possible or any(STATUS_OF_STANCE[s] in possible for _, s in leave.interventions)

    # actions
    def _act(self, node: Node, reach: Value, blocked_by: list[tuple[Node, Value]]) -> None:
        self._chips(node.key, node.body)
        names = list(dict.fromkeys(name for name, _ in node.interventions))
        if not names:
            self.nodes[node.key] = Mark(palette.REACHED if reach is True else palette.NOT_REACHED)
        elif len(names) == 1 and not node.key.startswith("list:"):
            self.nodes[node.key] = self._one(node, names[0], reach, blocked_by)
        else:
            self.nodes[node.key] = self._list(node, names)

    def _one(self, node: Node, name: str, reach: Value, blocked_by: list[tuple[Node, Value]]) -> Mark:
        """The mark of an action that is about one intervention."""
        status = self.statuses.status(name)
        painted = [self.statuses.painted(name, s, node.rules) for _, s in node.interventions]
        if status is None:
            return Mark(palette.NOT_REACHED, "NOT ASKED ABOUT")
        if any(p.certified for p in painted):
            if status is Status.CONFLICT:
                return _conflict()
            still_open = [f"box {self.numbers[n.key]}" for n, v in blocked_by if v is None]
            notes = (f"Holds already; {' and '.join(still_open)} still open",) if reach is None and still_open else ()
            shown = of_status(status)
            return Mark(shown.look, shown.word, notes, palette.NAVY)
        overall = f"Overall: {presentation(status).word}"
        if status is Status.OUTSIDE_GUIDELINE:
            return Mark(palette.NOT_REACHED, "OUTSIDE")
        if status is Status.UNDETERMINED:
            if not any(p in (POSSIBLE, NOT_KNOWN) for p in painted):
                return Mark(palette.NOT_REACHED, "DOES NOT APPLY", (overall,))
            return Mark(palette.UNKNOWN, "UNDETERMINED", (self._needs(blocked_by) or "Depends on what is not known",))
        if self.statuses.value(name, node.interventions[0][1], node.rules) or status in EMERGENCIES:
            leave = next((n for n in self.pathway.nodes() if n.kind == "urgent"), None)
            see = f", see box {leave.number}" if leave and status in EMERGENCIES else ""
            return Mark(palette.NOT_REACHED, "SUPERSEDED", (overall + see,))
        needs = self._needs(blocked_by)
        return Mark(palette.BLOCKED, "" if needs else "DOES NOT APPLY", (*([needs] if needs else []), overall))

    def _list(self, node: Node, names: Sequence[str]) -> Mark:
        """The mark of a list: its gravest status that asks for something, else what is open, else what is refused."""
        lines = [i for i in node.body if i.intervention is not None]
        about = [(i.intervention or "", i.stance, i.rules) for i in lines] or [
            (n, s, node.rules) for n, s in node.interventions
        ]
        painted = {self.statuses.painted(*line) for line in about}
        for status in by_urgency(Status):
            shown = of_status(status)
            if shown in painted and (presentation(status).advised or status in (*EMERGENCIES, Status.CONFLICT)):
                return Mark(shown.look, shown.word, colour=palette.NAVY)
        open_ = sum(self.statuses.status(n) is Status.UNDETERMINED for n in names)
        if open_:
            return Mark(palette.UNKNOWN, "", (f"{open_} of {len(names)} not known",))
        refused = [of_status(s) for s in (Status.NOT_NOW, Status.AVOID) if of_status(s) in painted]
        if refused:
            return Mark(refused[0].look, " / ".join(p.word for p in refused))
        if self.outside:
            return Mark(palette.NOT_REACHED, "OUTSIDE")
        return Mark(palette.BLOCKED, "DOES NOT APPLY", ("None of it applies now",))

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
            chip = chip_of(item, self.statuses)
            if alarm and chip is not None and chip[1] is not palette.UNKNOWN:
                chip = ("PRESENT", palette.NOT_MET) if chip[1] is palette.MET else ("ABSENT", palette.NOT_REACHED)
            if chip is not None:
                self.items[owner, index] = Chip(chip[0], chip[1].chip, chip[1].chip_text)
            remark = remark_of(item, self.world)
            if remark:
                self.remarks[owner, index] = remark


def _conflict() -> Mark:
    return Mark(palette.CONFLICT, "CONFLICT", ("The guideline contradicts itself here",))
