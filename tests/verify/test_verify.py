"""`guidelog verify`: what is proved is true, what is broken has a witness that the engine confirms."""

from __future__ import annotations

import json
import random
import shutil
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest

from guidelog.compiled import Compiled
from guidelog.datalog.strata import StratifiedProgram, stratify
from guidelog.diagnostics import InputError
from guidelog.ground.grounder import ground
from guidelog.language.stances import STANCES
from guidelog.patients import patient_from_content, read_patient, read_text
from guidelog.pipeline import ask
from guidelog.semantics.status import Status, status_of, three_valued_status
from guidelog.solver import inputs as facts
from guidelog.solver import linear, records
from guidelog.solver.literals import Budget, Literals
from guidelog.verify.properties.language import read_properties
from guidelog.verify.properties.prove import verify
from guidelog.verify.properties.verdicts import Result, Verdict, Verification
from guidelog.verify.search.equivalence import Equivalence, Original
from guidelog.verify.search.questions import Outcome, Search
from guidelog.verify.witness import replay
from guidelog.verify.witness.candidate import content_of
from guidelog.workbench.mutation.mutants import Mutant, mutants
from verify_support import HEADER, LUMBAR, advise, all_worlds, lumbar, status, tiny

SCAN_RULES = advise("DO", "scan", "do", "in_scope(P), finding(P, tried)") + advise(
    "WAIT", "scan", "defer", "in_scope(P), !finding(P, tried), !finding(P, alarm)"
)


KEEPS_ORDER = """keeps(P, ordered) :- adds(P, alarm).
.concept ordered(P: patient) true("ordered") false("not ordered")
#[id = "O"] ordered(P) :- answer(P, scan, recommended)."""


@pytest.fixture(scope="module")
def guideline() -> Compiled:
    return lumbar()


@pytest.fixture(scope="module")
def found(guideline: Compiled) -> Verification:
    return verify(guideline, read_properties(guideline), ask)


def run(compiled: Compiled, *, rules: bool = False) -> Verification:
    return verify(compiled, read_properties(compiled), ask, rules=rules)


def only(found: Verification) -> Verdict:
    (verdict,) = found.verdicts
    return verdict


# the lumbar guideline


PROMISED = (
    "CAUDA-EQUINA",
    "RED-FLAG-KEEPS-MRI",
    "MRI-ORDER-OR-DEFER",
    "NO-EARLY-NOT-NOW",
    "NO-EARLY-REFUSAL",
    "SURGERY-EARNED",
    "EMERGENCY",
    "NO-CONFLICT",
    "NEXT-ACTION",
    "MONOTONE",
)


def test_every_property_of_the_lumbar_guideline_is_proved(found: Verification) -> None:
    assert {v.id: v.result for v in found.verdicts if v.result is not Result.PROVED} == {}
    assert not [v.id for v in found.verdicts if v.idle]
    assert set(PROMISED) <= {v.id for v in found.verdicts}
    assert found.complete
    assert not found.failed


def test_the_lumbar_rules_have_no_conflict_no_gap_and_no_dead_rule(found: Verification) -> None:
    assert [(r.kind, r.about) for r in found.remarks] == [("idle condition", "CRIT-C")]  # BG-1 implies it
    assert dict(found.checked)["rules"] > 80


@pytest.mark.parametrize("option", ["strict", "lax"])
def test_the_properties_hold_under_every_reading(option: str) -> None:
    from guidelog.language.guideline import load_guideline
    from guidelog.pipeline import compile_guideline
    from verify_support import LUMBAR

    compiled = compile_guideline(load_guideline(str(LUMBAR)), {"surgical_trial": option})
    assert all(v.result is Result.PROVED for v in run(compiled).verdicts)


# planted faults


def mutated(base: Compiled, mutant: Mutant) -> Compiled | None:
    grounded = ground(mutant.program, base.names, base.readings)
    stratified = stratify(grounded)
    if not isinstance(stratified, StratifiedProgram):
        return None
    return replace(base, program=mutant.program, ground=grounded, stratified=stratified)


def quick_ask(compiled: Compiled, patient, interventions=None):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
    """What `ask` says by three values, as the solver does, without certificates: the rule text on disk is not that of a mutant, so they cannot be checked against
    it."""
    from guidelog.explain import answers, assembly
    from guidelog.pipeline import settle
    from guidelog.semantics.kleene import World

    facts, steps = settle(compiled, patient)
    world = World(compiled.ground, facts, compiled.evaluate(facts))
    given = tuple(
        assembly.build(compiled.guideline, world, name, three_valued_status(world, name), None, None)
        for name in compiled.names.vocabulary.interventions
    )
    return answers.Answers(compiled.guideline, compiled.names, patient, facts, steps, given, (), {}, world)


