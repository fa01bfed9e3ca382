"""The front door: what `import guidelog` offers.

A guideline is loaded once and asked many times. Every result is an object with typed fields, `to_dict()` for programs,
and the words of the command line when it is printed; a notebook shows it as it is printed. Everything is immutable and
safe to share between threads, and nothing is written to standard output. All other modules of the package are internal.

    >>> import guidelog
    >>> guideline = guidelog.load("kb/lumbar_radiculopathy")
    >>> answers = guideline.ask("kb/lumbar_radiculopathy/vignettes/seed.yaml")
    >>> answers["nerve_root_injection"].status
    <Status.NOT_NOW: 'not_now'>
    >>> guideline.missing(answers).next.members[:2]
    ('urinary_retention', 'urinary_incontinence')

Errors are `GuidelogError`: `InputError` when a guideline, record or name cannot be used, with places and hints, and
`CertificateError` when the independent checker does not accept an answer; then there is none.
"""

from __future__ import annotations

import html
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from guidelog import checker, pipeline
from guidelog.compiled import Compiled
from guidelog.diagnostics import CertificateError, Diagnostic, GuidelogError, InputError, Report, nearest
from guidelog.explain.answers import Answer
from guidelog.explain.answers import Answers as CertifiedAnswers
from guidelog.language.guideline import load_guideline, read_guideline
from guidelog.patients import Patient, read_text
from guidelog.patients.content import as_json
from guidelog.patients.document import looks_like_fhir
from guidelog.patients.partial import read_as_far_as_possible
from guidelog.semantics.status import Because, Status
from guidelog.source import Source

if TYPE_CHECKING:
    from guidelog.explain.changes.smallest import Ways
    from guidelog.explain.changes.what_if import Difference as ChangedAnswer
    from guidelog.explain.changes.when import Forecast
    from guidelog.explain.questions.next import Next
    from guidelog.explain.why import Why
    from guidelog.explain.why_not import WhyNot
    from guidelog.verify.diff.result import Difference
    from guidelog.verify.properties.verdicts import Verification

__all__ = [
    "Answer",
    "Answers",
    "Because",
    "CertificateError",
    "Changes",
    "Diagnostic",
    "Explanation",
    "Guideline",
    "GuidelogError",
    "InputError",
    "Missing",
    "Patient",
    "Report",
    "Status",
    "check_certificate",
    "load",
]

Record = Patient | Mapping[str, Any] | str | os.PathLike[str]
"""A patient: one that was read, plain data (our form, or a FHIR resource or Bundle), or the path of a file."""


class _Printed:
    """A result that is shown as the command line prints it."""

    def _repr_html_(self) -> str:
        """What a notebook shows: the same words."""
        return f"<pre>{html.escape(str(self))}</pre>"


@dataclass(frozen=True)
class Answers(_Printed):
    """Certified answers for one patient, in the guideline's order: `answers["name"]`, or one after the other."""

    guideline: Guideline = field(repr=False)
    found: CertifiedAnswers = field(repr=False)
    """The answers with all that they rest on; internal, for the rooms that explain and draw them."""

    @cached_property
    def _by_name(self) -> dict[str, Answer]:
        return {answer.intervention: answer for answer in self.found.answers}

    def __getitem__(self, intervention: str) -> Answer:
        """The answer about an intervention. Raises InputError (GL612) for one that was not asked about."""
        if intervention not in self._by_name:
            near = nearest(intervention, self._by_name)
            raise InputError.of(
                "GL612",
                f"there is no answer about `{intervention}`",
                hint=f"did you mean `{near}`?" if near else f"there are: {', '.join(self._by_name)}",
            )
        return self._by_name[intervention]

    def __iter__(self) -> Iterator[Answer]:
        return iter(self.found.answers)

    def __len__(self) -> int:
        return len(self.found.answers)

    @property
    def patient(self) -> Patient:
        """Whose answers these are."""
        return self.found.patient

    @property
    def certificate(self) -> Mapping[str, Any]:
        """The certificate that the checker accepted, as `docs/certificates.md` describes it."""
        return self.found.certificate

    def to_dict(self) -> dict[str, Any]:
        """What `guidelog ask --format json` prints."""
        return self.found.to_json()

    def __str__(self) -> str:
        from guidelog.text.answers import render_answers

        return render_answers(self.found, self.guideline.main or None)


@dataclass(frozen=True)
class Explanation(_Printed):
    """Why an answer is as it is (`Why`), or why an intervention is not advised (`WhyNot`)."""

    reasons: Why | WhyNot
    _text: Callable[[], str] = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """What `guidelog why --format json` prints for one intervention."""
        return self.reasons.to_json()

    def __str__(self) -> str:
        return self._text()


