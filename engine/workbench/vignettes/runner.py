"""Vignettes against the rules: what was expected, what came out, and why they differ.

A certified run asks through the pipeline, so that every compared answer carries a certificate that the independent
checker accepted. Comparing is lazy: the first difference costs no more than it takes to see it. On several processors
each runs a share of the vignettes, and what comes out is the same as on one. Processes are forked, so that nothing is
read or compiled again; where that is not possible (another platform, other threads running), or where the vignettes
are few, all run here. A process that dies costs time: its share is run here.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
import time
import warnings
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection

from guidelog.compiled import Compiled
from guidelog.diagnostics import Diagnostic, InputError
from guidelog.pipeline import CertificateError
from guidelog.semantics.kleene import KleeneEngine
from guidelog.semantics.status import STATUS_OF_STANCE, Status
from guidelog.source import Span

from ..trace.statement_rules import Register
from .cases import Case, case_of, certified_case
from .mismatch import why_rule, why_status
from .vignette import Expected, ExpectedAnswer, Named, Vignette


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One thing that is not as expected; `reasons` are short lines."""

    what: str
    expected: str
    got: str
    span: Span
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """A vignette that was run. `problems` are those of a record that has no answer at all."""

    vignette: Vignette
    case: Case | None
    mismatches: tuple[Mismatch, ...]
    problems: tuple[Diagnostic, ...]
    seconds: float

    @property
    def passed(self) -> bool:
        return not self.mismatches and not self.problems


def run(compiled: Compiled, vignettes: Iterable[Vignette], *, certified: bool = True) -> Iterator[Outcome]:
    """Each vignette with what differs.

    `certified` asks through the whole pipeline: certificates are written and checked. Atoms are evaluated on the ground
    rules either way, because that is fast; what makes an answer right is its certificate, not who found it.
    """
    register = Register(compiled.ground)
    quick = compiled.on(KleeneEngine)
    for vignette in vignettes:
        start = time.perf_counter()
        case: Case | None = None
        mismatches: tuple[Mismatch, ...] = ()
        problems: tuple[Diagnostic, ...] = ()
        try:
            wanted = [a.intervention for a in vignette.expected.answers]
            case = (
                certified_case(quick, vignette.patient, register, wanted)
                if certified and wanted
                else case_of(quick, vignette.patient, register)
            )
            mismatches = tuple(differences(case, vignette.expected))
        except InputError as error:
            problems = error.diagnostics
        except CertificateError as error:
            problems = (Diagnostic("GL925", f"the checker rejected a certificate of the engine's own: {error}"),)
        yield Outcome(vignette, case, mismatches, problems, time.perf_counter() - start)


def differences(case: Case, expected: Expected) -> Iterator[Mismatch]:
    """Everything that is not as expected, what is quick to see first."""
    for answer in expected.answers:
        if answer.status is not None and case.status(answer.intervention) is not answer.status:
            yield _status(case, answer, answer.status)
    yield from _statements(case, expected.fires, fires=True)
    yield from _statements(case, expected.withholds, fires=False)
    yield from _advice(case, expected.no_advice)
    yield from _notes(case, expected)
    for answer in expected.answers:
        if answer.status is None or case.status(answer.intervention) is answer.status:
            yield from _details(case, answer)


def _status(case: Case, expected: ExpectedAnswer, status: Status) -> Mismatch:
    got = case.status(expected.intervention)
    reasons = why_status(case.world, expected.intervention, status, got)
    said = got.value
    if got is Status.UNDETERMINED:
        because = case.because(expected.intervention)
        said += f" ({because.value})" if because else ""
    return Mismatch(expected.intervention, status.value, said, expected.place("status"), reasons)


def _statements(case: Case, named: Sequence[Named], *, fires: bool) -> Iterator[Mismatch]:
    for statement in named:
        value = case.register.value(case.world, statement.name)
        if value is fires:
            continue
        instances = case.register.by_statement[statement.name]
        reasons = tuple(dict.fromkeys(why_rule(case.world, i) for i in instances)) or ("no rule names this statement",)
        said = {True: "fires", False: "is withheld", None: "neither fires nor is withheld"}[value]
        yield Mismatch(statement.name, "fires" if fires else "is withheld", said, statement.span, reasons[:4])


def _advice(case: Case, named: Sequence[Named]) -> Iterator[Mismatch]:
    """Interventions about which nothing at all may be said."""
    for intervention in named:
        for stance in STATUS_OF_STANCE:
            atom = ("advise", intervention.name, stance)
            if case.world.atom(atom) is not False:
                rules = case.world.program.instances.get(atom, ())
                reasons = tuple(why_rule(case.world, r) for r in rules)
                yield Mismatch(intervention.name, "no advice", stance, intervention.span, reasons[:4])


def _notes(case: Case, expected: Expected) -> Iterator[Mismatch]:
    if not (expected.notes or expected.no_notes):
        return
    shown = {statement for note in case.notes for statement in note.statements}
    for name in expected.notes:
        if name.name not in shown:
            reasons = tuple(why_rule(case.world, i) for i in case.register.by_statement[name.name])
            yield Mismatch(f"note {name.name}", "shown", "not shown", name.span, reasons[:4])
    for name in expected.no_notes:
        if name.name in shown:
            rules = ", ".join(n.rule for n in case.notes if name.name in n.statements)
            yield Mismatch(f"note {name.name}", "not shown", f"shown by {rules}", name.span)


