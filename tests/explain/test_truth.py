"""Explanations are true: what they say would change, settle or suffice is tried, on records, and it does."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import islice, product

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings

from explaining import (
    answer_in,
    answers_for,
    lumbar,
    main_answers,
    members,
    patient,
    replies,
    uncertified,
    vignette,
    with_replies,
)
from guidelog import pipeline
from guidelog.diagnostics import InputError
from guidelog.explain import questions as questions_module
from guidelog.explain.answers import Answer, Answers
from guidelog.explain.changes import Change, Choices, changed
from guidelog.explain.changes import smallest as ways_module
from guidelog.explain.changes.smallest import ways_to
from guidelog.explain.changes.when import when
from guidelog.explain.heights import heights
from guidelog.explain.proof import Reasons
from guidelog.explain.questions import witness
from guidelog.explain.questions.next import next_question
from guidelog.explain.reasons import independent_reasons
from guidelog.explain.why import why
from guidelog.explain.why_not import why_not
from guidelog.ground.program import Atom, GroundAtLeast, GroundLiteral
from guidelog.language.stances import STANCES
from guidelog.patients import close, patient_from_content
from guidelog.semantics.cone import Cone
from guidelog.semantics.kleene import Value, World
from guidelog.semantics.one_patient import circuits_of, only, statuses
from guidelog.semantics.status import Because, Status, conditions, status_of
from programs import compiled_of, patient_of
from record_strategies import cases
from strategies import Written

PATIENTS = (
    "seed",
    "surgery-care-18-weeks",
    "red-flag-saddle-anesthesia",
    "therapy-not-formal",
    "nothing-known",
    "drugs-not-asked",
    "surgery-two-criteria-unknown",
    "mri-known-from-its-findings",
    "care-start-vaguely-dated",
    "surgery-unknown-care-length",
    "outside-red-flags-unasked",
    "scope-level-unknown",
    "history-listed-unknown-in-complete-screen",
)
REACHED = [s for s in Status if s not in (Status.UNDETERMINED, Status.CONFLICT)]
# Without shrinking: a case is small as it is, and each try costs a search.
slowly = settings(
    max_examples=12,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def status_now(answers: Answers, content: dict[str, object], intervention: str) -> Status | None:
    """The status for a record by the quick engine; None when the record contradicts the background."""
    names = answers.names
    found = statuses(answers.world.program, close(patient_from_content(content, names.vocabulary), names.vocabulary))
    return None if found is None else found[intervention]


# ---------------------------------------------------------------- status conditions


def test_conditions_say_what_the_status_rule_says() -> None:
    """Over all combinations of three-valued stances and scope."""
    for values in product((True, False, None), repeat=len(STANCES) + 1):
        stances = dict(zip(STANCES, values, strict=False))
        atoms: dict[Atom, Value] = {("advise", "x", s): v for s, v in stances.items()} | {("in_scope",): values[-1]}
        certain = [s for s in Status if any(all(atoms[a] is v for a, v in wanted) for wanted in conditions("x", s))]
        expected = status_of(stances, values[-1])
        assert certain == ([] if expected is Status.UNDETERMINED else [expected]), (values, certain)


# ---------------------------------------------------------------- what-if --to


@pytest.mark.parametrize("name", PATIENTS)
def test_every_smallest_change_reaches_the_status_and_no_part_of_it_does(name: str) -> None:
    answers = answers_for(name)
    for answer in main_answers(answers):
        for status in REACHED:
            found = ways_to(answers, answer.intervention, status)
            assert found.decided
            for way in found.ways:
                check_way(answers, answer, status, way)


def check_way(answers: Answers, answer: Answer, status: Status, way: tuple[Change, ...]) -> None:
    """Made, the changes reach the status; without any one of them they do not."""
    assert status_now(answers, changed(answers.patient.content, way, answers.names), answer.intervention) is status
    for left_out in way:
        fewer = [c for c in way if c is not left_out]
        content = changed(answers.patient.content, fewer, answers.names)
        assert status_now(answers, content, answer.intervention) is not status, (status, left_out)


@pytest.mark.parametrize(
    ("name", "intervention", "status"),
    [
        ("seed", "mri_lumbar", Status.RECOMMENDED),
        ("seed", "surgical_referral", Status.RECOMMENDED),
        ("surgery-care-18-weeks", "surgical_referral", Status.RECOMMENDED),
        ("red-flag-saddle-anesthesia", "mri_lumbar", Status.NOT_NOW),
        ("mri-known-from-its-findings", "mri_lumbar", Status.RECOMMENDED),
    ],
)
def test_changes_reach_the_status_with_a_certificate(name: str, intervention: str, status: Status) -> None:
    answers = answers_for(name)
    found = ways_to(answers, intervention, status)
    assert found.ways
    for way in found.ways[:3]:
        later = pipeline.ask(lumbar(), patient(changed(answers.patient.content, way, answers.names)), [intervention])
        assert answer_in(later, intervention).status is status


@pytest.mark.parametrize("name", PATIENTS)
def test_no_fewer_changes_reach_the_status_says_clingo(name: str) -> None:
    answers = answers_for(name)
    for answer in main_answers(answers):
        for status in REACHED:
            found = ways_to(answers, answer.intervention, status)
            choices = Choices(answers, close(answers.patient, answers.names.vocabulary))
            searched = ways_module._searched(choices, answer.intervention, status)
            assert searched.decided
            searched = ways_module._without_superfluous(answers, searched)
            assert cost(found) == cost(searched), (answer.intervention, status)


def cost(ways: ways_module.Ways) -> tuple[int, int] | None:
    return next(((sum(c.kind == "cannot" for c in w), len(w)) for w in ways.ways), None)


def test_what_follows_from_a_changed_fact_does_not_outlive_it() -> None:
    """The MRI is on record only because its findings match; without them it is unknown, not done."""
    answers = answers_for("mri-known-from-its-findings")
    ways = [{(c.input, c.value, c.kind) for c in w} for w in ways_to(answers, "mri_lumbar", Status.RECOMMENDED).ways]
    assert {("mri_correlates", "absent", "cannot")} not in ways
    content = {k: dict(v) if isinstance(v, dict) else v for k, v in answers.patient.content.items()}
    content["findings"]["mri_correlates"] = "absent"
    assert pipeline.ask(lumbar(), patient(content), ["mri_lumbar"]).facts.findings["mri_done"] is None


def test_what_can_be_done_asked_and_not_changed_is_told_apart() -> None:
    answers = answers_for("red-flag-saddle-anesthesia")
    way = ways_to(answers, "surgical_referral", Status.RECOMMENDED).ways[0]
    kinds = {c.input: c.kind for c in way}
    assert kinds["saddle_anesthesia"] == "cannot"
    assert kinds["surgical_candidate"] == "ask"
    assert kinds["formal_physical_therapy"] == kinds["conservative_care_weeks"] == "do"


# ---------------------------------------------------------------- questions


@pytest.mark.parametrize("name", PATIENTS)
def test_questions_settle_under_all_replies_and_fewer_do_not(name: str) -> None:
    answers = answers_for(name)
    checked = 0
    for answer in main_answers(answers):
        for group in answer.questions or ():
            if len(members(answers, group)) <= 11:
                checked += 1
                check_questions(answers, answer, group)
    assert checked or all(not a.questions or len(members(answers, a.questions[0])) > 11 for a in main_answers(answers))


def check_questions(answers: Answers, answer: Answer, group: tuple[str, ...]) -> None:
    """Whatever is replied, no more data are needed; with any one question less they are."""
    assert not leaves_open(answers, answer, members(answers, group))
    for question in group:
        fewer = members(answers, tuple(q for q in group if q != question))
        assert leaves_open(answers, answer, fewer), (answer.intervention, question)


def leaves_open(answers: Answers, answer: Answer, asked: list[str]) -> bool:
    """Whether some replies leave something open that is not the guideline's own range."""
    circuits = circuits_of(answers.world.program)
    for given_replies in replies(answers, asked):
        vocabulary = answers.names.vocabulary
        facts = close(patient_from_content(with_replies(answers, given_replies), vocabulary), vocabulary)
        if answers.world.program.denials and circuits.contradicted(facts):
            continue
        later = next(a for a in circuits.answers(facts) if a.intervention == answer.intervention)
        if later.because is Because.MISSING_DATA:
            return True
    return False


