"""What is shown about a name when the pointer rests on it: declaration, statement, wording, value on a vignette."""

from __future__ import annotations

from guidelog.ground.program import Atom
from guidelog.language import tree
from guidelog.language.guideline import GuidelineFolder
from guidelog.language.names import Kind, Names
from guidelog.semantics.kleene import World

from ..vignettes.mismatch import why_rule
from .occurrences import Occurrence

_WORDS = {True: "true", False: "false", None: "unknown"}
_FINDING_WORDS = {True: "present", False: "absent", None: "unknown"}
_MOST = 6


def describe(
    found: Occurrence,
    names: Names,
    guideline: GuidelineFolder | None,
    vignette: tuple[str, World] | None,
    program: tree.Program,
) -> str | None:
    """Markdown about an occurrence, or None when there is nothing to say."""
    lines = _declared(found, names, guideline, program)
    if lines is None:
        return None
    if vignette is not None:
        lines += _value(found, *vignette)
    return "\n\n".join(lines)


def _declared(
    found: Occurrence, names: Names, guideline: GuidelineFolder | None, program: tree.Program
) -> list[str] | None:
    vocabulary, name = names.vocabulary, found.name
    match found.kind:
        case "finding" if name in vocabulary.findings:
            finding = vocabulary.findings[name]
            asked = [f"*{finding.ask}*"] if finding.ask else []
            member_of = vocabulary.screens.get(finding.screen or "")
            screen = [f"belongs to {member_of.label}"] if member_of else []
            return [f"**{finding.label}** (finding)", *_wording(finding.when_true, finding.when_false), *asked, *screen]
        case "measure" if name in vocabulary.measures:
            measure = vocabulary.measures[name]
            asked = [f"*{measure.ask}*"] if measure.ask else []
            return [f"**{measure.label}** (measure, {measure.low} to {measure.high} {measure.unit})", *asked]
        case "screen" if name in vocabulary.screens:
            screen_ = vocabulary.screens[name]
            return [f"**{screen_.label}** (screen)", ", ".join(f"`{m}`" for m in screen_.members)]
        case "intervention" if name in vocabulary.interventions:
            intervention = vocabulary.interventions[name]
            return [f"**{intervention.label}** (intervention{f', {intervention.group}' if intervention.group else ''})"]
        case "statement" if name in names.statements:
            info = names.statements[name]
            cites = [_citation(number, guideline) for number in info.cites]
            return [f"**{name}** {info.says}", *cites]
        case "decision" if name in names.decisions:
            decision = names.decisions[name]
            return [f"**{name}** {decision.point}", f"decided: {decision.decided}"]
        case "reading" if name in names.readings:
            reading = names.readings[name]
            return [
                f"**{reading.label}** (reading)",
                *(f"`{o}`: {w}" for o, w in reading.options.items()),
                f"chosen: `{reading.chosen}`",
            ]
        case "citation":
            return [_citation(int(name), guideline)] if name.isdigit() else None
        case "rule":
            return _rule(name, names, program)
        case "predicate" if name in names.predicates:
            predicate = names.predicates[name]
            columns = ", ".join(f"{n}: {t}" for n, t in zip(predicate.parameters, predicate.types, strict=False))
            count = sum(r.head is not None and r.head.predicate == name for r in program.rules)
            given = [f"{count} rules and facts"] if predicate.kind is not Kind.INPUT else ["from the patient record"]
            return [f"`{name}({columns})`", *_wording(predicate.when_true, predicate.when_false), *given]
    return None


def _rule(name: str, names: Names, program: tree.Program) -> list[str] | None:
    rule = next((r for r in program.rules if r.id == name), None)
    if rule is None:
        return None
    says = rule.annotation("says") or rule.annotation("title")
    lines = [f"**{name}** {tree.plain(says) if says else ''}"]
    known = [names.statements[s] for s in rule.listed("statements") if s in names.statements]
    return [*lines, *(f"{info.id}: {info.says}" for info in known)]


def _wording(when_true: str | None, when_false: str | None) -> list[str]:
    return [f"{word}: {text}" for word, text in (("true", when_true), ("false", when_false)) if text]


def _citation(number: int, guideline: GuidelineFolder | None) -> str:
    if guideline is None:
        return f"[{number}]"
    reference = guideline.references.get(number)
    if reference is None:
        return f"[{number}] not resolved by the source" if number in guideline.unresolved else f"[{number}] unknown"
    return f"[{number}] {reference.title}. {reference.publisher}" + (f" ({reference.year})" if reference.year else "")


def _value(found: Occurrence, vignette: str, world: World) -> list[str]:
    """What a name is worth on a vignette."""
    head = f"on `{vignette}`: "
    match found.kind:
        case "finding" if found.name in world.facts.findings:
            return [head + _FINDING_WORDS[world.facts.findings[found.name]]]
        case "measure" if found.name in world.facts.measures:
            measure, interval = world.program.names.vocabulary.measures[found.name], world.facts.measures[found.name]
            low, high = interval.low / measure.ticks, interval.high / measure.ticks
            return [head + (f"{low:g}" if low == high else f"between {low:g} and {high:g}") + f" {measure.unit}"]
        case "rule":
            rules = [r for rules in world.program.instances.values() for r in rules if r.rule.id == found.name]
            return [head + why_rule(world, r) for r in rules[:_MOST]]
        case "predicate":
            return [head + line for line in _atoms(found, world)]
    return []


def _atoms(found: Occurrence, world: World) -> list[str]:
    lines = []
    for atom in _matching(found, world)[:_MOST]:
        lines.append(f"`{_text(atom)}` is {_WORDS[world.atom(atom)]}")
        lines += [why_rule(world, rule) for rule in world.program.instances.get(atom, ())[:_MOST]]
    return lines


def _matching(found: Occurrence, world: World) -> list[Atom]:
    """The atoms that an occurrence can stand for: constants as written, variables any."""
    names = world.program.names
    if found.atom is None or found.name not in names.predicates:
        return []
    about = names.predicates[found.name].about_patient
    terms = found.atom.terms[1:] if about else found.atom.terms
    fixed = [None if isinstance(t, tree.Variable) else getattr(t, "name", getattr(t, "value", None)) for t in terms]
    if found.name == "finding" and fixed and fixed[0] is not None:
        return [("finding", str(fixed[0]))]
    return [
        atom
        for atom in world.program.reachable(found.name)
        if len(atom) - 1 == len(fixed) and all(f is None or f == c for f, c in zip(fixed, atom[1:], strict=True))
    ]


def _text(atom: Atom) -> str:
    return f"{atom[0]}({', '.join(map(str, atom[1:]))})" if len(atom) > 1 else str(atom[0])