def _details(case: Case, expected: ExpectedAnswer) -> Iterator[Mismatch]:
    """What an answer with the right status still gets wrong; the questions last, because they cost most."""
    name = expected.intervention
    if expected.because is not None and (got := case.because(name)) is not expected.because:
        said = got.value if got else "is not undetermined"
        yield Mismatch(f"{name}: because", expected.because.value, said, expected.place("because"))
    wanted = (expected.statements, expected.decisions, expected.rules, expected.not_rules)
    if any(wanted) or expected.includes is not None or expected.items is not None:
        answer = case.answer(name)
        for key, names, found in (
            ("statements", expected.statements, answer.statements),
            ("decisions", expected.decisions, answer.decisions),
            ("rules", expected.rules, answer.rules),
        ):
            missing = [n for n in names if n not in found]
            if missing:
                yield Mismatch(f"{name}: {key}", ", ".join(missing), _listed(found), expected.place(key))
        present = [n for n in expected.not_rules if n in answer.rules]
        if present:
            yield Mismatch(
                f"{name}: rules", f"without {', '.join(present)}", _listed(answer.rules), expected.place("not_rules")
            )
        if expected.includes is not None:
            included = frozenset(s for item in answer.includes for s in item.statements)
            if included != expected.includes:
                reasons = tuple(f"includes {i.item} ({', '.join(i.rules)})" for i in answer.includes)
                yield Mismatch(
                    f"{name}: includes",
                    _listed(expected.includes),
                    _listed(included),
                    expected.place("includes"),
                    reasons,
                )
        items = frozenset(item.item for item in answer.includes)
        if expected.items is not None and items != expected.items:
            yield Mismatch(f"{name}: items", _listed(expected.items), _listed(items), expected.place("items"))
    if (
        expected.if_resolved is not None
        and (resolved := frozenset(case.answer(name).if_resolved)) != expected.if_resolved
    ):
        yield Mismatch(
            f"{name}: if_resolved",
            _listed(s.value for s in expected.if_resolved),
            _listed(s.value for s in resolved),
            expected.place("if_resolved"),
        )
    if expected.questions is not None:
        given = case.answer(name).questions
        asked = frozenset(frozenset(q) for q in given or ())
        if given is None or asked != expected.questions:
            yield Mismatch(
                f"{name}: questions",
                _questions(expected.questions),
                "too many to work out" if given is None else _questions(asked),
                expected.place("questions"),
            )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def _questions(sets: Iterable[Iterable[str]]) -> str:
    return " or ".join(sorted(f"[{', '.join(sorted(s))}]" for s in sets)) or "none"


MOST = 4
"""Processes unless told otherwise: beyond that, writing and checking certificates is no longer what takes the time."""

_FEW = 24
_Result = tuple[tuple[Mismatch, ...], tuple[Diagnostic, ...], float]


def run_shared(compiled: Compiled, vignettes: Sequence[Vignette], *, jobs: int | None, cases: bool) -> list[Outcome]:
    """Certified outcomes in the order of the vignettes. `cases` adds the evaluated patient to each, for coverage."""
    count = min(jobs or min(MOST, os.cpu_count() or 1), len(vignettes) // (_FEW // 2))
    if count < 2 or len(vignettes) < _FEW or sys.platform not in ("linux", "darwin") or threading.active_count() > 1:
        return list(run(compiled, vignettes))
    quick, register = compiled.on(KleeneEngine), Register(compiled.ground)
    _ = quick.rulebook  # read once, before there are several of us
    shares = [vignettes[number::count] for number in range(count)]
    others = [_start(quick, share) for share in shares[1:]]
    results = [_run(quick, shares[0]), *(_receive(quick, *other) for other in others)]
    found = []
    for number, vignette in enumerate(vignettes):
        mismatches, problems, seconds = results[number % count][number // count]
        case = case_of(quick, vignette.patient, register) if cases and not problems else None
        found.append(Outcome(vignette, case, mismatches, problems, seconds))
    return found


_Other = tuple[Sequence[Vignette], multiprocessing.process.BaseProcess, Connection]


def _start(compiled: Compiled, share: Sequence[Vignette]) -> _Other:
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_send, args=(compiled, share, sender), daemon=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside threads; there are none
        process.start()
    sender.close()
    return share, process, receiver


def _send(compiled: Compiled, share: Sequence[Vignette], sender: Connection) -> None:
    try:
        sender.send(_run(compiled, share))
    except KeyboardInterrupt:
        os._exit(130)  # the one that started this process says so


def _receive(
    compiled: Compiled, share: Sequence[Vignette], process: multiprocessing.process.BaseProcess, receiver: Connection
) -> list[_Result]:
    try:
        found: list[_Result] = receiver.recv()
    except (EOFError, OSError):
        found = _run(compiled, share)
    process.join()
    return found


def _run(compiled: Compiled, share: Sequence[Vignette]) -> list[_Result]:
    return [(o.mismatches, o.problems, o.seconds) for o in run(compiled, share)]