@dataclass(frozen=True)
class Missing(_Printed):
    """The questions that would settle what is undetermined; `next` is the best one to ask, None when none is left."""

    next: Next | None
    questions: Mapping[str, tuple[tuple[str, ...], ...] | None]
    """For each undetermined intervention the smallest sets of questions; None where they are too many to list."""

    def to_dict(self) -> dict[str, Any]:
        """The next question, and the sets of questions by intervention."""
        questions = {name: None if sets is None else [list(s) for s in sets] for name, sets in self.questions.items()}
        return {"next": self.next.to_json() if self.next else None, "questions": questions}

    def __str__(self) -> str:
        from guidelog import wording

        return wording.NO_QUESTION_LEFT if self.next is None else wording.ask_next(self.next.says)


@dataclass(frozen=True)
class Changes(_Printed):
    """How answers change with a changed record: before, after, and the answers that differ."""

    before: Answers = field(repr=False)
    after: Answers = field(repr=False)
    changes: tuple[ChangedAnswer, ...]

    def to_dict(self) -> dict[str, Any]:
        """The changed answers."""
        return {"changes": [change.to_json() for change in self.changes]}

    def __str__(self) -> str:
        from guidelog import wording

        names = self.before.found.names
        if not self.changes:
            return wording.none_changes(len(self.before))
        return "\n".join(
            wording.change_of(wording.label_of(c.intervention, names), Status(c.before), Status(c.after))
            for c in self.changes
        )


