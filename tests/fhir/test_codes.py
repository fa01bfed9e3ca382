"""The code list: every code is what it claims to be, mistakes are reported at their line, and a planted wrong code is caught."""

from __future__ import annotations

import csv
import json
import shutil
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from fhir_support import FILES, SYSTEMS, compiled, concept, condition, findings, mapping, questionnaire, read
from guidelog.diagnostics import Diagnostic, render
from guidelog.fhir import load_mapping
from guidelog.fhir.terminology.check_digits import right_digits
from guidelog.fhir.terminology.code_file import read_codes
from guidelog.fhir.terminology.mapping import CodeMapping
from guidelog.language.guideline import load_guideline
from guidelog.source import Source
from guidelog.workbench.lints.collect import review

KB = Path(__file__).parents[2] / "kb" / "lumbar_radiculopathy"
TEXT = (KB / "codes.toml").read_text(encoding="utf-8")

# What each concept of codes.toml is called in the list of verified codes (tests/fhir/codes.csv, from published value sets).
CALLED = {
    "lumbar radiculopathy": {"lumbar radiculopathy"},
    "lumbosacral radiculopathy": {"lumbar radiculopathy"},
    "sciatica, right": {"lumbar radiculopathy"},
    "sciatica, left": {"lumbar radiculopathy"},
    "back pain with sciatica": {"lumbar radiculopathy"},
    "back pain with sciatica, right": {"lumbar radiculopathy"},
    "back pain with sciatica, left": {"lumbar radiculopathy"},
    "disc displacement": {"disc displacement", "disc prolapse/displacement"},
    "cauda equina syndrome": {"cauda equina"},
    "cauda equina syndrome with the bladder": {"cauda equina", "neurogenic bladder"},
    "neuromuscular dysfunction of the bladder": {"neurogenic bladder"},
    "urinary retention": {"urinary retention", "cauda equina"},
    "weakness of the left leg": {"motor deficit"},
    "weakness of the right leg": {"motor deficit"},
    "other musculoskeletal signs": {"motor deficit"},
    "cancer of the spine": {"malignancy"},
    "weight loss": {"malignancy"},
    "history of cancer": {"malignancy"},
    "intravenous drug use": {"IV drug use"},
    "injury": {"trauma"},
    "fall from a height or multiple injuries": {"trauma"},
    "muscle weakness": {"motor deficit"},
    "neurological deficit": {"motor deficit"},
    "foot drop": {"motor deficit"},
    "pain on a scale that its words name": {"pain NRS/VAS"},
    "pain on a visual analogue scale": {"pain NRS/VAS"},
    "lumbar stenosis": {"stenosis"},
    "neurogenic claudication": {"stenosis"},
    "post-laminectomy syndrome": {"post-laminectomy"},
    "exercise": {"physical therapy"},
    "evaluation by a physical therapist": {"physical therapy"},
    "referral to physical therapy": {"physical therapy"},
    "ibuprofen": {"NSAID"},
    "naproxen": {"NSAID"},
    "diclofenac": {"NSAID"},
    "celecoxib": {"NSAID"},
    "meloxicam": {"NSAID"},
    "prednisone": {"oral corticosteroid"},
    "prednisolone": {"oral corticosteroid"},
    "methylprednisolone": {"oral corticosteroid"},
    "dexamethasone": {"oral corticosteroid"},
    "cognitive behavioural therapy": {"CBT"},
    "multidisciplinary rehabilitation": {"multidisciplinary rehab"},
    "nerve root injection": {"ESI / SNRB"},
    "epidural injection": {"ESI / SNRB"},
    "lumbar MRI": {"MRI lumbar"},
    "lumbar CT": {"CT lumbar"},
    "flexion-extension radiographs": {"flexion-extension XR"},
    "nerve conduction study": {"EMG/NCS"},
    "pain on a scale from 0 to 10": {"pain NRS/VAS"},
    "pain on another scale": {"pain NRS/VAS"},
    "Oswestry disability index": {"ODI"},
}