@pytest.mark.parametrize("name", PATIENTS)
def test_clingo_finds_sets_of_the_same_inputs(name: str) -> None:
    answers = answers_for(name)
    for answer in main_answers(answers):
        if answer.because is not None:
            search = witness.Settling(Cone(answers.world.program, answers.facts, answer.intervention))
            assert search.outcomes() == answer.if_resolved
            needed = search.questions()
            sizes = {len(members(answers, group)) for group in answer.questions or ()}
            assert not sizes or len(needed) <= min(sizes)
            assert len(needed) > 11 or not leaves_open(answers, answer, needed)


def test_what_is_so_either_way_needs_no_reply() -> None:
    """Two rules that exclude each other: no reply could matter, so none is asked for."""
    compiled = compiled_of(BOTH_WAYS)
    answers = uncertified(compiled, patient_of(compiled))
    (answer,) = answers.answers
    assert answer.status is Status.RECOMMENDED
    assert answer.questions == ()
    assert ways_to(answers, "ia", Status.RECOMMENDED).ways[0] == ()


# ---------------------------------------------------------------- reasons


@pytest.mark.parametrize("name", PATIENTS)
def test_each_reason_suffices_alone_and_no_part_of_it_does(name: str) -> None:
    answers = answers_for(name)
    for answer in main_answers(answers):
        if answer.status is Status.UNDETERMINED:
            continue
        check_reasons(answers, answer, *independent_reasons(answers, answer))