def broken_by(compiled: Compiled) -> bool:
    """Whether some record breaks some property, or a property has become about nobody: one search for all."""
    properties = read_properties(compiled)
    search = Search(properties)
    outcome, _ = search.ask([search.circuit.any(*map(search.goal, properties.properties))], Budget(60))
    assert outcome is not Outcome.NOT_DECIDED
    if outcome is Outcome.POSSIBLE:
        return True
    return any(v.idle for v in verify(compiled, properties, quick_ask, rules=False).verdicts)


@pytest.mark.parametrize("step", [6, pytest.param(1, marks=pytest.mark.slow)])
def test_planted_faults_break_a_property_or_are_proved_to_change_no_answer(guideline: Compiled, step: int) -> None:
    """Mistakes in rules for advice, in what advice rests on, and in the background."""
    chosen = [
        m
        for m in mutants(guideline.program, guideline.names, guideline.readings)
        if not (m.rule.head and m.rule.head.predicate in ("note", "include"))
        and m.rule.annotation("remark") is None  # about how records are read
    ]
    original = Original(guideline.ground)
    planted, broken, escaped = 0, 0, []
    for mutant in chosen[::step]:
        compiled = mutated(guideline, mutant)
        if compiled is None:
            continue
        planted += 1
        if broken_by(compiled):
            broken += 1
        else:
            told = original.compare(compiled.ground, shown=False)
            if told.outcome is not Equivalence.SAME:
                escaped.append((mutant.kind, mutant.rule.id, mutant.says))
    assert planted >= 40
    assert broken >= 0.8 * planted
    assert escaped == []


def test_a_fault_that_is_called_broken_has_a_witness_that_the_engine_confirms(guideline: Compiled) -> None:
    chosen = list(mutants(guideline.program, guideline.names, guideline.readings))
    mutant = next(m for m in chosen if m.rule.id == "FAIL-1" and m.kind == "threshold")
    compiled = mutated(guideline, mutant)
    assert compiled is not None
    verdicts = verify(compiled, read_properties(compiled), quick_ask, rules=False).verdicts
    assert any(v.result is Result.BROKEN and v.witness is not None for v in verdicts)


# soundness against brute force


def random_rules(seed: int) -> str:
    """A few rules with negation, thresholds, ranges, sums and differences of measures, counting and background."""
    chance = random.Random(seed)
    literals = ["finding(P, alarm)", "!finding(P, alarm)", "finding(P, tried)", "!finding(P, tried)", "in_scope(P)"]
    comparisons = [
        "measure(P, days, D), D >= {n}",
        "measure(P, days, D), D < {n}",
        "measure(P, others, E), E > {n}",
        "measure(P, days, D), D = {n}",
        "measure(P, days, D), D != {n}",
        "measure(P, days, D), D >= {n}..{m}",
        "measure(P, days, D), measure(P, others, E), D + E >= {n}",
        "measure(P, days, D), measure(P, others, E), D < E",
        "measure(P, days, D), measure(P, others, E), D - E = {n}",
        "measure(P, days, D), measure(P, others, E), 2 * D != E + {n}",
        "atleast 2 {{ finding(P, alarm); finding(P, tried); !finding(P, ill) }}",
        "measure(P, others, E), 2 * E <= {n}",
    ]
    text = ['.concept c(P: patient) true("c") false("no c")', '.concept d(P: patient) true("d") false("no d")']

    def body(*also: str) -> str:
        n = chance.randint(0, 4)
        parts = ["patient(P)", chance.choice(literals), *also]
        if chance.random() < 0.7:
            parts.append(chance.choice(comparisons).format(n=n, m=n + chance.randint(0, 2)))
        return ", ".join(dict.fromkeys(parts))

    text += [f'#[id = "C{number}"]\nc(P) :- {body()}.' for number in range(chance.randint(1, 2))]
    text.append(f'#[id = "D"]\nd(P) :- {body(chance.choice(["c(P)", "!c(P)"]))}.')
    for number in range(chance.randint(2, 5)):
        also = chance.choice(["c(P)", "!c(P)", "d(P)", "!d(P)", "in_scope(P)"])
        text.append(advise(f"A{number}", chance.choice(["scan", "pills"]), chance.choice(STANCES), body(also)))
    background = [
        ":- finding(P, alarm), !finding(P, tried).",
        ":- finding(P, alarm), measure(P, days, D), D < 2.",
        ":- !finding(P, ill), measure(P, others, E), E >= 1.",
        ":- finding(P, ill), finding(P, tried), measure(P, days, D), D != 3.",
    ]
    for number, denial in enumerate(chance.sample(background, chance.randint(0, 2))):
        text.append(f'#[id = "B{number}"]\n{denial}')
    return "\n".join(text)