def listed() -> dict[tuple[str, str], dict[str, str]]:
    with (FILES / "codes.csv").open(encoding="utf-8", newline="") as file:
        return {(row["system"], row["code"]): row for row in csv.DictReader(file)}


def wrong_codes(found: CodeMapping) -> list[str]:
    """What is not as the list of verified codes has it."""
    known = listed()
    wrong = []
    for code in found.codes.values():
        row = known.get((code.system, code.code))
        if row is None:
            wrong.append(f"{code.code}: not in the list")
        elif row["display"] != code.display or (row["status"] == "verified") is not code.verified:
            wrong.append(f"{code.code}: {code.display!r} for {row['display']!r}, {row['status']}")
        elif row["concept"] not in CALLED.get(code.concept, {code.concept}):
            wrong.append(f"{code.code}: {code.concept!r} for {row['concept']!r}")
    return wrong


def problems(text: str) -> list[Diagnostic]:
    return read_codes(Source("codes.toml", text), compiled().names.vocabulary)[1]


def test_every_code_is_what_the_list_of_verified_codes_says() -> None:
    assert wrong_codes(mapping()) == []
    assert len(mapping().codes) == len(listed())


PLANTED = '    {system = "snomed", code = "271594007", display = "%s", source = "pama-reasons"},\n'


@pytest.mark.parametrize("display", ["Syncope (disorder)", "Saddle anesthesia (finding)"])
def test_a_planted_wrong_code_is_caught(display: str) -> None:
    """271594007 is syncope; public lists have it as saddle anaesthesia."""
    place = '    {system = "snomed", code = "449813001"'
    text = TEXT.replace(place, PLANTED % display + place)
    found, reported = read_codes(Source("codes.toml", text), compiled().names.vocabulary)
    assert wrong_codes(found) == ["271594007: not in the list"]
    if "Syncope" in display:
        [only] = reported
        assert only.code == "GL445"
        assert "is not about `saddle anaesthesia`" in only.message
        assert "271594007" in render(only)


def test_the_shipped_list_has_no_problem() -> None:
    assert problems(TEXT) == []


SMALL = """\
[systems]
snomed = "http://snomed.info/sct"
[sources]
here = "a list"
[[concept]]
name = "retention"
mentions = ["retention"]
codes = [{system = "snomed", code = "267064002", display = "Retention of urine (disorder)", source = "here"}]
[[concept.fact]]
finding = "urinary_retention"
"""
WRONG = [
    (
        'finding = "urinary_retention"',
        'finding = "urinary_retension"',
        "GL443",
        10,
        "did you mean `urinary_retention`?",
    ),
    ('finding = "urinary_retention"', 'measure = "symptom_week"', "GL443", 10, "did you mean `symptom_weeks`?"),
    (
        'finding = "urinary_retention"',
        'finding = "urinary_retention"\nwen = "present"',
        "GL442",
        11,
        "did you mean `when`?",
    ),
    (
        'finding = "urinary_retention"',
        'finding = "urinary_retention"\nwhen = "presnt"',
        "GL442",
        11,
        "did you mean `present`?",
    ),
    ('finding = "urinary_retention"', 'finding = "urinary_retention"\nwhen = "since"', "GL442", 6, None),
    ('finding = "urinary_retention"', "weeks = 3", "GL442", 6, None),
    ('finding = "urinary_retention"', 'finding = "urinary_retention"\nabsent_for = "long"', "GL442", 11, None),
    ('"267064002"', '"267064003"', "GL446", 8, None),
    ("Retention of urine", "Syncope", "GL445", 8, "it should mention one of `retention`"),
    (', source = "here"}', "}", "GL445", 8, None),
    (', source = "here"}', ', source = "hear"}', "GL442", 8, "did you mean `here`?"),
    ('system = "snomed"', 'system = "snomd"', "GL442", 8, "did you mean `snomed`?"),
    ('code = "267064002"', "code = 267064002", "GL442", 8, None),
    ("[sources]", "[sourcs]", "GL442", 3, "did you mean `sources`?"),
    ("[[concept]]", "[[concept", "GL441", 5, None),
    (
        '"here"}]',
        '"here"},\n {system = "snomed", code = "267064002", display = "Retention", source = "here"}]',
        "GL444",
        9,
        None,
    ),
]