def check_reasons(answers: Answers, answer: Answer, reasons: tuple[frozenset[str], ...], complete: bool) -> None:
    """Each suffices and no part of it does; without one input of each nothing is left that would give the answer."""
    assert reasons
    for reason in reasons:
        assert alone(answers, answer, reason)
        assert not any(alone(answers, answer, reason - {x}) for x in reason)
    if complete:
        rest = frozenset(answers.facts.findings) | frozenset(answers.facts.measures)
        for chosen in hitting(reasons):
            assert not alone(answers, answer, rest - chosen)


def alone(answers: Answers, answer: Answer, kept: frozenset[str]) -> bool:
    facts = only(close(answers.patient, answers.names.vocabulary), kept, answers.names)
    found = statuses(answers.world.program, facts)
    return found is not None and found[answer.intervention] is answer.status


def hitting(reasons: tuple[frozenset[str], ...]) -> list[frozenset[str]]:
    """Smallest sets that meet every reason."""
    found: list[frozenset[str]] = []
    for picked in sorted({frozenset(p) for p in islice(product(*map(sorted, reasons)), 2000)}, key=len):
        if not any(smaller <= picked for smaller in found):
            found.append(picked)
    return found[:40]


def test_two_red_flags_are_two_reasons() -> None:
    content = {**vignette("red-flag-saddle-anesthesia").content}
    content["findings"] = {**content["findings"], "significant_trauma": "present"}
    answers = pipeline.ask(lumbar(), patient(content), ["mri_lumbar"])
    found = why(answers, answers.answers[0], every=True)
    assert set(found.reasons) == {frozenset({"saddle_anesthesia"}), frozenset({"significant_trauma"})}
    assert len(found.proof.roots) == 2


# ---------------------------------------------------------------- why and why-not


def test_blockers_are_complete() -> None:
    """No weeks of care must not hide that the therapy was never formal."""
    content = {
        **vignette("therapy-not-formal").content,
        "measures": {"conservative_care_weeks": 0, "physical_therapy_weeks": 0},
    }
    answers = pipeline.ask(lumbar(), patient(content))
    closest = why_not(answers, answer_in(answers, "nerve_root_injection")).candidates[0]
    blocking = {b.criterion.input for b in closest.blockers}
    assert blocking == {"conservative_care_weeks", "formal_physical_therapy", "physical_therapy_weeks"}


