"""What the vignettes of the lumbar guideline promise to cover, counted from the files alone.

Reads the YAML with PyYAML and neither the rules nor the engine, so that a hole in the vignettes cannot hide behind an
answer of the program. Each promise is a function that lists its gaps; the last part breaks the files in memory and
expects the promise that was broken to say so, which is why this module is longer than others. Whether the expected
answers are right is not judged here: `guidelog test` compares them with the answers of the rules.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import chain
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import yaml

FOLDER = Path(__file__).parents[2] / "kb" / "lumbar_radiculopathy" / "vignettes"

STATEMENTS = frozenset([*(f"S{n:02}" for n in range(40)), *(f"S24{letter}" for letter in "abcde")])
DECISIONS = tuple(f"Q{n:02}" for n in range(1, 17))
OPEN_POINTS = frozenset(
    (*(f"L{n:02}" for n in range(1, 15)), "Q17", "Q18", "Q19")
)  # decided with the rules, or by review 1
CRITERIA = ("S24a", "S24b", "S24c", "S24d", "S24e")
ADVICE = (
    *(f"S{n:02}" for n in range(1, 16)),
    "S17",
    "S18",
    "S22",
    "S23",
    "S24",
    *CRITERIA,
    "S28",
    "S32",
    "S33",
    "S34",
    "S35",
    "S36",
)
MAIN = ("mri_lumbar", "nerve_root_injection", "multidisciplinary_rehabilitation", "surgical_referral")
INTERVENTIONS = frozenset(
    [
        *MAIN,
        "conservative_care",
        "gabapentinoid",
        "nsaid",
        "oral_steroid",
        "formal_physical_therapy",
        "education",
        "stay_active",
        "bed_rest",
        "position_guidance",
        "flexion_extension_radiographs",
        "reassessment",
        "neurological_examination",
        "red_flag_monitoring",
        "repeat_nerve_conduction_study",
        "document_conservative_care",
    ]
)
STATUSES = frozenset(
    [
        "urgent",
        "recommended",
        "consider",
        "not_now",
        "avoid",
        "undetermined",
        "outside_guideline",
        "emergency_pathway",
    ]
)  # every status but `conflict`, which no patient of this guideline should ever see
FLAGS = {
    "urinary_retention": "S11",
    "urinary_incontinence": "S11",
    "bilateral_motor_weakness": "S11",
    "saddle_anesthesia": "S11",
    "progressive_neurological_deficit": "S12",
    "suspected_cancer": "S13",
    "suspected_infection": "S13",
    "suspected_fracture": "S13",
    "significant_trauma": "S14",
}
DOCUMENTED = ("instability_documented", "spondylolisthesis_documented", "severe_stenosis_documented")
TRIED = (
    "formal_physical_therapy",
    "physical_therapy_completed",
    "home_exercise_only",
    "gabapentinoid_tried",
    "nsaid_tried",
    "oral_steroid_tried",
    "injection_given",
)
WEEKS_OF_CARE = ("conservative_care_weeks", "physical_therapy_weeks")
SCREENS = {
    "red_flags": frozenset(FLAGS),
    "treatment_history": frozenset([*TRIED, *WEEKS_OF_CARE]),
    "imaging": frozenset(["mri_done", "mri_correlates", *DOCUMENTED]),
}
ANSWER_KEYS = frozenset(
    ["status", "because", "if_resolved", "questions", "statements", "decisions", "includes", "items"]
)
WEEK = 7
JUST = Decimal("0.2") * WEEK  # how near to a threshold is "just under" and "just over"

Bounds: TypeAlias = tuple[Decimal, Decimal]
Answer: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Vignette:
    """One file; `days` has the bounds of every listed measure, in days."""

    file: str
    patient: str
    findings: Mapping[str, str]
    days: Mapping[str, Bounds]
    from_dates: frozenset[str]
    closed: frozenset[str]
    why: str
    statements: frozenset[str]
    fires: frozenset[str]
    withholds: frozenset[str]
    answers: Mapping[str, Answer]

    def status(self, intervention: str) -> str | None:
        answer = self.answers.get(intervention)
        return None if answer is None else str(answer["status"])

    def outcome(self, intervention: str) -> str | None:
        """The status, with its reason when it is undetermined."""
        answer = self.answers.get(intervention)
        return None if answer is None else str(answer.get("because", answer["status"]))

    def finding(self, name: str) -> bool | None:
        """Present, absent or, when None, unknown."""
        unlisted = "absent" if any(name in SCREENS[screen] for screen in self.closed) else "unknown"
        return {"present": True, "absent": False, "unknown": None}[self.findings.get(name, unlisted)]

    def at_least(self, measure: str, weeks: int) -> bool | None:
        zero = any(measure in SCREENS[screen] for screen in self.closed)
        low, high = self.days.get(measure, (Decimal(0), Decimal(0 if zero else 520 * WEEK)))
        return True if low >= weeks * WEEK else False if high < weeks * WEEK else None


Vignettes: TypeAlias = tuple[Vignette, ...]
Promise: TypeAlias = Callable[[Vignettes], list[str]]


def _bounds(value: Any, as_of: date) -> Bounds:
    match value:
        case {"since": {"between": [first, last]}}:
            return Decimal((as_of - last).days), Decimal((as_of - first).days)
        case {"since": start}:
            return Decimal((as_of - start).days), Decimal((as_of - start).days)
        case {"between": [low, high]}:
            return Decimal(str(low)) * WEEK, Decimal(str(high)) * WEEK
        case dict():
            return Decimal(str(value.get("at_least", 0))) * WEEK, Decimal(str(value.get("at_most", 520))) * WEEK
        case _:
            return Decimal(str(value)) * WEEK, Decimal(str(value)) * WEEK


def _vignette(path: Path) -> Vignette:
    record = yaml.safe_load(path.read_text(encoding="utf-8"))
    expect, measures = record["expect"], record.get("measures", {})
    answers = {name: said if isinstance(said, dict) else {"status": said} for name, said in expect["answers"].items()}
    return Vignette(
        file=path.stem,
        patient=record["patient"],
        findings=record["findings"],
        days={name: _bounds(value, record["as_of"]) for name, value in measures.items()},
        from_dates=frozenset(name for name, value in measures.items() if isinstance(value, dict) and "since" in value),
        closed=frozenset(name for name, state in record.get("screens", {}).items() if state == "complete"),
        why=expect["why"],
        statements=frozenset(expect["statements"]),
        fires=frozenset(expect.get("fires", [])),
        withholds=frozenset(expect.get("withholds", [])),
        answers=answers,
    )


FILES = tuple(sorted(FOLDER.glob("*.yaml")))
ALL: Vignettes = tuple(_vignette(path) for path in FILES)


def _every(states: Iterable[bool | None]) -> bool | None:
    """True when all are, False when one certainly is not, else None."""
    seen = tuple(states)
    return False if False in seen else None if None in seen else True


def _some(states: Iterable[bool | None]) -> bool | None:
    opposite = _every(None if state is None else not state for state in states)
    return None if opposite is None else not opposite


def _optimal_care(v: Vignette) -> bool | None:
    return _every(
        (
            v.finding("formal_physical_therapy"),
            v.finding("physical_therapy_completed"),
            v.at_least("physical_therapy_weeks", 6),
            v.finding("symptoms_persist"),
            _some((v.finding("gabapentinoid_tried"), v.finding("nsaid_tried"))),
        )
    )


def _criteria(v: Vignette) -> Mapping[str, bool | None]:
    """The five surgical criteria as the record leaves them; three to six months of care count as unknown here."""
    three, six = (v.at_least("conservative_care_weeks", weeks) for weeks in (12, 26))
    long_enough = three if three == six else None
    return {
        "S24a": _every((_optimal_care(v), long_enough)),
        "S24b": v.finding("functional_impairment"),
        "S24c": v.finding("mri_correlates"),
        "S24d": v.finding("surgical_candidate"),
        "S24e": _some(v.finding(name) for name in DOCUMENTED),
    }


def _in_scope(v: Vignette) -> bool | None:
    return _every((v.finding("chronic_radiculopathy"), v.finding("level_l5_s1")))


def _red_flag(v: Vignette) -> bool | None:
    return _some(v.finding(name) for name in FLAGS)


def _questions(v: Vignette) -> frozenset[str]:
    groups = chain.from_iterable(answer.get("questions", ()) for answer in v.answers.values())
    return frozenset(chain.from_iterable(groups))


# ------------------------------------------------------------------------------------------------------------- promises


def sixty_or_more(vs: Vignettes) -> list[str]:
    return [] if len(vs) >= 60 else [f"only {len(vs)} vignettes"]


def four_main_answers_everywhere(vs: Vignettes) -> list[str]:
    return [f"{v.file}: no answer for {name}" for v in vs for name in MAIN if name not in v.answers]


def some_with_all_interventions(vs: Vignettes) -> list[str]:
    full = [v for v in vs if set(v.answers) == INTERVENTIONS]
    gaps = [] if len(full) >= 5 else [f"only {len(full)} vignettes expect all {len(INTERVENTIONS)} answers"]
    return gaps + [
        f"all answers are never expected {what}"
        for what, state in (("in scope", True), ("out of scope", False), ("with the scope unknown", None))
        if all(_in_scope(v) is not state for v in full)
    ]


def statements_fired_and_withheld(vs: Vignettes) -> list[str]:
    fired = frozenset(chain.from_iterable(v.fires for v in vs))
    withheld = frozenset(chain.from_iterable(v.withholds for v in vs))
    gaps = [f"{s} is never fired" for s in ADVICE if s not in fired]
    return gaps + [f"{s} is never withheld" for s in ADVICE if s not in withheld]


def withheld_inside_the_scope_where_there_is_a_condition(vs: Vignettes) -> list[str]:
    """Advice with a condition of its own is withheld from a patient of the guideline too, not just from strangers."""
    conditional = ("S04", "S10", "S15", "S17", "S18", "S22", "S23", "S24", *CRITERIA, "S32", "S33", "S36")
    withheld = frozenset(chain.from_iterable(v.withholds for v in vs if _in_scope(v)))
    return [f"{s} is never withheld in scope" for s in conditional if s not in withheld]


def decisions_exercised(vs: Vignettes) -> list[str]:
    named = frozenset(chain.from_iterable(v.statements for v in vs))
    return [f"{q} is not exercised" for q in DECISIONS if q not in named]


def statuses_seen(vs: Vignettes) -> list[str]:
    seen = {v.status(name) for v in vs for name in v.answers}
    return [f"no answer is {status}" for status in sorted(STATUSES) if status not in seen]


def every_intervention_varies(vs: Vignettes) -> list[str]:
    """No status fits every vignette; for conditional advice, not even every patient of the guideline."""
    conditional = {
        *MAIN,
        "oral_steroid",
        "flexion_extension_radiographs",
        "reassessment",
        "repeat_nerve_conduction_study",
    }
    gaps = []
    for name in sorted(INTERVENTIONS):
        asked = [v for v in vs if name in v.answers and (_in_scope(v) or name not in conditional)]
        settled = {v.status(name) for v in asked} - {"undetermined"}
        if len(settled) < 2:
            gaps.append(f"{name} is only ever {sorted(map(str, settled))}")
    return gaps


@dataclass(frozen=True, slots=True)
class Threshold:
    """At `weeks` of `measure` the answer of `intervention` turns from `below` to `reached`: so says `statement`."""

    measure: str
    weeks: int
    statement: str
    intervention: str
    below: str
    reached: str


def _thresholds() -> tuple[Threshold, ...]:
    after_six_weeks = (
        ("S15", "mri_lumbar", "recommended"),
        ("S18", "nerve_root_injection", "consider"),
        ("S22", "multidisciplinary_rehabilitation", "recommended"),
    )
    return (
        *(
            Threshold(measure, 6, statement, intervention, "not_now", reached)
            for measure in WEEKS_OF_CARE
            for statement, intervention, reached in after_six_weeks
        ),
        Threshold("conservative_care_weeks", 12, "S24a", "surgical_referral", "not_now", "guideline_range"),
        Threshold("conservative_care_weeks", 26, "S24a", "surgical_referral", "guideline_range", "recommended"),
        Threshold("weeks_since_review", 2, "S33", "reassessment", "not_now", "recommended"),
    )


def _neighbours(vs: Vignettes, measure: str, statement: str) -> Iterable[list[Vignette]]:
    """Vignettes about a statement that differ in nothing but an exact value of the measure."""
    groups: dict[tuple[object, ...], list[Vignette]] = defaultdict(list)
    for v in vs:
        if statement in v.statements and measure in v.days and v.days[measure][0] == v.days[measure][1]:
            rest = frozenset((name, bounds) for name, bounds in v.days.items() if name != measure)
            groups[frozenset(v.findings.items()), rest, v.closed].append(v)
    return groups.values()


def _places(group: Iterable[Vignette], measure: str, weeks: int) -> Mapping[str, list[Vignette]]:
    found: dict[str, list[Vignette]] = {"just under": [], "at": [], "just over": []}
    for v in group:
        distance = v.days[measure][0] - weeks * WEEK
        if abs(distance) <= JUST:
            found["just under" if distance < 0 else "just over" if distance > 0 else "at"].append(v)
    return found


def thresholds_from_both_sides(vs: Vignettes) -> list[str]:
    gaps = []
    for t in _thresholds():
        wanted = {"just under": t.below, "at": t.reached, "just over": t.reached}
        groups = [_places(group, t.measure, t.weeks) for group in _neighbours(vs, t.measure, t.statement)]
        best: Mapping[str, list[Vignette]] = max(groups, key=lambda g: sum(map(bool, g.values())), default={})
        name = f"{t.measure} {t.weeks} for {t.intervention}"
        gaps += [f"{name}: nothing {place}" for place in wanted if not best.get(place)]
        compared = [group for group in groups if sum(map(bool, group.values())) > 1]
        gaps += [
            f"{v.file}: {t.intervention} is {v.outcome(t.intervention)} {place} {t.weeks}, not {wanted[place]}"
            for group in compared
            for place, members in group.items()
            for v in members
            if v.outcome(t.intervention) != wanted[place]
        ]
        if not any(t.measure in v.from_dates for group in compared for members in group.values() for v in members):
            gaps.append(f"{name}: never counted from a date")
    return gaps


def review_is_overdue_after_four_weeks(vs: Vignettes) -> list[str]:
    gaps = []
    groups = [_places(group, "weeks_since_review", 4) for group in _neighbours(vs, "weeks_since_review", "S33")]
    best: Mapping[str, list[Vignette]] = max(groups, key=lambda g: sum(map(bool, g.values())), default={})
    for place, overdue in (("just under", False), ("at", False), ("just over", True)):
        if not best.get(place):
            gaps.append(f"weeks_since_review 4: nothing {place}")
        for v in chain.from_iterable(group[place] for group in groups):
            answer = v.answers.get("reassessment", {})
            if answer.get("status") != "recommended" or ("overdue" in answer.get("items", ())) is not overdue:
                gaps.append(f"{v.file}: reassessment {place} four weeks is {dict(answer)}")
    return gaps


def each_red_flag_alone(vs: Vignettes) -> list[str]:
    return [
        f"{flag} alone is missing"
        for flag, statement in FLAGS.items()
        if not any(
            v.finding(flag)
            and all(v.finding(other) is False for other in FLAGS if other != flag)
            and statement in v.fires
            and v.status("mri_lumbar") == "urgent"
            and v.status("surgical_referral") == "emergency_pathway"
            for v in vs
        )
    ]


def _eligible(v: Vignette) -> bool:
    return _in_scope(v) is True and _red_flag(v) is False


def each_criterion_missing_alone(vs: Vignettes) -> list[str]:
    return [
        f"{criterion} missing alone"
        for criterion in CRITERIA
        if not any(
            _eligible(v)
            and all(state is (name != criterion) for name, state in _criteria(v).items())
            and v.withholds.issuperset({"S24", criterion})
            and not v.withholds & (set(CRITERIA) - {criterion})
            and v.status("surgical_referral") == "not_now"
            for v in vs
        )
    ]


def each_criterion_unknown_alone(vs: Vignettes) -> list[str]:
    return [
        f"{criterion} unknown alone"
        for criterion in CRITERIA
        if not any(
            _eligible(v)
            and all(state is (None if name == criterion else True) for name, state in _criteria(v).items())
            and criterion in v.statements
            and not (v.fires | v.withholds) & {"S24", *CRITERIA}
            and v.outcome("surgical_referral") == "missing_data"
            for v in vs
        )
    ]


def referral_in_all_three_ways_of_the_last_criterion(vs: Vignettes) -> list[str]:
    return [
        f"no referral for {name} alone"
        for name in DOCUMENTED
        if not any(
            v.status("surgical_referral") == "recommended"
            and v.finding(name)
            and not any(v.finding(other) for other in DOCUMENTED if other != name)
            for v in vs
        )
    ]


def referral_means_all_criteria(vs: Vignettes) -> list[str]:
    """Where a referral is expected, the record has all five criteria, no flag and the scope."""
    gaps = []
    for v in vs:
        if v.status("surgical_referral") == "recommended":
            needed = {**_criteria(v), "scope": _in_scope(v), "a negative screen": _red_flag(v) is False}
            gaps += [f"{v.file}: referral without {name}" for name, met in needed.items() if not met]
    return gaps


def eighteen_weeks_is_a_matter_of_judgement(vs: Vignettes) -> list[str]:
    day = Decimal(18 * WEEK)
    found = any(
        _eligible(v)
        and v.days.get("conservative_care_weeks") == (day, day)
        and _optimal_care(v)
        and all(state for name, state in _criteria(v).items() if name != "S24a")
        and v.outcome("surgical_referral") == "guideline_range"
        for v in vs
    )
    return [] if found else ["nobody at 18 weeks with everything else met"]


def nothing_tried_and_nothing_alarming(vs: Vignettes) -> list[str]:
    history = SCREENS["treatment_history"]
    found = any(
        _eligible(v)
        and "treatment_history" in v.closed
        and not history & (set(v.findings) | set(v.days))
        and v.status("mri_lumbar") == "not_now"
        for v in vs
    )
    return [] if found else ["no empty history with a negative screen"]


def scope_with_and_without_a_flag(vs: Vignettes) -> list[str]:
    wanted: dict[tuple[bool | None, bool | None], tuple[str, str, str]] = {
        (False, False): ("outside_guideline", "outside_guideline", "outside_guideline"),
        (False, True): ("urgent", "emergency_pathway", "outside_guideline"),
        (False, None): ("undetermined", "undetermined", "outside_guideline"),
        (None, False): ("undetermined", "undetermined", "undetermined"),
        (None, True): ("urgent", "emergency_pathway", "undetermined"),
    }
    asked = ("mri_lumbar", "surgical_referral", "nerve_root_injection")
    gaps = []
    for (scope, flag), statuses in wanted.items():
        found = [v for v in vs if _in_scope(v) is scope and _red_flag(v) is flag]
        if not found:
            gaps.append(f"nobody with scope {scope} and red flag {flag}")
        gaps += [
            f"{v.file}: {name} is {v.status(name)}"
            for v in found
            for name, status in zip(asked, statuses, strict=True)
            if v.status(name) != status
        ]
    for name in ("chronic_radiculopathy", "level_l5_s1"):
        other = "level_l5_s1" if name == "chronic_radiculopathy" else "chronic_radiculopathy"
        gaps += [
            f"nobody with {name} {state} and {other} present"
            for state in (False, None)
            if not any(v.finding(name) is state and v.finding(other) for v in vs)
        ]
    return gaps


def screens_left_incomplete(vs: Vignettes) -> list[str]:
    asked = frozenset(chain.from_iterable(_questions(v) for v in vs))
    gaps = [f"screen:{name} is never the question" for name in SCREENS if f"screen:{name}" not in asked]
    gaps += [f"no single member of {name} is the question" for name, members in SCREENS.items() if not members & asked]
    gaps += [
        f"no complete screen {name} with a member listed as unknown"
        for name in ("red_flags", "treatment_history")
        if not any(name in v.closed and any(v.findings.get(m) == "unknown" for m in SCREENS[name]) for v in vs)
    ]
    return gaps


PROMISES: tuple[Promise, ...] = (
    sixty_or_more,
    four_main_answers_everywhere,
    some_with_all_interventions,
    statements_fired_and_withheld,
    withheld_inside_the_scope_where_there_is_a_condition,
    decisions_exercised,
    statuses_seen,
    every_intervention_varies,
    thresholds_from_both_sides,
    review_is_overdue_after_four_weeks,
    each_red_flag_alone,
    each_criterion_missing_alone,
    each_criterion_unknown_alone,
    referral_in_all_three_ways_of_the_last_criterion,
    referral_means_all_criteria,
    eighteen_weeks_is_a_matter_of_judgement,
    nothing_tried_and_nothing_alarming,
    scope_with_and_without_a_flag,
    screens_left_incomplete,
)


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
def test_promise_is_kept(promise: Promise) -> None:
    assert promise(ALL) == []


# ------------------------------------------------------------------------------------------------------ the files' form


@pytest.mark.parametrize("v", ALL, ids=lambda v: v.file)
def test_form(v: Vignette) -> None:
    assert v.patient == ("seed-case" if v.file == "seed" else v.file)
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", v.file)
    assert v.why.strip()
    assert v.statements, "a vignette is about something"
    assert v.statements | v.fires | v.withholds <= STATEMENTS | set(DECISIONS) | OPEN_POINTS
    assert not v.fires & v.withholds
    assert set(v.answers) <= INTERVENTIONS
    for answer in v.answers.values():
        assert set(answer) <= ANSWER_KEYS
        assert answer["status"] in STATUSES
        assert ("because" in answer) == (answer["status"] == "undetermined")
        assert answer.get("because", "missing_data") in ("missing_data", "guideline_range")
        if "if_resolved" in answer or "questions" in answer:
            assert answer["status"] == "undetermined"
        assert set(answer.get("if_resolved", ())) <= STATUSES - {"undetermined"}
        assert set(answer.get("statements", ())) | set(answer.get("includes", ())) <= STATEMENTS
        assert set(answer.get("decisions", ())) <= set(DECISIONS) | OPEN_POINTS


def test_readme_lists_every_vignette_once_and_what_it_is_about() -> None:
    text = (FOLDER / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([^`]+)` \| [^|]+ \| ([^|]+) \|$", text, flags=re.MULTILINE)
    assert len(rows) == len(ALL)
    assert {name: frozenset(cell.split(", ")) for name, cell in rows} == {v.patient: v.statements for v in ALL}


# ----------------------------------------------------------------------------------------- the promises can be broken


def _without(*files: str) -> Vignettes:
    known = {v.file for v in ALL}
    assert known.issuperset(files)
    return tuple(v for v in ALL if v.file not in files)


def _changed(file: str, **changes: Any) -> Vignettes:
    assert any(v.file == file for v in ALL)
    return tuple(replace(v, **changes) if v.file == file else v for v in ALL)


@pytest.mark.parametrize("statement", ADVICE)
def test_a_statement_that_nobody_fires_is_noticed(statement: str) -> None:
    rest = tuple(v for v in ALL if statement not in v.fires)
    assert f"{statement} is never fired" in statements_fired_and_withheld(rest)


@pytest.mark.parametrize("statement", ADVICE)
def test_a_statement_that_nobody_withholds_is_noticed(statement: str) -> None:
    rest = tuple(v for v in ALL if statement not in v.withholds)
    assert f"{statement} is never withheld" in statements_fired_and_withheld(rest)


@pytest.mark.parametrize("decision", DECISIONS)
def test_a_decision_that_nobody_exercises_is_noticed(decision: str) -> None:
    rest = tuple(v for v in ALL if decision not in v.statements)
    assert f"{decision} is not exercised" in decisions_exercised(rest)


@pytest.mark.parametrize("flag", FLAGS)
def test_a_red_flag_that_stands_nowhere_alone_is_noticed(flag: str) -> None:
    assert each_red_flag_alone(tuple(v for v in ALL if not v.finding(flag))) == [f"{flag} alone is missing"]


def _answering(file: str, intervention: str, status: str) -> Vignettes:
    return _changed(file, answers={intervention: {"status": status}})


BROKEN: Mapping[Promise, tuple[tuple[Vignettes, str], ...]] = {
    sixty_or_more: ((ALL[:59], "only 59"),),
    four_main_answers_everywhere: ((_changed("seed", answers={}), "seed: no answer for mri_lumbar"),),
    some_with_all_interventions: (
        (ALL[:1], "only 0"),
        (tuple(v for v in ALL if _in_scope(v) is not False), "never expected out of scope"),
    ),
    withheld_inside_the_scope_where_there_is_a_condition: (
        (tuple(v for v in ALL if not _in_scope(v)), "S18 is never withheld in scope"),
    ),
    statuses_seen: ((tuple(v for v in ALL if _in_scope(v)), "no answer is outside_guideline"),),
    every_intervention_varies: (
        (ALL[:1], "bed_rest is only ever"),
        (tuple(v for v in ALL if v.status("oral_steroid") != "avoid"), "oral_steroid is only ever ['consider']"),
    ),
    thresholds_from_both_sides: (
        (_without("care-6-weeks", "care-42-days"), "conservative_care_weeks 6 for mri_lumbar: nothing at"),
        (_without("care-41-days", "care-5-9-weeks"), "conservative_care_weeks 6 for mri_lumbar: nothing just under"),
        (_without("therapy-6-1-weeks"), "physical_therapy_weeks 6 for nerve_root_injection: nothing just over"),
        (_without("therapy-41-days", "therapy-42-days"), "physical_therapy_weeks 6 for mri_lumbar: never counted"),
        (_answering("care-42-days", "nerve_root_injection", "not_now"), "nerve_root_injection is not_now at 6"),
        (_answering("surgery-care-12-weeks", "surgical_referral", "not_now"), "is not_now at 12"),
        (_answering("surgery-care-25-9-weeks", "surgical_referral", "recommended"), "recommended just under 26"),
        (_without("review-13-days", "review-2-weeks"), "weeks_since_review 2 for reassessment: never counted"),
    ),
    review_is_overdue_after_four_weeks: (
        (_without("review-4-weeks"), "weeks_since_review 4: nothing at"),
        (_answering("review-29-days", "reassessment", "recommended"), "review-29-days: reassessment just over"),
    ),
    each_criterion_missing_alone: (
        (_without("surgery-missing-fitness"), "S24d missing alone"),
        (_changed("surgery-missing-impairment", withholds=frozenset({"S24"})), "S24b missing alone"),
    ),
    each_criterion_unknown_alone: ((_without("surgery-unknown-impairment"), "S24b unknown alone"),),
    referral_in_all_three_ways_of_the_last_criterion: ((_without("surgery-spondylolisthesis"), "spondylolisthesis"),),
    referral_means_all_criteria: (
        (_answering("seed", "surgical_referral", "recommended"), "seed: referral without S24a"),
    ),
    eighteen_weeks_is_a_matter_of_judgement: ((_without("surgery-care-18-weeks"), "18 weeks"),),
    nothing_tried_and_nothing_alarming: ((_without("empty-history-screens-negative"), "no empty history"),),
    scope_with_and_without_a_flag: (
        (_without("outside-red-flags-unasked"), "nobody with scope False and red flag None"),
        (_answering("outside-with-red-flag", "mri_lumbar", "not_now"), "outside-with-red-flag: mri_lumbar is not_now"),
    ),
    screens_left_incomplete: (
        (tuple(v for v in ALL if "screen:imaging" not in _questions(v)), "screen:imaging is never the question"),
        (_without("red-flag-unclear-in-complete-screen"), "no complete screen red_flags with a member"),
    ),
}


@pytest.mark.parametrize(
    ("promise", "files", "gap"),
    [
        pytest.param(promise, files, gap, id=f"{promise.__name__}-{n}")
        for promise, breaks in BROKEN.items()
        for n, (files, gap) in enumerate(breaks)
    ],
)
def test_a_broken_promise_is_noticed(promise: Promise, files: Vignettes, gap: str) -> None:
    assert any(gap in line for line in promise(files)), promise(files)


def test_every_promise_has_a_way_to_fail() -> None:
    noticed_above = {statements_fired_and_withheld, decisions_exercised, each_red_flag_alone}
    assert BROKEN.keys() | noticed_above == set(PROMISES)
