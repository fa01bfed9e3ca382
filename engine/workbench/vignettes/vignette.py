"""Vignettes: patient files with the answers that a clinician expects (kb/lumbar_radiculopathy/vignettes/README.md).

Finds them, and reads `expect` strictly: a key, status, statement or intervention that does not exist is an InputError
with its place and the nearest right name. Nothing is evaluated or compared here.

    GL921  no vignettes, or none of that name     GL923  unknown key of an expectation
    GL922  not the shape of an expectation        GL924  unknown name or value in an expectation
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from guidelog.diagnostics import Diagnostic, InputError, Label, Report
from guidelog.language.guideline import GuidelineFolder
from guidelog.language.names import Names
from guidelog.patients import ListNode, MapNode, Node, Patient, ScalarNode, read_patient, read_text
from guidelog.patients.node import did_you_mean, quoted, suggestion
from guidelog.semantics.status import Because, Status
from guidelog.source import Span

FOLDER = "vignettes"
_SUFFIXES = (".yaml", ".yml", ".json")
_KEYS = ("why", "statements", "fires", "withholds", "answers", "notes", "no_notes", "no_advice")
_ANSWER_KEYS = (
    "status",
    "because",
    "if_resolved",
    "questions",
    "statements",
    "decisions",
    "includes",
    "items",
    "rules",
    "not_rules",
)
_STATUSES: Mapping[str, Status] = {s.value: s for s in Status}
_BECAUSE: Mapping[str, Because] = {b.value: b for b in Because}

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Named:
    """A name that an author wrote, with its place."""

    name: str
    span: Span


@dataclass(frozen=True, slots=True)
class ExpectedAnswer:
    """What is expected of the answer about one intervention; what is None is not looked at.

    `includes` are the statements of the included items, `items` their names.
    """

    intervention: str
    span: Span
    status: Status | None = None
    because: Because | None = None
    if_resolved: frozenset[Status] | None = None
    questions: frozenset[frozenset[str]] | None = None
    statements: tuple[str, ...] = ()
    decisions: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    not_rules: tuple[str, ...] = ()
    includes: frozenset[str] | None = None
    items: frozenset[str] | None = None
    places: Mapping[str, Span] = field(default_factory=dict, compare=False)

    def place(self, key: str) -> Span:
        """Where the author wrote what is expected."""
        return self.places.get(key, self.span)


@dataclass(frozen=True, slots=True)
class Expected:
    """All that a vignette expects. `fires` and `withholds` are statements, `about` statements and decisions."""

    why: str
    about: tuple[Named, ...]
    fires: tuple[Named, ...]
    withholds: tuple[Named, ...]
    answers: tuple[ExpectedAnswer, ...]
    notes: tuple[Named, ...]
    no_notes: tuple[Named, ...]
    no_advice: tuple[Named, ...]


@dataclass(frozen=True, slots=True)
class Vignette:
    """A patient with expectations; `path` is shown to the author."""

    path: str
    patient: Patient
    expected: Expected

    @property
    def name(self) -> str:
        return Path(self.path).stem

    def matches(self, words: str) -> bool:
        """Whether each word is part of the file's name or of the id, or names what the vignette is about."""
        about = [n.name for n in (*self.expected.about, *self.expected.fires, *self.expected.withholds)]
        return all(
            word in self.name or word in self.patient.id or word in about for word in words.replace(",", " ").split()
        )


def vignette_files(guideline: GuidelineFolder, paths: Iterable[str] = ()) -> list[Path]:
    """The named files (folders: what is in and below them), or all of the guideline's. Raises InputError (GL921)."""
    chosen = [Path(p) for p in paths]
    folders = [p for p in chosen if p.is_dir()] or ([] if chosen else [guideline.folder / FOLDER])
    files = [p for p in chosen if not p.is_dir()]
    for folder in folders:
        found = sorted(p for p in folder.rglob("*") if p.suffix in _SUFFIXES) if folder.is_dir() else []
        if not found:
            hint = "a vignette is a patient file with `expect`; `guidelog new` writes an example"
            raise InputError.of("GL921", f"`{_shown(folder)}` has no vignettes", hint=hint)
        files += found
    return files


def read_vignettes(files: Iterable[Path], names: Names) -> list[Vignette]:
    """The vignettes in files. Raises InputError with the problems of all of them."""
    found, problems = readable_vignettes(files, names)
    if problems:
        raise InputError(problems)
    return found


def readable_vignettes(files: Iterable[Path], names: Names) -> tuple[list[Vignette], list[Diagnostic]]:
    """The vignettes that can be read, and the problems of the others."""
    found: list[Vignette] = []
    problems: list[Diagnostic] = []
    for path in files:
        try:
            found.append(read_vignette(path, names))
        except InputError as error:
            problems += error.diagnostics
    return found, problems


def read_vignette(path: Path, names: Names) -> Vignette:
    """The vignette in a file. Raises InputError with all that is wrong with the record and the expectations."""
    source = read_text(_shown(path))
    patient = read_patient(source, names.vocabulary)
    if patient.expect is None:
        hint = "add `expect:` with what the answers should be; without it the file is an ordinary patient record"
        raise InputError.of("GL922", f"`{source.name}` expects nothing", hint=hint, span=Span(source, 0, 1))
    return Vignette(source.name, patient, _Reader(names).expected(patient.expect))