@pytest.mark.parametrize("rank", [None, 0, -1])
@pytest.mark.parametrize("name", PATIENTS)
def test_without_its_blockers_a_rule_holds(name: str, rank: int | None) -> None:
    """Every blocker turned round: then the rule that was looked at holds, so none is missing.

    With a `rank`, of those of which any one is enough only one is turned round.
    """
    answers = answers_for(name)
    for answer in main_answers(answers):
        for candidate in why_not(answers, answer).candidates:
            findings = dict(answers.facts.findings)
            measures = dict(answers.facts.measures)
            turned = set(candidate.blockers if rank is None else candidate.required)
            for choice in candidate.choices if rank is not None else ():
                turned |= {choice.blockers[rank]} if choice.any_one else set(choice.blockers)
            for blocker in turned:
                name_ = blocker.criterion.input
                assert name_ is not None
                if name_ in findings:
                    findings[name_] = blocker.wanted
                else:
                    declared = answers.names.vocabulary.measures[name_]
                    assert blocker.wanted, "only thresholds to reach, here"
                    measures[name_] = type(measures[name_])(
                        declared.high * declared.ticks, declared.high * declared.ticks
                    )
            facts = replace(answers.facts, findings=findings, measures=measures)
            world = World(answers.world.program, facts, lumbar().evaluate(facts))
            assert world.atom(("advise", answer.intervention, candidate.stance)) is True, candidate.rule


@pytest.mark.parametrize("name", PATIENTS)
def test_proofs_have_the_lowest_height_share_and_are_stable(name: str) -> None:
    answers = answers_for(name)
    assert heights(answers.world) == brute_heights(answers.world)
    for answer in main_answers(answers):
        proof = why(answers, answer).proof
        order = list(proof.nodes)
        assert len(set(order)) == len(order)
        for place, node in enumerate(proof.nodes.values()):
            assert all(order.index(p) < place for p in node.premises), "premises first, so there is no loop"
        turned = dict(reversed(list(answers.patient.content.items())))
        turned["findings"] = dict(reversed(list(turned.get("findings", {}).items())))
        turned = {k: v for k, v in turned.items() if v}
        again = pipeline.ask(lumbar(), patient(turned), [answer.intervention])
        assert why(again, again.answers[0]).proof.to_json() == proof.to_json()


def brute_heights(world: World) -> dict[Atom, int]:
    """Rounds over all atoms until nothing changes; nothing shared with the code under test."""
    found: dict[Atom, int] = {}

    def height(element: object) -> int | None:
        match element:
            case GroundLiteral(atom, _):
                return found.get(atom) if atom in world.program.instances else 0
            case GroundAtLeast(count, group):
                value = world.element(element)
                need = count if value else max(0, len(group) - count + 1)
                hs = sorted(h for m in group if world.literal(m) is value and (h := height(m)) is not None)
                return None if len(hs) < need else hs[need - 1] if need else 0
            case _:
                return 0

    changed_ = True
    while changed_:
        changed_ = False
        for atom, instances in world.program.instances.items():
            value = world.atom(atom)
            if value is None:
                continue
            options: list[int] = [0] if atom in world.program.facts else []
            if value:
                for i in instances:
                    hs = [height(e) if world.element(e) is True else None for e in i.elements]
                    if None not in hs:
                        options.append(1 + max((h for h in hs if h is not None), default=0))
            else:
                worst: list[int | None] = []
                for i in instances:
                    hs = [h for e in i.elements if world.element(e) is False and (h := height(e)) is not None]
                    hs += [0 for place in i.settled if world.element(i.elements[place]) is None]
                    worst.append(min(hs) if hs else None)
                if None not in worst:
                    options.append(1 + max((w for w in worst if w is not None), default=0))
            if options and min(options) < found.get(atom, 10**9):
                found[atom] = min(options)
                changed_ = True
    return found


# ---------------------------------------------------------------- any guideline


@slowly
@given(cases())
def test_explanations_are_true_for_any_guideline_and_change_no_answer(case: tuple[Written, dict[str, object]]) -> None:
    written, content = case
    try:
        compiled = compiled_of(written.text)
        someone = patient_of(compiled, **{k: v for k, v in content.items() if k != "patient"})
        answers = uncertified(compiled, someone)
    except InputError:
        assume(False)
        raise
    before = answers.to_json()
    shared = Reasons(answers)
    assert heights(answers.world) == brute_heights(answers.world)
    for answer in answers.answers:
        explained = why(answers, answer, every=True, reasons=shared)
        explained.to_json()
        refused = why_not(answers, answer)
        refused.to_json()
        if explained.reasons:
            check_reasons(answers, answer, explained.reasons, explained.complete)
        for group in answer.questions or ():
            asked = members(answers, group)
            if len(replies(answers, asked)) <= 600:
                assert not leaves_open(answers, answer, asked), group
        for status in (Status.RECOMMENDED, Status.NOT_NOW):
            found = ways_to(answers, answer.intervention, status)
            for way in found.ways[:2]:
                check_way(answers, answer, status, way)
            searched = ways_module._searched(
                Choices(answers, close(someone, answers.names.vocabulary)), answer.intervention, status
            )
            assert cost(found) == cost(searched)
    assert answers.to_json() == before
    assert uncertified(compiled, someone).to_json() == before