@pytest.mark.parametrize(("old", "new", "code", "line", "hint"), WRONG)
def test_mistakes_are_reported_at_their_line(old: str, new: str, code: str, line: int, hint: str | None) -> None:
    assert problems(SMALL) == []
    found = problems(SMALL.replace(old, new, 1))
    assert code in [d.code for d in found], found
    first = next(d for d in found if d.code == code)
    assert first.span is not None
    assert first.span.source.position(first.span.start)[0] == line
    assert first.hint == hint or hint is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "concept = 3",
        "[[concept]]",
        "concept = [1]",
        "[systems]\na = [1, {}]",
        "systems = 1",
        "[[overlap]]\ngroups = 3",
        "[[all_of]]",
        "[[worsening]]\nconcepts = [1]",
        "[[concept]]\nname = 'x'\ncodes = [{}]\nfact = [{scale = 1}]",
    ],
)
def test_odd_lists_are_reported_and_never_crash(text: str) -> None:
    problems(text)


def test_check_reports_mistakes_in_the_code_list(tmp_path: Path) -> None:
    folder = tmp_path / "guideline"
    shutil.copytree(KB, folder, ignore=shutil.ignore_patterns("vignettes"))
    (folder / "codes.toml").write_text(
        TEXT.replace('finding = "urinary_retention"', 'finding = "urinary_retension"', 1), encoding="utf-8"
    )
    found = [a.diagnostic for a in review(load_guideline(str(folder)), lints=False)]
    [wrong] = [d for d in found if d.code == "GL443"]
    assert wrong.hint == "did you mean `urinary_retention`?"


def test_a_guideline_without_a_code_list(tmp_path: Path) -> None:
    folder = tmp_path / "guideline"
    shutil.copytree(KB, folder, ignore=shutil.ignore_patterns("vignettes", "*.toml"))
    shutil.copy(KB / "guideline.toml", folder)
    assert load_mapping(load_guideline(str(folder)), compiled().names.vocabulary).codes == {}


@pytest.mark.parametrize(
    ("system", "code", "right"),
    [
        ("snomed", "267064002", True),
        ("snomed", "267064003", False),
        ("snomed", "16846261000119106", True),
        ("snomed", "16846261000119107", False),
        ("loinc", "72514-3", True),
        ("loinc", "72514-4", False),
        ("loinc", "97909-6", True),
        ("snomed", "abc", False),
        ("cpt", "72148", True),
    ],
)
def test_check_digits(system: str, code: str, right: bool) -> None:
    assert right_digits(system, code) is right


@pytest.mark.parametrize("code", ["267064002", "192970008", "449813001"])
def test_every_single_mistyped_digit_is_found(code: str) -> None:
    for place in range(len(code)):
        for digit in "0123456789":
            if digit != code[place]:
                assert not right_digits("snomed", code[:place] + digit + code[place + 1 :])


# ---------------------------------------------------------------- families, nets, value sets

ICD = "http://hl7.org/fhir/sid/icd-10-cm"
LUMBAR = [f"M46.{kind}{region}" for kind in (2, 3, 4) for region in (5, 6, 7, 8)]


@pytest.mark.parametrize("code", [*LUMBAR, "M4647", "A18.01", "G06.1"])
def test_infections_of_the_lumbar_spine_are_listed(code: str) -> None:
    found = mapping().find(ICD, code)
    assert found is not None
    assert found.concept == "spinal infection"


def whole_mapping() -> CodeMapping:
    """With the hierarchy, which only `check` reads."""
    return read_codes(Source("codes.toml", TEXT), compiled().names.vocabulary, folder=KB, siblings=True)[0]


