"""The lumbar guideline written by hand as a Python function: what a programmer would write instead of rules.

Three values are True, False and None; statuses only, no reasons, no proofs. It is a peer to measure against, checked
against the engine on every vignette before it is timed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Value = bool | None


def both(*values: Value) -> Value:
    return False if False in values else None if None in values else True


def either(*values: Value) -> Value:
    return True if True in values else None if None in values else False


def opposite(value: Value) -> Value:
    return None if value is None else not value


def least(interval: tuple[int, int], bound: int) -> Value:
    return True if interval[0] >= bound else False if interval[1] < bound else None


def choose(condition: Value, yes: str, no: str) -> str:
    return "undetermined" if condition is None else yes if condition else no


def statuses(findings: Mapping[str, Any], measures: Mapping[str, tuple[int, int]]) -> dict[str, str]:
    """The status of each intervention for findings and measures (intervals of ticks)."""
    f = findings.get
    week = 7000
    scope = both(f("chronic_radiculopathy"), f("level_l5_s1"))
    flag = either(
        f("urinary_retention"),
        f("urinary_incontinence"),
        f("bilateral_motor_weakness"),
        f("saddle_anesthesia"),
        f("progressive_neurological_deficit"),
        f("suspected_cancer"),
        f("suspected_infection"),
        f("suspected_fracture"),
        f("significant_trauma"),
    )
    care, therapy = measures["conservative_care_weeks"], measures["physical_therapy_weeks"]
    review = measures["weeks_since_review"]
    failed = both(
        least(care, 6 * week),
        f("formal_physical_therapy"),
        f("physical_therapy_completed"),
        least(therapy, 6 * week),
        either(f("gabapentinoid_tried"), f("nsaid_tried")),
        f("symptoms_persist"),
    )
    order = both(scope, failed, f("intervention_candidate"), opposite(f("mri_done")))
    long_low, long_high = least(care, 12 * week), least(care, 26 * week)
    long = long_low if long_low is long_high else None
    criteria = both(
        failed,
        long,
        f("functional_impairment"),
        f("mri_done"),
        f("mri_correlates"),
        f("surgical_candidate"),
        either(f("instability_documented"), f("spondylolisthesis_documented"), f("severe_stenosis_documented")),
    )

    def scoped(status: str) -> str:
        return status if scope else "outside_guideline" if scope is False else "undetermined"

    def graded(condition: Value, yes: str, no: str) -> str:
        return scoped(choose(condition, yes, no)) if scope is not None else "undetermined"

    if flag:
        mri, surgery = "urgent", "emergency_pathway"
    elif scope is False:
        mri = surgery = "outside_guideline" if flag is False else "undetermined"
    elif flag is None or scope is None:
        mri = surgery = "undetermined"
    else:
        mri, surgery = choose(order, "recommended", "not_now"), choose(criteria, "recommended", "not_now")
    due = least(review, 2 * week)
    every = scoped("recommended")
    return {
        "conservative_care": every,
        "gabapentinoid": every,
        "nsaid": every,
        "oral_steroid": graded(f("oral_steroid_contraindicated"), "avoid", "consider"),
        "formal_physical_therapy": every,
        "education": every,
        "stay_active": every,
        "bed_rest": scoped("avoid"),
        "position_guidance": every,
        "mri_lumbar": mri,
        "flexion_extension_radiographs": graded(f("instability_suspected"), "consider", "not_now"),
        "nerve_root_injection": graded(failed, "consider", "not_now"),
        "multidisciplinary_rehabilitation": graded(failed, "recommended", "not_now"),
        "surgical_referral": surgery,
        "reassessment": graded(due, "recommended", "not_now"),
        "neurological_examination": every,
        "red_flag_monitoring": every,
        "repeat_nerve_conduction_study": graded(
            either(f("clinical_deterioration"), f("new_acute_nerve_symptoms")), "consider", "not_now"
        ),
        "document_conservative_care": every,
    }