@slowly
@given(cases())
def test_explanations_change_no_certified_answer(case: tuple[Written, dict[str, object]]) -> None:
    """The whole way, certificate and all: asked before, while and after it is explained, the answer is the same."""
    written, content = case
    try:
        compiled = compiled_of(written.text)
        someone = patient_of(compiled, **{k: v for k, v in content.items() if k != "patient"})
        answers = pipeline.ask(compiled, someone)
    except InputError:
        assume(False)
        raise
    record, said = json.dumps(someone.content, default=str), (answers.to_json(), answers.certificate)
    next_question(answers)
    if someone.as_of is not None:
        when(answers, lambda later: pipeline.ask(compiled, later))
    for answer in answers.answers:
        assert answer.certified
        assert why(answers, answer, every=True).to_json()["answer"] == answer.to_json()
        assert why_not(answers, answer).to_json()["answer"] == answer.to_json()
        found = ways_to(answers, answer.intervention, Status.RECOMMENDED)
        for way in found.ways[:1]:
            later = pipeline.ask(
                compiled, patient(changed(someone.content, way, answers.names), compiled), [answer.intervention]
            )
            assert later.answers[0].status is Status.RECOMMENDED
    assert json.dumps(someone.content, default=str) == record
    assert (answers.to_json(), answers.certificate) == said
    again = pipeline.ask(compiled, someone)
    assert (again.to_json(), again.certificate) == said


# ---------------------------------------------------------------- the checks above can fail


def test_a_way_with_a_change_too_many_or_too_few_is_noticed() -> None:
    answers = answers_for("seed")
    answer = answer_in(answers, "nerve_root_injection")
    way = ways_to(answers, answer.intervention, Status.CONSIDER).ways[0]
    check_way(answers, answer, Status.CONSIDER, way)
    idle = Choices(answers, answers.facts).finding("low_back_pain", value=False)
    for wrong in ((*way, idle), way[1:], way[:-1]):
        with pytest.raises(AssertionError):
            check_way(answers, answer, Status.CONSIDER, wrong)


def test_questions_too_few_or_too_many_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = answers_for("surgery-two-criteria-unknown")
    answer = answer_in(answers, "surgical_referral")
    assert answer.questions is not None
    (group,) = answer.questions
    check_questions(answers, answer, group)
    for wrong in ((), group[:1], (*group, "clinical_deterioration")):
        with pytest.raises(AssertionError):
            check_questions(answers, answer, wrong)
    monkeypatch.setattr(questions_module, "_settles", lambda *_: True)
    faulty = answer_in(uncertified(lumbar(), answers.patient), "surgical_referral")
    with pytest.raises(AssertionError):
        check_questions(answers, faulty, faulty.questions[0] if faulty.questions else ())


def test_a_reason_that_forgets_or_adds_an_input_is_noticed() -> None:
    answers = answers_for("red-flag-saddle-anesthesia")
    answer = answer_in(answers, "nerve_root_injection")
    reasons, complete = independent_reasons(answers, answer)
    assert len(reasons) > 1
    first, *others = reasons
    check_reasons(answers, answer, reasons, complete)
    for wrong in ((first | {"low_back_pain"}, *others), (frozenset(list(first)[1:]), *others), tuple(others)):
        with pytest.raises(AssertionError):
            check_reasons(answers, answer, wrong, complete=True)


BOTH_WAYS = """
.statement S1 "one thing" kind(do) cites()
.finding fa "a sign"
.intervention ia "a treatment"
.concept in_scope(P: patient) true("in scope") false("not in scope")
#[id = "SC", statements = ["S1"], cites = []]
in_scope(P) :- patient(P).
#[id = "A1", statements = ["S1"], cites = [], strength = strong, says = "with the sign"]
advise(P, ia, do) :- finding(P, fa).
#[id = "A2", statements = ["S1"], cites = [], strength = strong, says = "without the sign"]
advise(P, ia, do) :- patient(P), !finding(P, fa).
"""