def test_every_member_of_a_family_is_about_its_concept() -> None:
    """The displays are those of ICD-10-CM, in the hierarchy beside the code list."""
    text = tomllib.loads(TEXT)
    mentions = {c["name"]: [m.casefold() for m in c.get("mentions", ())] for c in text["concept"]}
    hierarchy = whole_mapping().hierarchies["icd-10-cm"]
    members: Counter[str] = Counter()
    for code, heading in hierarchy.items():
        found = mapping().find(ICD, code)
        if found is not None and not heading.has_children:
            members[found.concept] += 1
            assert any(m in heading.display.casefold() for m in mentions[found.concept]), (code, heading.display)
    assert members["vertebral fracture"] >= 90
    assert members["cancer of the spine"] >= 15
    assert members["cauda equina syndrome"] == 3


def test_listed_icd_codes_are_in_the_hierarchy_with_their_displays() -> None:
    hierarchy = whole_mapping().hierarchies["icd-10-cm"]
    for code in mapping().codes.values():
        if code.system == "icd-10-cm" and code.code in hierarchy:
            assert hierarchy[code.code].display == code.display


@pytest.mark.parametrize(
    ("code", "display", "opens"),
    [
        ("icd:M46.42", "Discitis, unspecified, cervical region", "suspected_infection"),
        ("icd:M86.9", "Osteomyelitis, unspecified", "suspected_infection"),
        ("icd:C50.911", "Malignant neoplasm of unspecified site of right female breast", "suspected_cancer"),
        ("icd:S22.080A", "Wedge compression fracture of T11-T12 vertebra", "suspected_fracture"),
        ("icd:S32.010D", "Wedge compression fracture of first lumbar vertebra", "suspected_fracture"),
        ("icd:V43.52XA", "Car driver injured in collision with other type car", "significant_trauma"),
        ("icd:G82.20", "Paraplegia, unspecified", "bilateral_motor_weakness"),
        ("snomed:363346000", "Malignant neoplastic disease (disorder)", "suspected_cancer"),
        ("http://example.org/local:17", "Urinary retention, acute", "urinary_retention"),
        ("http://example.org/local:18", "Numbness in the saddle area", "saddle_anesthesia"),
    ],
)
def test_a_diagnosis_of_a_red_flag_chapter_leaves_the_flag_open(code: str, display: str, opens: str) -> None:
    system, _, value = code.rpartition(":")
    coded = {"coding": [{"system": SYSTEMS.get(system, system), "code": value, "display": display}]}
    made = condition("c", "snomed:1", recordedDate="2025-11-01") | {"code": coded}
    reading = read(questionnaire(red_flags=True), made)
    assert findings(reading)[opens] is None
    [unread] = reading.not_read
    assert unread.display == display
    assert opens in unread.speaks_of


@pytest.mark.parametrize(
    ("code", "display"),
    [
        ("icd:I10", "Essential (primary) hypertension"),
        ("icd:Z80.3", "Family history of malignant neoplasm of breast"),
        ("icd:M54.2", "Cervicalgia"),
        ("snomed:38341003", "Hypertensive disorder"),
        ("icd:F43.10", "Post-traumatic stress disorder, unspecified"),
    ],
)
def test_other_diagnoses_leave_nothing_open(code: str, display: str) -> None:
    coded = concept(code)
    coded["coding"][0]["display"] = display
    reading = read(questionnaire(red_flags=True), condition("c", code) | {"code": coded})
    assert not reading.not_read
    assert findings(reading) == {}


def test_an_old_injury_is_no_open_flag() -> None:
    made = condition("c", "icd:S93.401A", recordedDate="2019-11-01")
    assert not read(questionnaire(red_flags=True), made).not_read
    assert read(questionnaire(red_flags=True), condition("c", "icd:S93.401A", recordedDate="2025-10-01")).not_read