class _Reader:
    """Reads one `expect`; each part is read even when another one is wrong."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.problems: list[Diagnostic] = []

    def expected(self, node: Node) -> Expected:
        parts = dict(self.parts(node, _KEYS, "an expectation"))
        both = {**dict.fromkeys(self.names.statements), **dict.fromkeys(self.names.decisions)}
        statements, advice = self.names.statements, self.names.vocabulary.interventions

        def listed(key: str, known: Iterable[str], what: str) -> tuple[Named, ...]:
            return self.listed(parts.get(key), known, what)

        found = Expected(
            why=self.text(parts.get("why")),
            about=listed("statements", both, "statement or decision"),
            fires=listed("fires", statements, "statement"),
            withholds=listed("withholds", statements, "statement"),
            answers=tuple(self.answers(parts.get("answers"))),
            notes=listed("notes", statements, "statement"),
            no_notes=listed("no_notes", statements, "statement"),
            no_advice=listed("no_advice", advice, "intervention"),
        )
        if self.problems:
            raise InputError(Report(self.problems).sorted())
        return found

    def parts(self, node: Node, keys: tuple[str, ...], what: str) -> Iterator[tuple[str, Node]]:
        if not isinstance(node, MapNode):
            self.add("GL922", f"{what} holds names with values", node.span, "write one `name: value` a line")
            return
        for entry in node.entries:
            if entry.key.text in keys:
                yield entry.key.text, entry.value
            else:
                hint = did_you_mean(suggestion(entry.key.text, keys)) or f"the keys are {', '.join(keys)}"
                self.add("GL923", f"{what} has no key {quoted(entry.key.text)}", entry.key.span, hint)

    def answers(self, node: Node | None) -> Iterator[ExpectedAnswer]:
        if node is None:
            return
        if not isinstance(node, MapNode):
            self.add(
                "GL922", "`answers` holds interventions with statuses", node.span, "write one `name: status` a line"
            )
            return
        known = tuple(self.names.vocabulary.interventions)
        for entry in node.entries:
            if entry.key.text not in known:
                near = did_you_mean(suggestion(entry.key.text, known))
                self.add("GL924", f"there is no intervention {quoted(entry.key.text)}", entry.key.span, near)
                continue
            if isinstance(entry.value, ScalarNode):
                status = self.word(entry.value, _STATUSES, "status")
                yield ExpectedAnswer(entry.key.text, entry.span, status, places={"status": entry.value.span})
            else:
                yield self.answer(entry.key.text, entry.span, entry.value)

    def answer(self, intervention: str, span: Span, node: Node) -> ExpectedAnswer:
        parts = dict(self.parts(node, _ANSWER_KEYS, "an expected answer"))

        def listed(key: str, known: Iterable[str] | None, what: str) -> tuple[str, ...]:
            return tuple(n.name for n in self.listed(parts.get(key), known, what))

        statements = self.names.statements
        status, because = parts.get("status"), parts.get("because")
        includes = frozenset(listed("includes", statements, "statement")) if "includes" in parts else None
        resolved = parts.get("if_resolved")
        return ExpectedAnswer(
            intervention,
            span,
            None if status is None else self.word(status, _STATUSES, "status"),
            None if because is None else self.word(because, _BECAUSE, "reason"),
            None
            if resolved is None
            else frozenset(_STATUSES[n.name] for n in self.listed(resolved, _STATUSES, "status")),
            self.questions(parts["questions"]) if "questions" in parts else None,
            listed("statements", statements, "statement"),
            listed("decisions", self.names.decisions, "decision"),
            listed("rules", None, "rule"),
            listed("not_rules", None, "rule"),
            includes,
            frozenset(listed("items", None, "item")) if "items" in parts else None,
            {key: value.span for key, value in parts.items()},
        )

    def questions(self, node: Node) -> frozenset[frozenset[str]]:
        vocabulary = self.names.vocabulary
        known = [*vocabulary.findings, *vocabulary.measures, *(f"screen:{name}" for name in vocabulary.screens)]
        if not isinstance(node, ListNode):
            self.add("GL922", "`questions` is a list of lists", node.span, "write `questions: [[name, name]]`")
            return frozenset()
        return frozenset(frozenset(n.name for n in self.listed(item, known, "question")) for item in node.items)

    def listed(self, node: Node | None, known: Iterable[str] | None, what: str) -> tuple[Named, ...]:
        if node is None:
            return ()
        if not isinstance(node, ListNode):
            self.add("GL922", f"this is a list of {what}s", node.span, "write `[name, name]`")
            return ()
        found: list[Named] = []
        names = None if known is None else tuple(known)
        for item in node.items:
            if not isinstance(item, ScalarNode):
                self.add("GL922", f"a {what} is a name", item.span, None)
            elif names is not None and item.text not in names:
                near = did_you_mean(suggestion(item.text, names))
                self.add("GL924", f"there is no {what} {quoted(item.text)}", item.span, near)
            else:
                found.append(Named(item.text, item.span))
        return tuple(found)

    def word(self, node: Node, words: Mapping[str, _T], what: str) -> _T | None:
        if isinstance(node, ScalarNode) and node.text in words:
            return words[node.text]
        text = node.text if isinstance(node, ScalarNode) else ""
        hint = did_you_mean(suggestion(text, tuple(words))) or f"there are {', '.join(words)}"
        self.add("GL924", f"{quoted(text)} is not a {what}" if text else f"a {what} is a word", node.span, hint)
        return None

    def text(self, node: Node | None) -> str:
        if node is None:
            return ""
        if isinstance(node, ScalarNode):
            return " ".join(node.text.split())
        self.add("GL922", "`why` is a text", node.span, None)
        return ""

    def add(self, code: str, message: str, span: Span, hint: str | None) -> None:
        self.problems.append(Diagnostic(code, message, (Label(span),), hint=hint))


def _shown(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
