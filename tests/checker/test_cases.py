"""Proofs by cases, made by hand: what a case may assume, and what it may not."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from certificates_by_hand import answers, document, record, step
from guidelog.checker import Rejected, check, read_rules

Json = Any

TEXT = """\
.finding a "a"
.finding b "b"
.finding c "c"
.measure x "x" unit(day) range(0, 50)
.measure y "y" unit(day) range(0, 50)
.intervention go "go"
.concept in_scope(P: patient)
#[id = "SC"] in_scope(P) :- patient(P).
#[id = "A"] advise(P, go, do) :- finding(P, a).
#[id = "B"] advise(P, go, do) :- !finding(P, a), finding(P, b).
#[id = "C"] advise(P, go, do) :- measure(P, x, X), measure(P, y, Y), X - Y >= 10, finding(P, c).
#[id = "D"] advise(P, go, do) :- measure(P, x, X), measure(P, y, Y), 2 * Y > 2 * X - 20, finding(P, c).
#[id = "E"] advise(P, go, consider) :- measure(P, x, X), X < 5..9.
#[id = "BG"]
:- finding(P, a), !finding(P, b).
"""
FILES = {"m.dl": TEXT}
BOOK = read_rules(FILES, {})
SCOPE = step("in_scope()", "T", "SC", {}, [None])
RULES = ("A", "B", "C", "D")


def does(rule: str, count: int) -> Json:
    return step("advise(go,do)", "T", rule, {}, [None] * count)


def silent(**fails: int) -> Json:
    return step("advise(go,do)", "F", fails=[[rule, {}, place] for rule, place in fails.items()])


CONSIDER = {
    "T": step("advise(go,consider)", "T", "E", {}, [None, None]),
    "F": step("advise(go,consider)", "F", fails=[["E", {}, 1]]),
    "U": step("advise(go,consider)", "U", "E", {}, [None, None], [["E", {}, 1]]),
}


def leaf(*steps: Json, consider: str = "U", propagated: Json = ()) -> Json:
    return {"propagated": [*propagated], "blocks": [[SCOPE, *steps, CONSIDER[consider]]]}


def by_cases(tree: Json, status: str = "recommended") -> Json:
    claim = {"intervention": "go", "status": status, "because": None}
    return {"claim": claim, "proofs": [{"ranges": "kept", "before": [], "cases": tree}]}


def problem(patient: Json, certificate: Json, **header: Json) -> str | None:
    made = document(patient, certificate, files=FILES, **header)
    try:
        assert check(made, BOOK, patient) == [certificate["claim"]]
    except Rejected as error:
        return str(error)
    return None


AB = {"split": [["a", 1]], "at": 1, "below": leaf(does("B", 2)), "from": leaf(does("A", 1))}
B = record(findings={"b": "present"})


def test_a_finding_or_not() -> None:
    assert problem(B, by_cases(AB)) is None
    assert problem(record(), by_cases(AB)) is not None  # b may be absent
    assert problem(B, by_cases(AB, "consider")) is not None


XY = {
    "split": [["x", 1], ["y", -1]],
    "at": 10_000,
    "below": leaf(does("D", 4)),
    "from": leaf(does("C", 4)),
}
C = record(findings={"a": "absent", "b": "absent", "c": "present"})


@pytest.mark.parametrize(("at", "accepted"), [(10_000, True), (9_999, False), (10_001, False)])
def test_two_days_in_either_order(at: int, accepted: bool) -> None:
    """`D` is written the other way round and twice: it is about the same sum."""
    assert (problem(C, by_cases({**XY, "at": at})) is None) is accepted


def test_a_sum_lies_within_the_bounds_of_its_inputs_too() -> None:
    near = C | {"measures": {"x": {"between": [20, 30]}, "y": {"between": [0, 12]}}}
    later = {
        **XY,
        "propagated": [],
        "below": leaf(does("D", 4), consider="F"),
        "from": leaf(does("C", 4), consider="F"),
    }
    never = {**XY, "at": 0, "below": {"propagated": [], "impossible": None}}
    assert problem(near, by_cases({**never, "from": later})) is None
    assert problem(C, by_cases({**never, "from": XY | {"propagated": []}})) is not None


def test_a_range_has_either_end() -> None:
    patient = record(findings={"a": "absent", "b": "absent", "c": "absent"}, measures={"x": 7, "y": 1})
    no = silent(A=0, B=1, C=3, D=3)
    tree = {
        "split": [["x", 1]],
        "at": [5_000, 9_000],
        "below": leaf(no, consider="F"),
        "from": leaf(no, consider="T"),
    }
    assert problem(patient, by_cases(tree, "not_now")) is not None  # each end gives another status
    sure = patient | {"measures": {"x": 3, "y": 1}}
    both = {**tree, "below": leaf(no, consider="T")}
    assert problem(sure, by_cases(both, "consider")) is None
    again = {**both, "from": {**both, "propagated": []}}
    assert "no range" in str(problem(sure, by_cases(again, "consider")))
    low = by_cases(both, "consider")
    low["proofs"][0]["ranges"] = "low"
    assert problem(sure, low) is not None


def test_each_end_of_a_range_counts_in_its_case() -> None:
    """Rules that come in pairs at one threshold: whichever end it is, one of them holds."""
    text = TEXT.replace("X < 5..9.", 'X < 5..9.\n#[id = "F"] advise(P, go, consider) :- measure(P, x, X), X >= 5..9.')
    book = read_rules({"m.dl": text}, {})
    patient = record(findings={"a": "absent", "b": "absent", "c": "absent"}, measures={"x": 7, "y": 1})
    no = silent(A=0, B=1, C=3, D=3)

    def taken(rule: str) -> Json:
        made = leaf(no)
        made["blocks"][0][-1] = step("advise(go,consider)", "T", rule, {}, [None, None])
        return made

    tree = {"split": [["x", 1]], "at": [5_000, 9_000], "below": taken("F"), "from": taken("E")}
    certificate = by_cases(tree, "consider")
    assert check(document(patient, certificate, files={"m.dl": text}), book, patient) == [certificate["claim"]]
    for other in (
        {**tree, "at": [9_000, 5_000]},
        {**tree, "at": [5_000, 9_001]},
        {**tree, "split": [["y", 1]]},
        {**tree, "below": tree["from"], "from": tree["below"]},
    ):
        with pytest.raises(Rejected):
            check(document(patient, by_cases(other, "consider"), files={"m.dl": text}), book, patient)


def test_background_rules_add_to_a_case_and_forbid_it() -> None:
    patient = record(findings={"c": "absent"})
    added = [["b", "T", "BG"]]
    tree = {
        "split": [["a", 1]],
        "at": 1,
        "below": {
            "propagated": [],
            "split": [["b", 1]],
            "at": 1,
            "below": leaf(silent(A=0, B=1, C=3, D=3), consider="U"),
            "from": leaf(does("B", 2)),
        },
        "from": leaf(does("A", 1), propagated=added),
    }
    assert "do not agree" in str(problem(patient, by_cases(tree)))
    told = record(findings={"b": "absent", "c": "present"})
    assert problem(told, by_cases(AB), propagated=[["a", "F", "BG"]]) is not None
    split = {"split": [["b", 1]], "at": 1, "below": {"propagated": [], "impossible": "BG"}, "from": leaf(does("A", 1))}
    assert (
        problem(record(findings={"a": "present"}), by_cases(split), propagated=added) is not None
    )  # b is known by then
    unsettled = {"split": [["a", 1]], "at": 1, "below": leaf(does("B", 2)), "from": {**split, "propagated": []}}
    assert problem(record(findings={"a": "unknown", "b": "unknown"}), by_cases(unsettled)) is not None
    whole = {**unsettled, "below": {**split, "propagated": [], "below": leaf(does("B", 2)), "from": leaf(does("B", 2))}}
    assert problem(record(), by_cases(whole)) is not None  # neither a nor b: nothing is advised


SPOILED: dict[str, Json] = {
    "a leaf alone": leaf(does("B", 2)),
    "another place to split": {**AB, "at": 0},
    "a place that is no number": {**AB, "at": True},
    "a place between numbers": {**AB, "at": 1.0},
    "three ends": {**AB, "at": [0, 1, 2]},
    "sides changed": {**AB, "below": AB["from"], "from": AB["below"]},
    "one side alone": {key: value for key, value in AB.items() if key != "from"},
    "one side twice": {**AB, "below": AB["from"]},
    "more parts": {**AB, "more": 1},
    "an unknown input": {**AB, "split": [["z", 1]]},
    "an atom as an input": {**AB, "split": [["in_scope()", 1]]},
    "no input": {**AB, "split": []},
    "a divisor": {**AB, "split": [["a", 2]]},
    "a negative factor": {**AB, "split": [["a", -1]]},
    "a factor of nothing": {**AB, "split": [["a", 1], ["b", 0]]},
    "an order of names": {**AB, "split": [["b", 1], ["a", 1]]},
    "a name twice": {**AB, "split": [["a", 1], ["a", 1]]},
    "a factor that is true": {**AB, "split": [["a", True]]},
    "both impossible": {
        **AB,
        "below": {"propagated": [], "impossible": None},
        "from": {"propagated": [], "impossible": None},
    },
    "impossible without a reason": {**AB, "from": {"propagated": [], "impossible": None}},
    "impossible by a rule that allows it": {**AB, "from": {"propagated": [], "impossible": "BG"}},
    "impossible by no rule": {**AB, "from": {"propagated": [], "impossible": "A"}},
    "impossible and proved": {**AB, "from": AB["from"] | {"impossible": None}},
    "something added at the root": {**AB, "propagated": [["a", "F", "BG"]]},
    "something added that does not follow": {**AB, "from": AB["from"] | {"propagated": [["c", "T", "BG"]]}},
    "nothing said of what is added": {**AB, "from": {"blocks": AB["from"]["blocks"]}},
    "a leaf without its scope": {**AB, "from": {"propagated": [], "blocks": [[does("A", 1), CONSIDER["U"]]]}},
    "no tree": [],
}


@pytest.mark.parametrize("tree", SPOILED.values(), ids=SPOILED)
def test_a_spoiled_tree_is_refused(tree: Json) -> None:
    assert problem(B, by_cases(copy.deepcopy(tree))) is not None


def test_leaves_are_counted() -> None:
    def deep(levels: int) -> Json:
        below = leaf(does("A", 1)) if levels == 0 else {**deep(levels - 1), "propagated": []}
        return {"split": [["y", 1]], "at": 1, "below": below, "from": leaf(does("A", 1))}

    patient = record(findings={"a": "present", "b": "present"})
    assert problem(patient, by_cases(deep(254))) is None
    assert "too many" in str(problem(patient, by_cases(deep(255))))


def test_too_many_cases_is_a_claim_of_its_own() -> None:
    open_ = [
        SCOPE,
        step(
            "advise(go,do)",
            "U",
            "A",
            {},
            [None],
            [[rule, {}, 0 if rule == "A" else 1 if rule == "B" else 2] for rule in RULES],
        ),
        CONSIDER["U"],
    ]
    assert problem(record(), answers("go", "undetermined", "too_many_cases", kept=[open_])) is None
    assert problem(record(), answers("go", "undetermined", "too_many_cases", low=[open_])) is not None
    assert problem(record(), answers("go", "undetermined", None, kept=[open_])) is not None
    assert problem(record(), answers("go", "undetermined", "too_many_cases", kept=[open_], low=[open_])) is not None
    assert (
        problem(record(), by_cases({**AB, "below": {"propagated": [], "blocks": [open_]}}, "undetermined")) is not None
    )