def test_siblings_that_are_not_listed_are_reported() -> None:
    text = TEXT.replace('"M46.2", "M46.3", "M46.4", "M46.5", "M49"', '"M49"').replace(
        'under = "M46.4", display = "Discitis, unspecified"', 'under = "M46.49", display = "Discitis, unspecified"'
    )
    _, found = read_codes(Source("codes.toml", text), compiled().names.vocabulary, folder=KB, siblings=True)
    shown = [render(d) for d in found if d.code == "GL447" and "M46.46" in d.message]
    assert len(shown) == 1
    assert "`M46.41` (Discitis, unspecified, occipito-atlanto-axial region)" in shown[0]
    whole = read_codes(Source("codes.toml", TEXT), compiled().names.vocabulary, folder=KB, siblings=True)[1]
    assert whole == []


VALUE_SET = {
    "resourceType": "ValueSet",
    "url": "http://example.org/ValueSet/retention",
    "version": "2",
    "expansion": {
        "contains": [
            {"system": "http://snomed.info/sct", "code": "236648008", "display": "Acute retention of urine"},
            {"system": "http://example.org/other", "code": "1", "display": "of a system that is not listed"},
            {
                "system": "http://snomed.info/sct",
                "code": "267064002",
                "abstract": True,
                "contains": [{"system": "http://snomed.info/sct", "code": "236650000", "display": "Chronic retention"}],
            },
        ]
    },
}
IMPORTING = """
[systems]
snomed = ["http://snomed.info/sct"]
[[concept]]
name = "urinary retention"
value_sets = [{file = "retention.json"}]
[[concept.fact]]
finding = "urinary_retention"
"""


def imported(tmp_path: Path, resource: dict[str, Any]) -> tuple[CodeMapping, list[Diagnostic]]:
    (tmp_path / "retention.json").write_text(json.dumps(resource))
    return read_codes(Source("codes.toml", IMPORTING), compiled().names.vocabulary, folder=tmp_path)


def test_a_value_set_is_imported(tmp_path: Path) -> None:
    found, problems = imported(tmp_path, VALUE_SET)
    assert problems == []
    assert {code for _, code in found.codes} == {"236648008", "236650000"}
    code = found.find("http://snomed.info/sct", "236648008")
    assert code is not None
    assert (code.concept, code.match, code.source) == (
        "urinary retention",
        "narrower",
        "http://example.org/ValueSet/retention|2",
    )
    listed = [{"system": "http://snomed.info/sct", "concept": [{"code": "236648008", "display": "Acute retention"}]}]
    composed, problems = imported(tmp_path, {"resourceType": "ValueSet", "compose": {"include": listed}})
    assert problems == []
    assert {code for _, code in composed.codes} == {"236648008"}


@pytest.mark.parametrize(
    ("resource", "why"),
    [
        ({"resourceType": "CodeSystem"}, "not a FHIR ValueSet"),
        ({"resourceType": "ValueSet"}, "neither an expansion nor a list"),
        ({"resourceType": "ValueSet", "expansion": {"total": 9, "contains": []}}, "one page of several"),
        (
            {
                "resourceType": "ValueSet",
                "compose": {"include": [{"system": "http://snomed.info/sct", "filter": [{}]}]},
            },
            "expand it first",
        ),
        (
            {"resourceType": "ValueSet", "compose": {"include": [], "exclude": [{"system": "http://snomed.info/sct"}]}},
            "excludes codes",
        ),
    ],
)
def test_a_value_set_that_only_a_server_could_expand_is_refused(
    tmp_path: Path, resource: dict[str, Any], why: str
) -> None:
    [problem] = imported(tmp_path, resource)[1]
    assert problem.code == "GL448"
    assert why in problem.message


def test_files_outside_of_the_folder_are_not_read(tmp_path: Path) -> None:
    for name in ("../codes.json", "/etc/passwd", "missing.json"):
        text = IMPORTING.replace("retention.json", name)
        [problem] = read_codes(Source("codes.toml", text), compiled().names.vocabulary, folder=tmp_path)[1]
        assert problem.code == "GL448"
