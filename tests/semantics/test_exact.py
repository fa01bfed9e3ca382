"""An answer is certain when all completions of the record agree: diagrams and cases against their enumeration."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

import pytest
from hypothesis import assume, given

from completions import completions, count
from guidelog.compiled import Compiled
from guidelog.diagnostics import InputError
from guidelog.ground.program import GroundComparison, GroundProgram, Ranges
from guidelog.patients import Facts, Interval, patient_from_content
from guidelog.pipeline import CertificateError, ask, certify, check, settle
from guidelog.semantics import case_trees as cases_module
from guidelog.semantics.case_trees import Impossible, Shown, Split, Tree, cases_of, inputs_split, leaves
from guidelog.semantics.kleene import Assumed, World, evaluate, evaluated
from guidelog.semantics.one_patient import CircuitEngine
from guidelog.semantics.quantities import RangeKey, quantity, range_of, thresholds
from guidelog.semantics.status import Status, three_valued_status
from guidelog.semantics.status_diagrams import diagrams_of, status_in
from hypothesis_profiles import examples
from programs import compiled_of, guideline_of
from record_strategies import cases
from strategies import Written

MOST = 100


def comparisons(program: GroundProgram) -> list[GroundComparison]:
    rules = (*(r for rules in program.instances.values() for r in rules), *program.denials)
    return [e for rule in rules for e in rule.elements if isinstance(e, GroundComparison)]


def ends(program: GroundProgram) -> Iterator[Assumed]:
    """Every way to put the threshold ranges at their ends, each by itself."""
    keys: list[RangeKey] = list(dict.fromkeys(range_of(c) for c in comparisons(program) if c.low != c.high))
    for high in product((False, True), repeat=len(keys)):
        yield Assumed(high=dict(zip(keys, high, strict=True)))


def worlds(world: World) -> Iterator[World]:
    """All complete patients of a record, at all ends of the ranges."""
    atoms = frozenset(world.program.instances)
    for facts in completions(world.program, world.facts, MOST):
        for assumed in ends(world.program):
            yield evaluated(world, facts, assumed, atoms)


def settled_world(compiled: Compiled, content: Mapping[str, Any]) -> World | None:
    try:
        facts, _ = settle(compiled, patient_from_content(content, compiled.names.vocabulary))
    except InputError:
        return None
    return evaluate(compiled.ground, facts)


def exact(compiled: Compiled) -> bool:
    """Whether no sum of several measures is compared: their parts are not tied to them in the diagrams."""
    return all(len(c.terms) == 1 for c in comparisons(compiled.ground))


@examples(120)
@given(cases(unknown=5))
def test_the_possible_statuses_are_those_of_all_completions(drawn: tuple[Written, dict[str, Any]]) -> None:
    written, content = drawn
    try:
        compiled = compiled_of(written.text)
    except InputError:  # a conclusion that depends on its own negation
        assume(False)
    world = settled_world(compiled, content)
    assume(world is not None and count(compiled.ground, world.facts) <= MOST)
    assert world is not None
    everybody = list(worlds(world))
    circuits = CircuitEngine(compiled.ground).statuses(world.facts)
    assert circuits == {name: status_in(world, name) for name in compiled.names.vocabulary.interventions}
    for name in compiled.names.vocabulary.interventions:
        diagram = diagrams_of(compiled.ground).of(name)
        assert diagram is not None
        found = set(diagram.possible(world.facts, world.is_settled))
        expected = {three_valued_status(w, name) for w in everybody}
        assert Status.UNDETERMINED not in expected
        assert found == expected if exact(compiled) else found >= expected
        check_tree(world, name, everybody)


def check_tree(world: World, name: str, everybody: list[World]) -> None:
    """Where three values leave open what is certain, a tree of cases shows it, and every patient is in one of them."""
    status = status_in(world, name)
    if three_valued_status(world, name) is not Status.UNDETERMINED or status is Status.UNDETERMINED:
        return
    tree = cases_of(world, name, status)
    assert tree is not None
    assert {three_valued_status(w, name) for w in leaves(tree)} == {status}
    for patient in everybody:
        case = of_patient(tree, patient)
        assert isinstance(case, Shown)
        assert three_valued_status(patient, name) is status


def of_patient(tree: Tree, patient: World) -> Shown | Impossible:
    """The case that a complete patient is in."""
    while isinstance(tree, Split):
        if isinstance(tree.at, int):
            facts = patient.facts
            total = sum(
                factor * (bool(facts.findings[name]) if name in facts.findings else facts.measures[name].low)
                for name, factor in tree.by
            )
            tree = tree.above if total >= tree.at else tree.below
        else:
            tree = tree.above if patient.assumed.high[tree.by, *tree.at] else tree.below
    return tree


HEAD = """
.statement S1 "one thing" kind(do) cites()
.finding fa "sign a"
.finding fb "sign b"
.finding fc "sign c"
.measure ma "days a" unit(day) range(0, 100)
.measure mb "days b" unit(day) range(0, 100)
.intervention ia "treatment a"
.concept in_scope(P: patient) true("in scope") false("not in scope")
#[id = "SC", statements = ["S1"], cites = []]
in_scope(P) :- patient(P).
"""


def rules(*heads_and_bodies: str) -> str:
    return HEAD + "\n".join(
        f'#[id = "R{i}", statements = ["S1"], cites = [], strength = strong, says = "says {i}"]\n{text}'
        for i, text in enumerate(heads_and_bodies)
    )


BOTH = (
    "advise(P, ia, do) :- finding(P, fa).",
    "advise(P, ia, do) :- patient(P), !finding(P, fa).",
)
BY_MEASURE = (
    "advise(P, ia, do) :- measure(P, ma, A), A >= 5.",
    "advise(P, ia, do) :- measure(P, ma, A), A < 5.",
)
BY_ORDER = (
    "advise(P, ia, do) :- measure(P, ma, A), measure(P, mb, B), A - B >= 2.",
    "advise(P, ia, do) :- measure(P, ma, A), measure(P, mb, B), B - A > -2.",
)
BY_RANGE = (
    "advise(P, ia, do) :- measure(P, ma, A), A >= 5..7.",
    "advise(P, ia, do) :- measure(P, ma, A), A < 5..7.",
)
BY_BACKGROUND = (
    "advise(P, ia, do) :- finding(P, fa).",
    "advise(P, ia, do) :- finding(P, fb).",
    ":- patient(P), !finding(P, fa), !finding(P, fb).",
)


@pytest.mark.parametrize("text", [BOTH, BY_MEASURE, BY_ORDER, BY_RANGE, BY_BACKGROUND])
def test_what_is_so_in_every_case_is_the_answer(text: tuple[str, ...]) -> None:
    compiled = compiled_of(rules(*text))
    patient = patient_from_content({"patient": "p"}, compiled.names.vocabulary)
    (answer,) = ask(compiled, patient).answers
    assert (answer.status, answer.because, answer.certified) == (Status.RECOMMENDED, None, True)
    assert set(answer.rules) == {"R0", "R1"}
    assert answer.questions == ()
    (quick,) = ask(compiled.on(CircuitEngine), patient).answers
    assert quick == answer
    assert answer.whatever


def test_a_range_whose_ends_differ_is_left_to_judgement() -> None:
    compiled = compiled_of(
        rules(
            "advise(P, ia, do) :- measure(P, ma, A), A >= 5..7.", "advise(P, ia, avoid) :- measure(P, ma, A), A < 5..7."
        )
    )
    content = {"patient": "p", "measures": {"ma": 6}}
    (answer,) = ask(compiled, patient_from_content(content, compiled.names.vocabulary)).answers
    assert answer.because is not None
    assert answer.because.value == "guideline_range"


def test_a_range_may_need_cases_at_each_end() -> None:
    compiled = compiled_of(
        rules(
            "advise(P, ia, do) :- measure(P, ma, A), A >= 5..7, finding(P, fa).",
            "advise(P, ia, do) :- measure(P, ma, A), A >= 5..7, !finding(P, fa).",
            "advise(P, ia, avoid) :- measure(P, ma, A), A < 5..7.",
        )
    )
    content = {"patient": "p", "measures": {"ma": 6}}
    (answer,) = ask(compiled, patient_from_content(content, compiled.names.vocabulary)).answers
    assert (answer.status, answer.certified) == (Status.UNDETERMINED, True)
    assert answer.because is not None
    assert answer.because.value == "guideline_range"


def test_too_many_cases_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cases_module, "MOST_LEAVES", 1)
    compiled = compiled_of(rules(*BOTH))
    (answer,) = ask(compiled, patient_from_content({"patient": "p"}, compiled.names.vocabulary)).answers
    assert (answer.status, answer.certified) == (Status.UNDETERMINED, True)
    assert answer.because is not None
    assert answer.because.value == "too_many_cases"


def test_a_record_that_no_patient_can_match_is_refused() -> None:
    compiled = compiled_of(
        rules(
            "advise(P, ia, do) :- finding(P, fa).",
            ":- finding(P, fa), finding(P, fb).",
            ":- finding(P, fa), !finding(P, fb).",
            ":- patient(P), !finding(P, fa), finding(P, fc).",
            ":- patient(P), !finding(P, fa), !finding(P, fc).",
        )
    )
    with pytest.raises(InputError, match="no patient can be like this"):
        ask(compiled, patient_from_content({"patient": "p"}, compiled.names.vocabulary))


def test_a_provisional_hold_is_settled_before_any_case() -> None:
    """Whether fc is present decides about the hold; that it is unknown does not stop the answer, in no case."""
    hold = '#[id = "H", statements = ["S1"], cites = [], says = "waits", unsettled = "Look for sign c."]\n'
    text = rules(*BOTH) + f"\n{hold}advise(P, ia, hold) :- in_scope(P), finding(P, fc)."
    compiled = compiled_of(text)
    for findings, status in (({}, "recommended"), ({"fc": "absent"}, "recommended"), ({"fc": "present"}, "not_now")):
        content = {"patient": "p", "findings": findings}
        (answer,) = ask(compiled, patient_from_content(content, compiled.names.vocabulary)).answers
        assert (answer.status.value, answer.certified) == (status, True)
        assert [c.rule for c in answer.cautions] == ([] if findings else ["H"])


@pytest.mark.parametrize(
    ("multiple", "operator", "bound"),
    [(m, o, b) for m in (1, -1, 2, -3) for o in ("<", "<=", ">", ">=", "=", "!=") for b in (-7, 0, 5, 6)],
)
def test_a_comparison_is_its_cuts(multiple: int, operator: str, bound: int) -> None:
    said, cuts = thresholds(multiple, operator, bound)
    for x in range(-10, 11):
        value = {"<": multiple * x < bound, "<=": multiple * x <= bound, ">": multiple * x > bound,
                 ">=": multiple * x >= bound, "=": multiple * x == bound, "!=": multiple * x != bound}[operator]  # fmt: skip
        between = x >= cuts[0] and x < cuts[-1]
        assert value == {">=": x >= cuts[0], "<": x < cuts[0], "=": between, "!=": not between}[said]


def test_sums_are_written_in_one_way() -> None:
    assert quantity([("b", -4), ("a", 2)]) == ((("a", 1), ("b", -2)), 2)
    assert quantity([("b", 4), ("a", -2)]) == ((("a", 1), ("b", -2)), -2)


def test_a_diagram_beyond_the_limit_leaves_three_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("guidelog.semantics.status_diagrams.MOST_NODES", 3)
    compiled = compiled_of(rules(*BOTH, "advise(P, ia, avoid) :- finding(P, fb), finding(P, fc)."))
    assert diagrams_of(compiled.ground).too_large() == ("ia",)
    (answer,) = ask(compiled, patient_from_content({"patient": "p"}, compiled.names.vocabulary)).answers
    assert (answer.status, answer.certified) == (Status.UNDETERMINED, True)
    assert answer.questions


def test_the_inputs_of_the_cases_are_named() -> None:
    compiled = compiled_of(rules(*BY_ORDER))
    world = settled_world(compiled, {"patient": "p"})
    assert world is not None
    tree = cases_of(world, "ia", Status.RECOMMENDED)
    assert tree is not None
    assert inputs_split(tree) == ("ma", "mb")


def test_facts_narrow_what_is_possible() -> None:
    compiled = compiled_of(
        rules("advise(P, ia, do) :- measure(P, ma, A), A >= 5.", "advise(P, ia, avoid) :- finding(P, fa).")
    )
    diagram = diagrams_of(compiled.ground).of("ia")
    assert diagram is not None
    measures = {"ma": Interval(0, 4000), "mb": Interval(0, 0)}
    facts = Facts({"fa": None, "fb": None, "fc": None}, measures, {}, frozenset())
    assert set(diagram.possible(facts, lambda _: False, Ranges.KEPT)) == {Status.AVOID, Status.NOT_NOW}


def test_check_says_what_three_values_decide_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    guideline = guideline_of(rules(*BOTH, "advise(P, ia, avoid) :- finding(P, fb), finding(P, fc)."))
    assert "GL503" not in {d.code for d in check(guideline)[1].sorted()}
    monkeypatch.setattr("guidelog.semantics.status_diagrams.MOST_NODES", 3)
    found = [d for d in check(guideline)[1].sorted() if d.code == "GL503"]
    assert [d.message for d in found] == [
        "too much hangs together for exact answers about `ia`: three values decide alone"
    ]


FAULTS = {
    "another split": lambda tree: {**tree, "split": [["fb", 1]]},
    "another cut": lambda tree: {**tree, "at": 2},
    "the same case twice": lambda tree: {**tree, "from": tree["below"]},
    "the cases exchanged": lambda tree: {**tree, "from": tree["below"], "below": tree["from"]},
    "nobody is in a case": lambda tree: {**tree, "from": {"propagated": [], "impossible": None}},
    "no such background rule": lambda tree: {**tree, "below": {"propagated": [], "impossible": "R0"}},
    "a case without a step": lambda tree: {**tree, "below": {"propagated": [], "blocks": tree["below"]["blocks"][:-1]}},
    "what no rule adds": lambda tree: {**tree, "below": {**tree["below"], "propagated": [["fb", "T", "R0"]]}},
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_spoiled_proof_by_cases_is_refused(fault: str) -> None:
    compiled = compiled_of(rules(*BOTH))
    patient = patient_from_content({"patient": "p"}, compiled.names.vocabulary)
    document = copy.deepcopy(dict(ask(compiled, patient).certificate))
    certify(compiled, patient, document)
    (proof,) = document["certificates"][0]["proofs"]
    proof["cases"] = FAULTS[fault](proof["cases"])
    with pytest.raises(CertificateError):
        certify(compiled, patient, document)