@dataclass(frozen=True)
class Guideline:
    """A guideline ready to answer, from `guidelog.load`."""

    compiled: Compiled = field(repr=False)
    """The guideline as the rooms behind this door know it; internal."""

    @property
    def id(self) -> str:
        """Its identifier."""
        return self.compiled.guideline.id

    @property
    def version(self) -> str:
        """Its version."""
        return self.compiled.guideline.version

    @property
    def title(self) -> str:
        """Its title."""
        return self.compiled.guideline.title

    @property
    def interventions(self) -> tuple[str, ...]:
        """The names of all that it can be asked about, in order of declaration."""
        return tuple(self.compiled.names.vocabulary.interventions)

    @property
    def main(self) -> tuple[str, ...]:
        """The interventions that it exists for; empty where it does not say."""
        return tuple(self.compiled.guideline.main)

    def read(self, record: Record) -> Patient:
        """A patient from plain data or a file, in the form of docs/language.md or FHIR.

        A value that cannot be read, and findings that exclude each other, count as unknown and stand in
        `Patient.not_read`. Raises InputError where the record as a whole cannot be used, with the place of each fault.
        """
        if isinstance(record, Patient):
            return record
        return pipeline.without_contradictions(self.compiled, self._read(record))

    def _read(self, record: Mapping[str, Any] | str | os.PathLike[str]) -> Patient:
        vocabulary = self.compiled.names.vocabulary
        if isinstance(record, Mapping) and "resourceType" not in record:
            return read_as_far_as_possible(Source("<patient>", as_json(record)), vocabulary)[0]
        if not isinstance(record, Mapping) and not looks_like_fhir(record):
            return read_as_far_as_possible(read_text(record), vocabulary)[0]
        from guidelog.fhir.any_record import read_data, read_file  # with its own libraries, which others do without

        if isinstance(record, Mapping):
            return read_data(record, self.compiled.guideline, vocabulary)
        patient, _ = read_file(record, self.compiled.guideline, vocabulary)
        return patient

    def ask(self, patient: Record, interventions: Sequence[str] | None = None) -> Answers:
        """Certified answers about the named interventions, or all. Raises InputError, CertificateError.

        Rules are evaluated by pyDatalog; the independent checker has accepted every answer that is returned.
        """
        return Answers(self, pipeline.ask(self.compiled, self.read(patient), interventions))

    def why(self, answers: Answers, intervention: str, *, every: bool = False) -> Explanation:
        """The simplest proof of an answer, or with `every` all independent ones."""
        from guidelog.explain.why import why
        from guidelog.text.why import why_full, why_summary

        found = why(answers.found, answers[intervention], every=every)
        render = why_full if every else why_summary
        return Explanation(found, lambda: _page(render(found, answers.found)))

    def why_not(self, answers: Answers, intervention: str) -> Explanation:
        """Each route to an intervention, criterion by criterion, and what stands against it."""
        from guidelog.explain.why_not import why_not
        from guidelog.text.why_not import why_not_summary

        found = why_not(answers.found, answers[intervention])
        return Explanation(found, lambda: _page(why_not_summary(found, answers.found)))

    def missing(self, answers: Answers, interventions: Sequence[str] | None = None) -> Missing:
        """Which questions would settle the answers: the best next one, and the smallest sets."""
        from guidelog.explain.questions.next import next_question

        wanted = tuple(interventions or self.main or self.interventions)
        sets = {name: answers[name].questions for name in wanted if answers[name].status is Status.UNDETERMINED}
        return Missing(next_question(answers.found, wanted), sets)

    def what_if(
        self, patient: Record, changes: Mapping[str, str], interventions: Sequence[str] | None = None
    ) -> Changes:
        """The answers with inputs set, and which of them differ.

        `changes` are written as for `--set`: `{"some_finding": "present"}`, `{"some_weeks": "6+"}`.
        Raises InputError (GL430) for an input that cannot be set so.
        """
        from guidelog.explain.changes.what_if import apply, differences

        record = self.read(patient)
        changed = apply(record.content, changes, self.compiled.names)
        before, after = self.ask(record, interventions), self.ask(changed, interventions)
        return Changes(before, after, tuple(differences(before.found, after.found)))

    def ways_to(self, answers: Answers, intervention: str, status: Status) -> Ways:
        """The smallest changes of the record with which an intervention would have a status."""
        from guidelog.explain.changes.smallest import ways_to

        return ways_to(answers.found, intervention, status)

    def when(self, answers: Answers) -> Forecast:
        """The days on which answers change if nothing but time passes. Raises InputError (GL431) without a date."""
        from guidelog.explain.changes.when import when

        names = [answer.intervention for answer in answers]
        return when(answers.found, lambda later: pipeline.ask(self.compiled, later, names))

    def check(self) -> Report:
        """What is wrong with the rules, or doubtful."""
        _, report = pipeline.check(self.compiled.guideline)
        return report

    def verify(self, seconds: float | None = None) -> Verification:
        """Every property proved or broken for all patients; what is not decided within `seconds` is said."""
        from guidelog.solver.literals import Budget
        from guidelog.verify.properties.language import read_properties
        from guidelog.verify.properties.prove import verify

        return verify(self.compiled, read_properties(self.compiled).choose(()), budget=Budget(seconds), rules=True)

    def diff(self, other: Guideline, seconds: float | None = None) -> Difference:
        """Which answers differ in `other`, a later version of this guideline, with a certified patient for each."""
        from guidelog.solver.literals import Budget
        from guidelog.verify.diff.compare import compare

        return compare(self.compiled, other.compiled, budget=Budget(seconds))

    def diagram(
        self,
        kind: str,
        answers: Answers | None = None,
        intervention: str | None = None,
        *,
        format: str = "svg",  # noqa: A002 - the public name of the option
    ) -> bytes:
        """A picture: `pathway`, or of answers `patient`, and of one of them `proof` and `why-not`.

        Formats are svg, png, pdf, dot, mermaid, graphml and text; of several pages all formats but PDF give the first.
        Raises InputError (GL622) for a kind that there is not, or one that lacks its answers.
        """
        from guidelog.diagrams import pictures

        if format not in pictures.FORMATS:
            raise InputError.of(
                "GL622", f"there is no format `{format}`", hint=f"there are: {', '.join(pictures.FORMATS)}"
            )
        match kind, answers, intervention:
            case "pathway", _, _:
                picture = pictures.pathway_picture(self.compiled)
            case "patient", Answers(), _:
                picture = pictures.patient_picture(self.compiled, answers.found)
            case "proof", Answers(), str():
                picture = pictures.proof_picture(self.compiled, answers.found, answers[intervention])
            case "why-not", Answers(), str():
                picture = pictures.refusal_picture(self.compiled, answers.found, answers[intervention])
            case (("patient" | "proof" | "why-not"), _, _):
                needs = "answers" if kind == "patient" else "answers and an intervention"
                raise InputError.of("GL622", f"a picture of kind `{kind}` needs {needs}")
            case _:
                kinds = "pathway, patient, proof, why-not"
                raise InputError.of("GL622", f"there is no picture of kind `{kind}`", hint=f"there are: {kinds}")
        return next(content for _, content in pictures.rendered(picture, format))

    def __str__(self) -> str:
        guideline = self.compiled.guideline
        return f"{guideline.title}, version {guideline.version} ({guideline.review})"


def load(where: str | os.PathLike[str] | None = None, *, readings: Mapping[str, str] | None = None) -> Guideline:
    """The guideline in a folder, or by its name in kb/; without a name the one there is.

    `readings` chooses options of its readings. Raises InputError with every error that the checks find.
    """
    return Guideline(pipeline.compile_guideline(load_guideline(None if where is None else os.fspath(where)), readings))


def check_certificate(
    certificate: Mapping[str, Any], guideline: str | os.PathLike[str], record: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """The claims of a certificate, when the independent checker accepts it for the rules and the record given.

    Only the checker is asked; nothing of the engine. Raises CertificateError when it does not accept.
    """
    folder = read_guideline(Path(guideline))
    try:
        readings = {str(k): str(v) for k, v in certificate["guideline"]["readings"].items()}
        rules = checker.read_rules(folder.files, readings)
        return checker.check(certificate, rules, record, guideline={"id": folder.id, "version": folder.version})
    except (checker.Rejected, *checker.MALFORMED) as error:
        raise CertificateError(str(error)) from error


def _page(blocks: Any) -> str:
    from guidelog.text.page import join

    return blocks if isinstance(blocks, str) else join(list(blocks))
