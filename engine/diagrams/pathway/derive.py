"""The pathway that the rules describe: phases, order, decisions, criteria, bypasses and exits, none drawn by hand.

How it is found (docs/diagrams.md, *How the pathway is inferred*):

* Advice with stance `urgent` or `emergency` leaves the pathway: the weakest concept that all of it implies is the first
  decision, or, where there is none, any of its conditions.
* Interventions belong to the phase they declare, else to their `group`.
* A condition that several phases cannot do without is a gate on the trunk; phases are ordered by the gates they need,
  by what they need another phase to have done (a finding that ends the other's advice), then as declared.
* What is left of the conditions of a main intervention is its own decision; other interventions are listed with theirs.
* Each stance that can hold has a line in an action or an exit: what is held back stands in the way out, in the exit of
  the gate that it is the other side of, or in the intervention's own exit or list.
* Rules that no box names are kept apart, by what they are (`not_drawn`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from guidelog.compiled import Compiled
from guidelog.ground.program import GroundElement, GroundLiteral, GroundRule
from guidelog.language import tree
from guidelog.language.stances import HOLD, STANCES_AGAINST
from guidelog.wording import fill, sentence

from .criteria import Criterion, distinct, title_of
from .model import STANCE_WORD, Item, Node, Pathway, Phase, Step, Table, Tables, numbered
from .order import ANSWERED, SHORT_LIST, Advice, side_by_side


def infer(compiled: Compiled) -> Pathway:
    """The pathway of a guideline under the readings in force."""
    return _Inference(compiled).run()


REFUSING = (HOLD, *STANCES_AGAINST)
LONGEST_LINE = 160
"""A condition that is longer is left to the table; the line then names the intervention."""


class _Inference(Advice):
    def __init__(self, compiled: Compiled) -> None:
        super().__init__(compiled)
        self.tables = Tables()
        self.refused: dict[tuple[str, str], set[str]] = {}
        """The rules against an intervention that the way out or the exit of a gate shows already."""

    # phases
    def run(self) -> Pathway:
        members: dict[str, list[str]] = {}
        titles: dict[str, str] = {}
        for name, declared in self.interventions.items():
            if any(self.advice[name].get(s) for s in (*ANSWERED, *REFUSING)):
                key, title = self._phase_of(name, declared.group, declared.label)
                members.setdefault(key, []).append(name)
                titles.setdefault(key, title)
        levels, gates = self._order(members)
        phases = [Phase("entry", "Triage" if self.bypass else "Start", tuple(self._entry()))]
        settled: frozenset[GroundElement] = frozenset()
        for level, keys in enumerate(levels):
            wanted = [g for g in gates[level] if g not in settled]
            if wanted:
                steps = [self._gate(g, phases[-1], levels[level:], members) for g in wanted]
                phases[-1] = replace(phases[-1], steps=(*phases[-1].steps, *steps))
                settled |= self.criteria.needs(wanted)
            last = level == len(levels) - 1
            built = [
                Phase(key, titles[key], tuple(self._steps(key, members[key], settled, last, titles[key])))
                for key in keys
            ]
            phases += side_by_side([p for p in built if p.steps]) if level else [p for p in built if p.steps]
        return numbered(phases, self.tables.tables, self.tables.lettered, self.compiled.program)

    # boxes
    def _entry(self) -> Iterable[Step]:
        scope = GroundLiteral(("in_scope",), False)
        if self.program.instances.get(scope.atom):
            criterion = self.criteria.criterion(scope)
            rules = criterion.rules
            title = next((title_of(r) for r in rules if title_of(r)), self.guideline.title)
            items = tuple(Item(sentence(p.text), p) for p in criterion.parts[:SHORT_LIST])
            if len(criterion.parts) > SHORT_LIST or criterion.mode == "any":
                table = self.tables.letter("Whom it is about", criterion)
                yield Step(Node("scope", "state", title, criterion=criterion, table=table, rules=rules))
            else:
                yield Step(Node("scope", "state", title, body=items, criterion=criterion, rules=rules))
        else:
            yield Step(Node("scope", "state", self.guideline.title, body=(Item("Every patient"),)))
        if self.bypass is not None:
            yield self._way_out(self.bypass)

    def _way_out(self, bypass: Criterion) -> Step:
        question = (
            self.criteria.question(bypass.element) if bypass.element is not None else "Anything that cannot wait?"
        )
        everyone = not any(
            GroundLiteral(("in_scope",), False) in i.elements
            for a in self.advice.values()
            for s in ("urgent", "emergency")
            for i in a.get(s, ())
        )
        table = self.tables.letter(question.rstrip("?"), bypass)
        if everyone and table and self.program.instances.get(("in_scope",)):
            mode = f"{self.tables.tables[table].mode}; asked of everyone, in scope or not"
            self.tables.tables[table] = replace(self.tables.tables[table], mode=mode)
        items: list[Item] = []
        rules: list[tree.Rule] = []
        about: list[tuple[str, str]] = []
        for name, advice in self.advice.items():
            for stance in ("urgent", "emergency"):
                instances = advice.get(stance, ())
                if instances:
                    own = distinct(i.rule for i in instances)
                    rules += own
                    about.append((name, stance))
                    label = self.interventions[name].label
                    text = sentence(label) if stance == "urgent" else f"Emergency pathway instead of: {label}"
                    items.append(Item(text, intervention=name, stance=stance, rules=own))
        held = list(self._held(bypass))
        waiting = self.tables.add(Table("", "What waits meanwhile", "Not now", tuple(held), "held")) if held else ""
        about += [(i.intervention or "", i.stance) for i in held]
        rules += [r for i in held for r in i.rules]
        urgent = [i for i in items if i.stance == "urgent"]
        title = f"At once: {self.interventions[urgent[0].intervention or ''].label}" if len(urgent) == 1 else "At once"
        body = tuple(items) if items != urgent or len(urgent) != 1 else ()
        leave = Node(
            "urgent", "urgent", title, body=body, table=waiting, interventions=tuple(about), rules=distinct(rules)
        )
        node = Node("bypass", "decision", question, table=table, criterion=bypass, rules=bypass.rules)
        return Step(node, leave, yes_down=False)

    def _held(self, bypass: Criterion) -> Iterable[Item]:
        """What is held back while somebody leaves the pathway."""
        for name, advice in self.advice.items():
            instances = [
                i
                for i in advice.get(HOLD, ())
                if bypass.element is not None and bypass.element in self.criteria.implied(self.criteria.conditions(i))
            ]
            if instances:
                rules = distinct(i.rule for i in instances)
                self.refused.setdefault((name, HOLD), set()).update(r.id or "" for r in rules)
                label = self.interventions[name].label
                yield Item(sentence(label), intervention=name, stance=HOLD, rules=rules)

    def _gate(
        self, gate: GroundElement, before: Phase, following: Sequence[Sequence[str]], members: dict[str, list[str]]
    ) -> Step:
        criterion = self.criteria.criterion(gate)
        question = self.criteria.question(gate)
        table = self.tables.letter(question.rstrip("?"), criterion)
        names = [n for level in following for key in level for n in members[key]]
        deferred = [(n, s, r) for n in names for s, r in self._against(n, gate)]
        for name, stance, rules in deferred:
            self.refused.setdefault((name, stance), set()).update(r.id or "" for r in rules)
        items = tuple(
            Item(f"{STANCE_WORD[s]}: {self.interventions[n].label}", intervention=n, stance=s, rules=r)
            for n, s, r in deferred
        )
        actions = [s.node for s in before.steps if s.node.kind == "action"]
        back = actions[0].key if actions else ""
        leave = Node(
            f"no:{gate}",
            "exit",
            "Not yet",
            body=items,
            returns=back,
            unstated=True,
            interventions=tuple((n, s) for n, s, _ in deferred),
            rules=distinct(x for *_, r in deferred for x in r),
        )
        return Step(
            Node(f"gate:{gate}", "decision", question, table=table, criterion=criterion, rules=criterion.rules), leave
        )

    def _against(self, name: str, gate: GroundElement) -> list[tuple[str, tuple[tree.Rule, ...]]]:
        """The stances against an intervention that hold because the gate does not."""
        assert isinstance(gate, GroundLiteral)
        opposite = GroundLiteral(gate.atom, not gate.negated)
        found: list[tuple[str, tuple[tree.Rule, ...]]] = []
        for stance in REFUSING:
            rules = distinct(i.rule for i in self.advice[name].get(stance, ()) if opposite in i.elements)
            if rules:
                found.append((stance, rules))
        return found

    def _steps(
        self, key: str, names: Sequence[str], settled: frozenset[GroundElement], last: bool, title: str
    ) -> Iterable[Step]:
        main = [n for n in names if n in self.main and self._speaking_for(n)]
        others = [n for n in names if n not in main]
        explicit = bool(set(main) & set(self.guideline.main)) or len(main) <= 2
        if not explicit:
            main, others = [], list(names)
        for name in main:
            yield from self._main_steps(name, settled, ends=last and name == main[-1] and not others)
        if any(self.advice[n].get(s) for n in others for s in (*ANSWERED, *REFUSING)):
            yield self._list_step(key, others, settled, title if not main else f"{title}: also")

    def _main_steps(self, name: str, settled: frozenset[GroundElement], *, ends: bool) -> Iterable[Step]:
        instances = self._speaking_for(name)
        bodies = {self._open(i, name, settled): i for i in instances}
        rules = distinct(i.rule for i in instances)
        refusals = list(self._refusals(name, settled))
        if not any(not body for body in bodies):
            if len(bodies) == 1:
                ((body, instance),) = bodies.items()
                criterion = (
                    self.criteria.criterion(body[0])
                    if len(body) == 1
                    else self.criteria.group(
                        [instance], without=frozenset(self.criteria.conditions(instance)) - set(body)
                    )
                )
            else:
                body = ()
                criterion = self.criteria.group(list(bodies.values()), without=settled | self.passed | self.done[name])
            question = (
                self.criteria.question(body[0])
                if len(body) == 1
                else f"Criteria for {self.interventions[name].label} met?"
            )
            table = self.tables.letter(question.rstrip("?"), criterion) if criterion.parts else ""
            refusing = distinct(r for i in refusals for r in i.rules)
            label = self.interventions[name].label
            words = " / ".join(dict.fromkeys(i.heading for i in refusals)) or STANCE_WORD["defer"]
            leave = Node(
                f"no:{name}",
                "exit",
                f"{words}: {label}",
                body=tuple(refusals) if len(refusals) > 1 else (),
                interventions=tuple((name, i.stance) for i in refusals) or ((name, "defer"),),
                rules=refusing,
                unstated=not refusing,
            )
            refusals = []
            decision = Node(
                f"decide:{name}", "decision", question, table=table, criterion=criterion, rules=criterion.rules
            )
            yield Step(decision, leave, rejoins=not ends)
        yield Step(self._action(name, rules, settled, refusals))

    def _refusals(self, name: str, settled: frozenset[GroundElement]) -> Iterable[Item]:
        """One line for each stance against an intervention, of the rules that nothing before it shows."""
        for stance in REFUSING:
            shown = self.refused.get((name, stance), set())
            instances = [i for i in self.advice[name].get(stance, ()) if i.rule.id not in shown]
            if instances:
                yield self._line(name, stance, instances, settled)

    def _line(self, name: str, stance: str, instances: Sequence[GroundRule], settled: frozenset[GroundElement]) -> Item:
        """A stance on the intervention that a box is about, with what it depends on."""
        bodies = list(dict.fromkeys(self._open(i, name, settled) for i in instances))
        words = " or ".join(" and ".join(self.criteria.text(e) for e in body) for body in bodies)
        text = f"if {words}" if all(bodies) and len(words) <= LONGEST_LINE else self.interventions[name].label
        rules = distinct(i.rule for i in instances)
        return Item(text, None, 0, STANCE_WORD[stance], name, stance, rules)

    def _action(
        self, name: str, rules: tuple[tree.Rule, ...], settled: frozenset[GroundElement], refusals: Sequence[Item]
    ) -> Node:
        """An action: its stances, a line for each where there are several; then what it includes and requires."""
        label = self.interventions[name].label
        given = [s for s in ANSWERED if self.advice[name].get(s)]
        title = sentence(label) if "do" in given else f"Consider {label}"
        items: list[Item] = []
        if len(given) > 1 or refusals:
            items += [self._line(name, s, self.advice[name][s], settled) for s in given]
            items += refusals
        items += self._included(name, settled, set())
        items += [
            Item(f"Requires: {self.criteria.text(e)}", self.criteria.criterion(e))
            for e in sorted(self.done[name], key=str)
            if isinstance(e, GroundLiteral)
        ]
        about = tuple((name, s) for s in (*given, *(i.stance for i in refusals)))
        rules = distinct((*rules, *(r for i in refusals for r in i.rules)))
        return Node(f"do:{name}", "action", title, body=tuple(items), interventions=about, rules=rules)

    def _included(
        self, name: str, settled: frozenset[GroundElement], known: set[str], level: int = 0
    ) -> Iterable[Item]:
        for atom in self.program.reachable("include", name):
            if str(atom[2]) in known:
                continue
            for instance in self.program.instances[atom]:
                says = instance.rule.annotation("says")
                patient = instance.rule.head.terms[0] if instance.rule.head else None
                words = (
                    fill(tree.plain(says), instance.substitution, getattr(patient, "name", None), self.names)
                    if says
                    else str(atom[2])
                )
                conditions = self._open(instance, name, settled)
                condition = self.criteria.group([instance]) if conditions else None
                if conditions and ":" not in words:
                    words += f", if {' and '.join(self.criteria.text(e) for e in conditions)}"
                yield Item(sentence(words), condition, level, rules=(instance.rule,))

    def _list_step(self, key: str, names: Sequence[str], settled: frozenset[GroundElement], title: str) -> Step:
        items: list[Item] = []
        about: list[tuple[str, str]] = []
        for stance in (*ANSWERED, "avoid", "defer", HOLD):
            for name in names:
                shown = self.refused.get((name, stance), set())
                instances = [i for i in self.advice[name].get(stance, ()) if i.rule.id not in shown]
                if not instances:
                    continue
                about.append((name, stance))
                if stance in ("defer", HOLD) and (self._speaking_for(name) or self._leaving(name)):
                    # The other side of what is listed above: by name alone.
                    label, rules = sentence(self.interventions[name].label), distinct(i.rule for i in instances)
                    items.append(Item(label, None, 0, STANCE_WORD[stance], name, stance, rules))
                    continue
                items += self._list_items(name, stance, instances, settled, set(names))
        rules = distinct(r for i in items for r in i.rules if i.level == 0)
        node = Node(f"list:{key}", "action", title, interventions=tuple(about), rules=rules)
        return Step(replace(node, body=tuple(items)))

    def _list_items(
        self,
        name: str,
        stance: str,
        instances: Sequence[GroundRule],
        settled: frozenset[GroundElement],
        siblings: set[str],
    ) -> Iterable[Item]:
        bodies = {self._open(i, name, settled): i for i in instances}
        rules = distinct(i.rule for i in instances)
        text = next((title_of(r) for r in rules if title_of(r)), "") if stance in ANSWERED else ""
        text = text or self.interventions[name].label
        condition: Criterion | None = None
        if all(bodies):
            words = " or ".join(" and ".join(self.criteria.text(e) for e in body) for body in bodies)
            text += f", if {words}"
            condition = self.criteria.group(list(bodies.values()))
        if settled and not all(settled <= self.criteria.needs(self.criteria.conditions(i)) for i in instances):
            text += "; does not depend on the decisions above"
        yield Item(sentence(text), condition, 0, STANCE_WORD[stance], name, stance, rules)
        if stance in ANSWERED:
            yield from self._included(name, settled, siblings, 1)
