"""Questions to the rules about one patient, line by line: what the `repl` command shows.

A query is a rule body, `?- advise(P, mri_lumbar, S).`: it is checked as a rule, grounded with the others, and answered
with every substitution and its value, true or unknown. Commands begin with a colon. A line never changes files.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from guidelog.checks import References, check_program
from guidelog.compiled import Compiled
from guidelog.diagnostics import Diagnostic, InputError, Severity, nearest, render
from guidelog.fhir.any_record import read_file
from guidelog.ground.grounder import ground
from guidelog.ground.program import Atom, GroundProgram
from guidelog.language import parse_statement, tree
from guidelog.language.clauses import analyse
from guidelog.language.names import Kind, Names, Predicate
from guidelog.language.stances import STANCES
from guidelog.patients import Facts, Patient, patient_from_content
from guidelog.pipeline import settle
from guidelog.semantics.kleene import evaluate
from guidelog.source import Source, Span

from .trace.statement_rules import Register
from .vignettes.cases import Case, case_of
from .vignettes.mismatch import why_rule

QUERY = "query"
COMMANDS: Mapping[str, str] = {
    ":patient FILE": "take the patient from a file; without a file, show the record",
    ":set NAME=VALUE": "change the record: present, absent, unknown, a number, or complete for a screen",
    ":unset NAME": "take a name out of the record",
    ":status [INTERVENTION]": "the status of one or all interventions",
    ":why ATOM": "why an atom holds, fails or is open",
    ":names [WORD]": "declared names, those with the word in them",
    ":reload": "read the rules again",
    ":help": "this list",
    ":quit": "leave",
}
_WORDS = {True: "true", None: "unknown", False: "false"}
_MOST = 200


class Session:
    """The state between lines: the compiled rules and the record as plain content."""

    def __init__(self, load: Callable[[], Compiled], content: Mapping[str, Any] | None = None) -> None:
        self.load = load
        self.compiled = load()
        self.content: dict[str, Any] = dict(content or {"patient": "nobody"})
        self.done = False

    @property
    def names(self) -> Names:
        return self.compiled.names

    def answer(self, line: str) -> str:
        """What to show for a line; mistakes are shown, not raised."""
        text = line.strip()
        try:
            if not text or text.startswith("%"):
                return ""
            if text.startswith(":") and not text.startswith(":-"):
                command, _, rest = text.partition(" ")
                return self.command(command, rest.strip())
            return self.query(text)
        except InputError as error:
            return "\n".join(render(d) for d in error.diagnostics)

    def complete(self, text: str) -> list[str]:
        """Names and commands that begin with a text."""
        vocabulary = self.names.vocabulary
        tables: Sequence[Iterable[str]] = (
            (c.split()[0] for c in COMMANDS),
            self.names.predicates,
            vocabulary.findings,
            vocabulary.measures,
            vocabulary.screens,
            vocabulary.interventions,
            (*STANCES, "present", "absent", "unknown", "complete"),
        )
        return sorted({name for table in tables for name in table if name.startswith(text)})

    # queries
    def query(self, text: str) -> str:
        """The substitutions under which a body holds or may hold."""
        body = text.removeprefix("?-").removeprefix(":-").strip().rstrip(".")
        source = Source("<query>", f":- {body}.")
        parsed = parse_statement(Span(source, 0, len(source.text)))
        if isinstance(parsed, Diagnostic):
            raise InputError([parsed])
        assert isinstance(parsed, tree.Rule)
        program, variables = self.asked(parsed)
        world = evaluate(program, self.facts())
        found: list[tuple[Atom, bool | None]] = []
        for atom in program.reachable(QUERY):
            value = world.atom(atom)
            if value is not False:
                found.append((atom, value))
        if not variables:
            value = found[0][1] if found else False
            return _WORDS[value] + "."
        lines = []
        for atom, value in sorted(found, key=lambda pair: (pair[1] is None, list(map(str, pair[0]))))[:_MOST]:
            shown = ", ".join(f"{name} = {constant}" for name, constant in zip(variables, atom[1:], strict=True))
            lines.append(f"{shown}: {_WORDS[value]}")
        if len(found) > _MOST:
            lines.append(f"and {len(found) - _MOST} more")
        return "\n".join(lines) or "nothing."

    def asked(self, parsed: tree.Rule) -> tuple[GroundProgram, tuple[str, ...]]:
        """The program with the query as one more rule, and the variables that are shown."""
        self.check(parsed)
        clause = analyse(parsed, self.names)
        shown = tuple(name for name in clause.variables if not name.startswith("_"))
        patient = () if clause.patient is None else (tree.Variable(clause.patient),)
        head = tree.Atom(QUERY, (*patient, *map(tree.Variable, shown)))
        rule = tree.Rule(head, parsed.body, (tree.Attribute("id", (tree.Text(QUERY),)),), parsed.span)
        types = (*(("patient",) if patient else ()), *["symbol"] * len(shown))
        kind = Kind.CONCEPT if patient else Kind.RELATION
        names = replace(self.names, predicates={**self.names.predicates, QUERY: Predicate(QUERY, types, kind)})
        program = self.compiled.program
        extended = replace(program, statements=(*program.statements, rule))
        return ground(extended, names, self.compiled.readings), shown

    def check(self, parsed: tree.Rule) -> None:
        """Have the query checked as the body of a rule. Raises InputError with what is wrong with it."""
        patients = [
            term
            for element in parsed.body
            for atom in tree.atoms_of(element)
            if (known := self.names.predicates.get(atom.predicate)) is not None and known.about_patient
            for term in atom.terms[:1]
            if isinstance(term, tree.Variable)
        ]
        head = tree.Atom(QUERY, tuple(patients[:1]) or (tree.Symbol("any"),))
        rule = tree.Rule(head, parsed.body, (tree.Attribute("id", (tree.Text(QUERY),)),), parsed.span)
        types = ("patient",) if patients else ("symbol",)
        kind = Kind.CONCEPT if patients else Kind.RELATION
        declared = {**self.names.predicates, QUERY: Predicate(QUERY, types, kind)}
        program = replace(self.compiled.program, statements=(*self.compiled.program.statements, rule))
        wrong = [
            d
            for d in check_program(program, replace(self.names, predicates=declared), References())
            if d.severity is Severity.ERROR and d.span is not None and d.span.source.name == "<query>"
        ]
        if wrong:
            raise InputError(wrong)

    # the patient
    def patient(self) -> Patient:
        return patient_from_content(self.content, self.names.vocabulary, "<record>")

    def facts(self) -> Facts:
        return settle(self.compiled, self.patient())[0]

    def case(self) -> Case:
        return case_of(self.compiled, self.patient(), Register(self.compiled.ground))

    # commands
    def command(self, command: str, rest: str) -> str:
        match command:
            case ":patient" | ":p":
                return self.take(rest)
            case ":set" | ":s":
                return self.set(rest)
            case ":unset":
                return self.unset(rest)
            case ":status":
                return self.status(rest)
            case ":why" | ":w":
                return self.why(rest)
            case ":names":
                return "\n".join(n for n in self.complete("") if rest in n and not n.startswith(":"))
            case ":reload" | ":r":
                self.compiled = self.load()
                return f"{len(self.compiled.program.rules)} rules"
            case ":help" | ":h":
                width = max(map(len, COMMANDS))
                lines = [f"{name:<{width}}  {says}" for name, says in COMMANDS.items()]
                return "\n".join(["?- advise(P, A, S).".ljust(width) + "  a query: any body of a rule", *lines])
            case ":quit" | ":q" | ":exit":
                self.done = True
                return ""
        near = nearest(command, [c.split()[0] for c in COMMANDS])
        return f"there is no command `{command}`" + (f"; did you mean `{near}`?" if near else "; `:help` lists them")

    def take(self, path: str) -> str:
        if path:
            patient, _ = read_file(Path(path).expanduser(), self.compiled.guideline, self.names.vocabulary)
            self.content = dict(patient.content)
        return "\n".join(f"{key}: {_plain(value)}" for key, value in self.content.items())

    def set(self, rest: str) -> str:
        name, separator, value = (part.strip() for part in rest.partition("="))
        if not separator or not name or not value:
            return "write `:set NAME=VALUE`"
        vocabulary = self.names.vocabulary
        part = next(
            (p for p, t in (("measures", vocabulary.measures), ("screens", vocabulary.screens)) if name in t),
            "findings",
        )
        said: Any = value
        if part == "measures" and value != "unknown":
            try:
                said = float(value) if "." in value else int(value)
            except ValueError:
                return f"`{value}` is not a number"
        changed = {**self.content, part: {**self.content.get(part, {}), name: said}}
        patient_from_content(changed, vocabulary, "<record>")
        self.content = changed
        return ""

    def unset(self, name: str) -> str:
        for part in ("findings", "measures", "screens"):
            if name in self.content.get(part, {}):
                kept = {k: v for k, v in self.content[part].items() if k != name}
                self.content = {**self.content, part: kept}
                return ""
        return f"the record does not list `{name}`"

    def status(self, name: str) -> str:
        known = self.names.vocabulary.interventions
        if name and name not in known:
            near = nearest(name, known)
            return f"there is no intervention `{name}`" + (f"; did you mean `{near}`?" if near else "")
        case = self.case()
        lines = []
        for intervention in [name] if name else known:
            because = case.because(intervention)
            lines.append(
                f"{intervention}: {case.status(intervention).value}" + (f" ({because.value})" if because else "")
            )
        return "\n".join(lines)

    def why(self, text: str) -> str:
        source = Source("<query>", f":- {text.rstrip('.')}.")
        parsed = parse_statement(Span(source, 0, len(source.text)))
        if isinstance(parsed, Diagnostic):
            raise InputError([parsed])
        assert isinstance(parsed, tree.Rule)
        element = parsed.body[0]
        if not isinstance(element, tree.Literal):
            return "write `:why ATOM`, for example `:why in_scope(P)`"
        self.check(parsed)
        atom, world = element.atom, self.case().world
        about = self.names.predicates[atom.predicate].about_patient
        wanted = [getattr(t, "name", getattr(t, "value", None)) for t in atom.terms[1 if about else 0 :]]
        fixed = [
            w if not isinstance(t, tree.Variable) else None
            for w, t in zip(wanted, atom.terms[1 if about else 0 :], strict=True)
        ]
        lines: list[str] = []
        for head, rules in self.compiled.ground.instances.items():
            if head[0] == atom.predicate and all(f is None or f == c for f, c in zip(fixed, head[1:], strict=True)):
                shown = f"{head[0]}({', '.join(map(str, head[1:]))})" if len(head) > 1 else str(head[0])
                lines.append(f"{shown} is {_WORDS[world.atom(head)]}")
                lines += [f"  {why_rule(world, rule)}" for rule in rules[:8]]
        return "\n".join(lines) or "no rule defines it"


def _plain(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{k}: {_plain(v)}" for k, v in value.items()) + "}"
    return str(value)