@pytest.mark.parametrize("seed", [*range(5), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(5, 40))])
def test_regions_find_exactly_the_answers_that_some_record_has(tmp_path: Path, seed: int) -> None:
    agrees_with_brute_force(tiny(tmp_path, random_rules(seed)))


def agrees_with_brute_force(compiled: Compiled) -> None:
    """Every status of every intervention, and every pair of them: possible for clingo just when a record has it."""
    search = Search(read_properties(compiled))
    search.circuit.forbid(search.judgement.settled)
    scan, pills = (search.first.encoded.answer(name) for name in ("scan", "pills"))
    real = {(status(w, "scan"), status(w, "pills")) for w in all_worlds(compiled)}
    claimed = set()
    for first, second in product(scan, pills):
        outcome, case = search.ask([scan[first], pills[second]], Budget(30))
        assert outcome is not Outcome.NOT_DECIDED
        if outcome is Outcome.POSSIBLE:
            claimed.add((first, second))
            assert case is not None
            content = content_of(case.record, compiled.names.vocabulary, "found")
            answers = quick_ask(compiled, patient_from_content(content, compiled.names.vocabulary))
            assert [a.status for a in answers.answers] == [first, second], content
    assert claimed >= real  # nothing that exists is called impossible
    assert claimed == real or any(  # finer numbers than halves of a unit may be needed to show what is claimed
        "2 * " in element for element in compiled.guideline.files["rules.dl"].splitlines()
    )


FAULTS = {
    "a bound moved by one": ("threshold", "in_scope(P), measure(P, days, D), D > 3"),
    "no contradiction": ("_refutation", "finding(P, alarm), finding(P, tried)"),
    "any count will do": ("at_least", "in_scope(P), atleast 2 { finding(P, alarm); finding(P, tried) }"),
    "sums are free": ("_reached", "in_scope(P), measure(P, days, D), measure(P, others, E), D + E >= 9"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_in_the_abstraction_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    """What the comparison with brute force is for: it fails when regions, background, counts or sums are wrong."""
    where, body = FAULTS[fault]
    rules = advise("A", "scan", "do", body) + advise("B", "pills", "do", "finding(P, alarm)")
    rules += '#[id = "BG"]\n:- finding(P, alarm), !finding(P, tried).\n'
    compiled = tiny(tmp_path, rules)
    agrees_with_brute_force(compiled)
    match where:
        case "threshold":
            real = records.threshold

            def moved(coefficient: int, operator: str, bound: int) -> tuple[str, tuple[int, ...]]:
                return real(coefficient, operator, bound + 1000)

            monkeypatch.setattr(records, "threshold", moved)
            monkeypatch.setattr(facts, "threshold", moved)
        case "_refutation":
            monkeypatch.setattr(facts, "_refutation", lambda *_: [])
        case "at_least":
            monkeypatch.setattr(Literals, "at_least", lambda self, _, literals: self.any(*literals))
        case _:
            monkeypatch.setattr(facts, "MOST_CLAUSES", 0)
            monkeypatch.setattr(Literals, "at_most", lambda *_: None)
            monkeypatch.setattr(linear, "_solve", lambda *_, last: {} if last else None)
    with pytest.raises((AssertionError, KeyError, ValueError)):
        agrees_with_brute_force(compiled)


def test_every_combination_of_stances_has_the_status_of_the_language_page(tmp_path: Path) -> None:
    header = HEADER.replace(
        "in_scope(P) :- finding(P, ill).",
        "in_scope(P) :- finding(P, ill).\n"
        + "\n".join(f'.finding f_{s} "{s}" true("{s}") false("no {s}")' for s in STANCES),
    )
    compiled = tiny(
        tmp_path, "".join(advise(f"A-{s}", "scan", s, f"finding(P, f_{s})") for s in STANCES), header=header
    )
    search = Search(read_properties(compiled))
    answer, record = search.first.encoded.answer("scan"), search.first.record
    names = ["ill", *(f"f_{s}" for s in STANCES)]
    for values in product((True, False, None), repeat=len(names)):
        fixed = []
        for name, value in zip(names, values, strict=True):
            yes, no = record.present[name], record.absent[name]
            fixed += [yes] if value else [-yes, -no] if value is None else [no]
        expected = status_of(dict(zip(STANCES, values[1:], strict=True)), values[0])
        outcome, _ = search.ask([*fixed, answer[expected]], Budget(30))
        assert outcome is Outcome.POSSIBLE, (values, expected)


# kinds of property, each broken once


@pytest.mark.parametrize(
    ("rules", "promise", "shows"),
    [
        (SCAN_RULES, "never(P) :- in_scope(P), answer(P, scan, not_now).", {"ill": "present", "tried": "absent"}),
        (SCAN_RULES, "always(P, alarm) :- answer(P, scan, recommended).", {"ill": "present", "tried": "present"}),
        (
            SCAN_RULES,
            "never(P) :- answer(P, scan, recommended), unknown(P, alarm).",
            {"ill": "present", "tried": "present"},
        ),
        (
            advise("X", "scan", "do", "finding(P, ill), !finding(P, alarm)"),
            KEEPS_ORDER,
            {"ill": "present", "alarm": "absent"},
        ),
        (
            advise("X", "scan", "do", "finding(P, ill), !finding(P, alarm)"),
            "stable(P, A) :- adds(P, alarm), intervention(A).",
            {"ill": "present", "alarm": "absent"},
        ),
    ],
)
@pytest.mark.parametrize("many_rules", [0, 300])
def test_a_broken_promise_has_a_smallest_witness(
    tmp_path: Path, rules: str, promise: str, shows: dict[str, str], many_rules: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "MANY_RULES", many_rules)  # with all rules, and with a part of them
    compiled = tiny(tmp_path, rules, properties=f'#[id = "P", says = "a promise"]\n{promise}\n')
    verdict = only(verify(compiled, read_properties(compiled), rules=False))
    assert verdict.result is Result.BROKEN
    assert verdict.witness is not None
    assert verdict.witness.smallest
    assert verdict.witness.content["findings"] == shows


def test_a_range_that_is_settled_can_break_what_the_kept_one_hides(tmp_path: Path) -> None:
    rules = advise("A", "scan", "do", "in_scope(P), measure(P, days, D), D >= 1..3") + advise(
        "B", "scan", "defer", "in_scope(P), measure(P, days, D), D < 3"
    )
    promise = '#[id = "P", says = "no conflict"]\nnever(P) :- answer(P, scan, conflict).\n'
    verdict = only(run(tiny(tmp_path, rules, properties=promise)))
    assert verdict.result is Result.BROKEN
    assert verdict.witness is not None
    assert verdict.witness.ends == ("days >= low end of its range",)
    assert verdict.witness.statuses["scan"] is Status.UNDETERMINED  # what `ask` says while the range is kept


def test_background_is_respected_in_both_directions(tmp_path: Path) -> None:
    rules = SCAN_RULES + '#[id = "BG"]\n:- finding(P, tried), !finding(P, alarm).\n'
    promise = '#[id = "P", says = "tried means alarm"]\nalways(P, alarm) :- answer(P, scan, recommended).\n'
    assert only(run(tiny(tmp_path / "a", rules, properties=promise))).result is Result.PROVED
    other = '#[id = "P", says = "wrong"]\nnever(P) :- answer(P, scan, recommended), finding(P, alarm).\n'
    verdict = only(run(tiny(tmp_path / "b", rules, properties=other)))
    assert verdict.witness is not None
    assert verdict.witness.content["findings"] == {"ill": "present", "tried": "present"}  # the alarm follows


def test_a_witness_lists_what_it_is_about_and_low_numbers(tmp_path: Path) -> None:
    """As short would be: a tried patient, who has an alarm by the background; on any day from the second."""
    rules = advise("A", "scan", "do", "finding(P, alarm), measure(P, days, D), D >= 2") + advise(
        "B", "pills", "do", "measure(P, days, D), D >= 3"
    )
    rules += '#[id = "BG"]\n:- finding(P, tried), !finding(P, alarm).\n'
    promise = '#[id = "P", says = "wrong"]\nnever(P) :- answer(P, scan, recommended).\n'
    witness = only(run(tiny(tmp_path, rules, properties=promise))).witness
    assert witness is not None
    assert witness.content["findings"] == {"alarm": "present"}
    assert witness.content["measures"] == {"days": 2}


def test_numbers_that_no_record_has_break_nothing(tmp_path: Path) -> None:
    """D < E, E < 2 and D >= 1 leave only 1 <= D < E < 2: possible; with D >= 2 nothing is left."""
    body = "in_scope(P), measure(P, days, D), measure(P, others, E), D < E, E < 2, D >= {n}"
    for n, expected in ((1, Result.BROKEN), (2, Result.PROVED)):
        promise = '#[id = "P", says = "no scan"]\nnever(P) :- answer(P, scan, recommended).\n'
        found = run(tiny(tmp_path / str(n), advise("A", "scan", "do", body.format(n=n)), properties=promise))
        assert only(found).result is expected


# what the rules show about themselves


def test_conflicts_gaps_dead_rules_and_idle_conditions_are_found(tmp_path: Path) -> None:
    rules = (
        advise("DO", "scan", "do", "in_scope(P), finding(P, tried)")
        + advise("WAIT", "scan", "defer", "in_scope(P), finding(P, tried), finding(P, alarm)")
        + advise("DEAD", "pills", "do", "finding(P, alarm), !finding(P, alarm), in_scope(P)")
        + advise("PILLS", "pills", "consider", "in_scope(P), finding(P, ill)")
    )
    remarks = {(r.kind, r.about): r for r in run(tiny(tmp_path, rules), rules=True).remarks}
    assert set(remarks) == {
        ("conflict", "scan"),
        ("gap", "scan"),
        ("dead rule", "DEAD"),
        ("idle condition", "PILLS"),
    }
    assert remarks["conflict", "scan"].witness is not None
    assert remarks["conflict", "scan"].witness.statuses["scan"] is Status.CONFLICT
    assert remarks["gap", "scan"].witness is not None
    assert remarks["gap", "scan"].witness.content["findings"] == {"ill": "present", "tried": "absent"}


def test_a_property_about_nobody_is_idle(tmp_path: Path) -> None:
    promise = (
        '#[id = "P", says = "x"]\nalways(P, ill) :- finding(P, alarm), !finding(P, alarm), answer(P, scan, urgent).\n'
    )
    found = run(tiny(tmp_path, SCAN_RULES, properties=promise))
    assert only(found).result is Result.PROVED
    assert only(found).idle
    assert found.failed


def test_a_background_rule_that_refuses_too_many_leaves_a_promise_empty(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No patient can break a promise about records that are refused, so the command fails where none is left."""
    shutil.copytree(LUMBAR, tmp_path / "g")
    file = tmp_path / "g" / "background.dl"
    whole = ":- finding(P, home_exercise_only), finding(P, formal_physical_therapy)."
    text = file.read_text(encoding="utf-8")
    assert whole in text
    file.write_text(text.replace(whole, ":- finding(P, home_exercise_only)."), encoding="utf-8")
    code, out, _ = call("verify", "-g", str(tmp_path / "g"), capsys=capsys)
    assert code == 1
    assert "EMPTY       HOME-NOT-ENOUGH" in out
    assert " proved (1 of them about nobody), 0 broken" in out


# limits


def test_without_time_nothing_is_called_proved(guideline: Compiled) -> None:
    found = verify(guideline, read_properties(guideline), ask, budget=Budget(0))
    assert {v.result for v in found.verdicts} == {Result.NOT_DECIDED}
    assert not found.complete


def test_what_was_not_decided_fails_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call("verify", "-g", str(LUMBAR), "--property", "EMERGENCY", "--budget", "0", capsys=capsys)
    assert code == 1
    assert "0 proved, 0 broken, 1 not decided" in out


@pytest.mark.parametrize("questions", [1, 3, 20, 60])
def test_what_was_not_decided_in_time_is_not_called_proved(
    guideline: Compiled, monkeypatch: pytest.MonkeyPatch, questions: int
) -> None:
    """The time runs out after so many questions, on a guideline whose first promise is broken."""
    asked = 0

    def left(_: Budget) -> float | None:
        nonlocal asked
        asked += 1
        return 0.0 if asked > questions else None

    monkeypatch.setattr(Budget, "left", left)
    chosen = list(mutants(guideline.program, guideline.names, guideline.readings))
    compiled = mutated(guideline, next(m for m in chosen if m.rule.id == "FAIL-1" and m.kind == "threshold"))
    assert compiled is not None
    found = verify(compiled, read_properties(compiled), quick_ask)
    monkeypatch.undo()
    whole = {v.id: v.result for v in verify(compiled, read_properties(compiled), quick_ask, rules=False).verdicts}
    assert any(v.result is Result.NOT_DECIDED for v in found.verdicts)
    assert not found.complete
    assert all(v.result in (Result.NOT_DECIDED, whole[v.id]) for v in found.verdicts)


def test_the_report_says_whom_it_is_about(found: Verification) -> None:
    over = found.to_json()["over"]
    assert (over["findings"], over["measures"], over["background_rules"], over["threshold_ranges"]) == (42, 5, 2, 3)


# mistakes in the file of properties


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        (
            '#[id = "A", says = "x"]\nnever(P) :- answer(P, scan, recomended).',
            "GL810",
            "there is no status `recomended`",
        ),
        ('#[id = "A", says = "x"]\nalways(P, alrm) :- in_scope(P).', "GL810", "there is no finding or concept `alrm`"),
        (
            '#[id = "A", says = "x"]\nnevr(P) :- in_scope(P).',
            "GL808",
            "`nevr` is neither a kind of property nor declared in properties.dl",
        ),
        ("never(P) :- in_scope(P).", "GL805", "a property has an `id` and says in words what it promises"),
        (
            '#[id = "A", says = "x"]\nnever(P) :- in_scope(P), adds(P, alarm).',
            "GL809",
            "`adds` stands once, in a property `keeps` or `stable`",
        ),
        (
            '#[id = "A", says = "x"]\nstable(P, scan) :- in_scope(P).',
            "GL809",
            "`stable` is about a change: `adds(P, F)` or `learns(P)` is missing",
        ),
        ('#[id = "A", says = "x"]\n:- in_scope(P).', "GL804", "a property has a head"),
        ('.finding more "more"', "GL803", "`.finding` does not belong in properties.dl"),
        (
            '#[id = "A", says = "x"]\nnever(P) :- measure(P, days, D), D > 1..2.',
            "GL812",
            "a property compares with one number, not with a range",
        ),
        (
            '#[id = "A", says = "x"] never(P) :- in_scope(P).\n#[id = "A", says = "y"] never(P) :- finding(P, ill).',
            "GL806",
            "two properties have the id `A`",
        ),
        (
            '.concept u(P: patient) true("u") false("v")\n#[id = "A"] u(P) :- unknown(P, u).',
            "GL811",
            "`u` rests on itself",
        ),
    ],
)
def test_mistakes_in_properties_have_their_message(tmp_path: Path, text: str, code: str, message: str) -> None:
    compiled = tiny(tmp_path, SCAN_RULES, properties=text + "\n")
    with pytest.raises(InputError) as error:
        read_properties(compiled)
    assert (code, message) in [(d.code, d.message) for d in error.value.diagnostics]


def test_an_unknown_property_is_an_error_with_the_nearest(guideline: Compiled) -> None:
    with pytest.raises(InputError, match="there is no property `CAUDA-EQUNA`"):
        read_properties(guideline).choose(("CAUDA-EQUNA",))


# the command


def call(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    from guidelog.cli import main

    with pytest.raises(SystemExit) as stop:
        main(list(arguments))
    captured = capsys.readouterr()
    return int(stop.value.code or 0), captured.out, captured.err


def test_the_command_writes_witnesses_that_ask_reproduces(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    promise = '#[id = "P", says = "never wait"]\nnever(P) :- answer(P, scan, not_now).\n'
    compiled = tiny(tmp_path / "g", SCAN_RULES, properties=promise)
    code, out, _ = call("verify", "-g", str(tmp_path / "g"), "--witnesses", str(tmp_path / "w"), capsys=capsys)
    assert code == 1
    assert "BROKEN" in out
    (file,) = (tmp_path / "w").glob("p*.yaml")
    patient = read_patient(read_text(str(file)), compiled.names.vocabulary)
    assert {a.intervention: a.status for a in ask(compiled, patient, None).answers}["scan"] is Status.NOT_NOW
    code, out, _ = call("ask", str(file), "scan", "-g", str(tmp_path / "g"), "--format", "json", capsys=capsys)
    assert (code, json.loads(out)["answers"][0]["status"]) == (0, "not_now")


def test_the_command_says_that_everything_is_proved(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(
        "verify", "-g", "kb/lumbar_radiculopathy", "--property", "CAUDA-EQUINA", "--format", "json", capsys=capsys
    )
    report = json.loads(out)
    assert code == 0
    assert [(p["property"], p["result"]) for p in report["properties"]] == [("CAUDA-EQUINA", "proved")]
    assert report["complete"]
