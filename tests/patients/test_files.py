"""Patient files: what is read, what is refused and with which words, and that no file can do harm."""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import string
import sys
import textwrap
import time
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from guidelog.diagnostics import InputError, render
from guidelog.language.vocabulary import Finding, Intervention, Measure, Screen, Vocabulary
from guidelog.patients import (
    Facts,
    Interval,
    ListNode,
    MapNode,
    Node,
    Patient,
    ScalarNode,
    Since,
    close,
    from_yaml,
    patient_from_content,
    read_document,
    read_patient,
    read_text,
    sha256_of,
)
from guidelog.patients.from_json import from_json
from guidelog.patients.node import Problems
from guidelog.source import Source

VOCABULARY = Vocabulary(
    findings={
        "red_eye": Finding("red_eye", "red eye", screen="flags"),
        "blurred_vision": Finding("blurred_vision", "blurred vision", screen="flags"),
        "itching": Finding("itching", "itching"),
        "dry_eye": Finding("dry_eye", "dry eye"),
    },
    measures={
        "pressure": Measure("pressure", "eye pressure", "mmHg", 0, 80),
        "balance": Measure("balance", "balance", "point", -10, 10, screen="flags"),
        "symptom_weeks": Measure("symptom_weeks", "weeks of symptoms", "week", 0, 520),
        "drops_days": Measure("drops_days", "days of drops", "day", 0, 3650, screen="flags", unlisted=0),
        "visits_weeks": Measure("visits_weeks", "weeks between visits", "week", 1, 52, screen="past", unlisted=4),
    },
    screens={
        "flags": Screen("flags", "the flags", ("red_eye", "blurred_vision", "balance", "drops_days")),
        "past": Screen("past", "the past", ("visits_weeks",)),
    },
    interventions={"referral": Intervention("referral", "referral to the clinic")},
)

CASES = Path(__file__).parent
TYPICAL = (CASES / "typical.yaml").read_text(encoding="utf-8")


def read(text: str, name: str = "case.yaml") -> Patient:
    return read_patient(Source(name, text), VOCABULARY)


def refused(text: str, name: str = "case.yaml") -> list[tuple[str, str, str | None]]:
    """Code, message and hint of everything that is wrong with a text; each must have a place in it."""
    with pytest.raises(InputError) as caught:
        read(text, name)
    for diagnostic in caught.value.diagnostics:
        assert render(diagnostic)
        if diagnostic.span is not None:
            assert diagnostic.span.source.name == name
            assert 0 <= diagnostic.span.start <= diagnostic.span.end <= len(text)
    return [(d.code, d.message, d.hint) for d in caught.value.diagnostics]


def only(text: str, name: str = "case.yaml") -> tuple[str, str, str | None]:
    [problem] = refused(text, name)
    return problem


def measured(value: str, as_of: str = "as_of: 2025-11-13\n", name: str = "pressure") -> str:
    return f"patient: a\n{as_of}measures:\n  {name}: {value}\n"


def plain(node: Node) -> Any:
    match node:
        case ScalarNode(text=text):
            return text
        case ListNode(items=items):
            return [plain(item) for item in items]
        case MapNode(entries=entries):
            return {entry.key.text: plain(entry.value) for entry in entries}


# What is read


def test_a_typical_record() -> None:
    patient = read(TYPICAL)
    assert patient.id == "seed-case"
    assert patient.as_of == date(2025, 11, 13)
    assert patient.findings == {"red_eye": True, "blurred_vision": False, "itching": None}
    assert patient.measures == {
        "pressure": Interval(21500, 21500),
        "balance": Interval(-3000, -3000),
        "symptom_weeks": Since(date(2025, 6, 1), date(2025, 6, 1)),
        "drops_days": Interval(6000, 30000),
    }
    assert patient.screens == ("flags",)
    assert patient.sources == {
        "red_eye": "visit note 2025-11-02",
        "pressure": "2025-11-02",
        "flags": "asked by the nurse on the phone\n",
    }
    assert patient.content == {
        "patient": "seed-case",
        "as_of": "2025-11-13",
        "findings": {"red_eye": "present", "blurred_vision": "absent", "itching": "unknown"},
        "measures": {
            "pressure": 21.5,
            "balance": -3,
            "symptom_weeks": {"since": "2025-06-01"},
            "drops_days": {"at_least": 6, "at_most": 30},
        },
        "screens": {"flags": "complete", "past": "incomplete"},
        "sources": dict(patient.sources),
    }
    assert patient.expect is not None
    assert plain(patient.expect) == {"referral": "urgent"}


def test_the_hash_is_that_of_the_canonical_json() -> None:
    patient = read('measures: {pressure: 8.0}\nas_of: 2025-11-13\npatient: "Zoë"\nexpect: {referral: urgent}\n')
    canonical = '{"as_of":"2025-11-13","measures":{"pressure":8.0},"patient":"Zoë"}'
    assert patient.sha256 == hashlib.sha256(canonical.encode()).hexdigest() == sha256_of(patient.content)
    assert patient.sha256 != read('measures: {pressure: 8}\nas_of: 2025-11-13\npatient: "Zoë"\n').sha256


def test_spans_point_at_the_whole_entry() -> None:
    patient = read(TYPICAL)
    shown = {name: TYPICAL[span.start : span.end] for name, span in patient.spans.items()}
    assert shown == {
        "red_eye": "red_eye: present",
        "blurred_vision": "blurred_vision: absent",
        "itching": "itching: unknown",
        "pressure": "pressure: 21.5",
        "balance": "balance: -3",
        "symptom_weeks": "symptom_weeks: {since: 2025-06-01}",
        "drops_days": "drops_days:\n    at_least: 6\n    at_most: 30",
        "flags": "flags: complete",
        "past": "past: incomplete",
    }


@pytest.mark.parametrize("loader", ["CSafeLoader", "SafeLoader"])
def test_spans_count_characters_with_either_yaml_parser(loader: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(from_yaml, "_Loader", getattr(yaml, loader))
    text = 'patient: "𝒳é患 \\u00e9"\r\nfindings:\r\n  red_eye: present\r\n'
    text += "measures: {pressure: {between: [1, 2.5]}}\r\n"
    patient = read(text)
    assert patient.id == "𝒳é患 é"
    assert {n: text[s.start : s.end] for n, s in patient.spans.items()} == {
        "red_eye": "red_eye: present",
        "pressure": "pressure: {between: [1, 2.5]}",
    }
    assert repr(patient.spans["pressure"]) == "case.yaml:4:12"
    assert read(TYPICAL) == read(TYPICAL.replace("\n", "\r\n"))
    assert [code for code, _, _ in refused("patient: a\nfindings: &x {}\n")] == ["GL406"]
    assert [code for code, _, _ in refused("a: [1\n")] == ["GL404"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("8", Interval(8000, 8000)),
        ("8.0", Interval(8000, 8000)),
        ("8.125", Interval(8125, 8125)),
        ("0.001", Interval(1, 1)),
        ("-0", Interval(0, 0)),
        ("80", Interval(80000, 80000)),
        ("unknown", None),
        ('"unknown"', None),
        ("{at_least: 6}", Interval(6000, 80000)),
        ("{at_most: 6.5}", Interval(0, 6500)),
        ("{at_most: 9, at_least: 9}", Interval(9000, 9000)),
        ("{between: [6, 8]}", Interval(6000, 8000)),
        ("{between: [6, 6]}", Interval(6000, 6000)),
    ],
)
def test_measures(value: str, expected: Interval | None) -> None:
    assert read(measured(value)).measures == {"pressure": expected}


def test_bounds_start_at_the_lowest_value() -> None:
    assert read(measured("{at_most: 3}", name="balance")).measures == {"balance": Interval(-10_000, 3000)}


def test_weeks_and_days_share_ticks() -> None:
    patient = read(
        "patient: a\nas_of: 2025-11-13\n"
        "measures: {symptom_weeks: {at_least: 6}, drops_days: {since: {between: [2025-11-01, 2025-11-13]}}}\n"
    )
    facts = close(patient, VOCABULARY)
    assert facts.measures["symptom_weeks"] == Interval(42_000, 3_640_000)
    assert facts.measures["drops_days"] == Interval(0, 12_000)
    weeks = close(read(measured("{since: 2025-11-06}", name="symptom_weeks")), VOCABULARY)
    assert weeks.measures["symptom_weeks"] == Interval(7000, 7000)
    third = close(read(measured("0.333", name="symptom_weeks")), VOCABULARY)
    assert third.measures["symptom_weeks"] == Interval(2331, 2331)


@pytest.mark.parametrize(
    ("text", "identity"),
    [
        ("case-1", "case-1"),
        ('"no"', "no"),
        ("007", "007"),
        ("17", "17"),
        ("'17'", "17"),
        ("2025-11-13", "2025-11-13"),
        ("Zoë Müller", "Zoë Müller"),
        ("患者", "患者"),
        ('"\\U0001F642"', "🙂"),
        ("y", "y"),
    ],
)
def test_ids_keep_their_text(text: str, identity: str) -> None:
    patient = read(f"patient: {text}\n")
    assert patient.id == patient.content["patient"] == identity


def test_the_same_record_in_json() -> None:
    content = {**read(TYPICAL).content, "expect": {"referral": "urgent"}}
    for text in (json.dumps(content), json.dumps(content, indent="\t", ensure_ascii=False)):
        for name in ("case.json", "CASE.JSON", "case.yaml", "<stdin>"):
            patient = read(text, name)
            assert patient == read(TYPICAL)
            assert patient.sha256 == read(TYPICAL).sha256
            assert plain(patient.expect or pytest.fail("no expect")) == {"referral": "urgent"}


def test_the_suffix_decides_in_any_case() -> None:
    assert read("{patient: a}").id == "a"
    for name in ("case.json", "CASE.JSON"):
        assert only("{patient: a}", name)[1] == "this is not JSON: expected a key in double quotes, found `p`"


def test_json_escapes_mean_what_json_says() -> None:
    assert read('{"patient": "\\ud83d\\ude42 \\/"}', "case.json").id == "🙂 /"
    assert read('{"patient": "\\ud83d\\ude42 \\/"}', "<stdin>").id == "🙂 /"


def test_plain_data() -> None:
    patient = read(TYPICAL)
    assert patient_from_content(patient.content, VOCABULARY) == patient
    assert patient_from_content({**patient.content, "as_of": date(2025, 11, 13)}, VOCABULARY) == patient
    assert patient_from_content({"patient": 17, "measures": {"pressure": {"between": (1, 2)}}}, VOCABULARY).id == "17"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        ({"patient": "a", "findings": {"red_ey": "present"}}, "GL412"),
        ({"patient": "a", "findings": {"red_eye": True}}, "GL414"),
        ({"patient": "a", "measures": {"pressure": float("nan")}}, "GL415"),
        ({"patient": "a", "measures": {"pressure": float("inf")}}, "GL415"),
        ({"patient": "a", "measures": {"pressure": 1e-5}}, "GL415"),
        ({"patient": "a", "measures": {"pressure": 0.1 + 0.2}}, "GL415"),
        ({"patient": "a", "measures": {"pressure": 10**5000}}, "GL404"),
        ({"patient": "a", "findings": {1: "present"}}, "GL409"),
        ({"patient": "a", "sources": {"red_eye": b"x"}}, "GL404"),
        ({"patient": "a\x1b[2J"}, "GL403"),
        ({"patient": "\ud800"}, "GL403"),
        ([], "GL410"),
    ],
)
def test_plain_data_that_is_refused(content: Any, code: str) -> None:
    with pytest.raises(InputError) as caught:
        patient_from_content(content, VOCABULARY)
    assert [d.code for d in caught.value.diagnostics] == [code]


def test_plain_data_that_contains_itself() -> None:
    content: dict[str, Any] = {"patient": "a"}
    content["expect"] = content
    with pytest.raises(InputError, match="more than 20"):
        patient_from_content(content, VOCABULARY)


# Facts


def test_a_complete_screen_closes_what_is_not_listed() -> None:
    text = "patient: a\nfindings: {red_eye: unknown}\nscreens: {past: complete, flags: complete}\n"
    facts = close(read(text), VOCABULARY)
    assert facts == Facts(
        findings={"red_eye": None, "blurred_vision": False, "itching": None, "dry_eye": None},
        measures={
            "pressure": Interval(0, 80_000),
            "balance": Interval(-10_000, 10_000),  # a member without `unlisted` stays unknown
            "symptom_weeks": Interval(0, 3_640_000),
            "drops_days": Interval(0, 0),
            "visits_weeks": Interval(28_000, 28_000),
        },
        closed={"flags": ("blurred_vision", "drops_days"), "past": ("visits_weeks",)},
        assumed=frozenset({"blurred_vision", "drops_days", "visits_weeks"}),
    )
    assert list(facts.closed) == ["flags", "past"]


def test_nothing_is_closed_without_a_complete_screen() -> None:
    facts = close(read("patient: a\nscreens: {flags: incomplete}\n"), VOCABULARY)
    assert set(facts.findings.values()) == {None}
    assert facts.closed == {}
    assert facts.assumed == frozenset()


def test_a_screen_with_everything_listed_assumes_nothing() -> None:
    text = "patient: a\nmeasures: {visits_weeks: unknown}\nscreens: {past: complete}\n"
    facts = close(read(text), VOCABULARY)
    assert facts.closed == {"past": ()}
    assert facts.measures["visits_weeks"] == Interval(7000, 364_000)


def test_known() -> None:
    facts = close(read(TYPICAL), VOCABULARY)
    assert [n for n in (*facts.findings, *facts.measures) if facts.known(n)] == [
        "red_eye",
        "blurred_vision",
        "pressure",
        "balance",
        "symptom_weeks",
    ]
    with pytest.raises(KeyError):
        facts.known("referral")


def test_facts_need_the_vocabulary_of_the_record() -> None:
    with pytest.raises(ValueError, match="another vocabulary: red_eye"):
        close(read("patient: a\nfindings: {red_eye: present}\n"), Vocabulary())


# What is refused, and how it is said


@pytest.mark.parametrize("path", sorted((CASES / "bad").glob("*.yaml")), ids=lambda path: path.stem)
def test_rendered(path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read(path.read_text(encoding="utf-8"), path.name)
    shown = "\n".join(render(diagnostic) for diagnostic in caught.value.diagnostics)
    assert shown + "\n" == path.with_suffix(".txt").read_text(encoding="utf-8")


def test_there_are_cases() -> None:
    assert len(list((CASES / "bad").glob("*.txt"))) == len(list((CASES / "bad").glob("*.yaml"))) >= 13


def test_a_control_character_is_drawn_as_a_picture() -> None:
    with pytest.raises(InputError) as caught:
        read("patient: a\x1b[2Jb\n")
    [diagnostic] = caught.value.diagnostics
    assert render(diagnostic).splitlines()[:4] == [
        "error[GL403]: the character U+001B is not allowed in a patient file",
        " --> case.yaml:1:11",
        "  |",
        "1 | patient: a␛[2Jb",
    ]


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        # the document
        ("", "GL405", "the file is empty"),
        ("# nothing but a comment\n", "GL405", "the file is empty"),
        ("---\n...\n", "GL405", "the file is empty"),
        ("   \n\n", "GL405", "the file is empty"),
        ("- a\n", "GL410", "a patient file holds names with values"),
        ("just text\n", "GL410", "a patient file holds names with values"),
        ("patient: a\n---\npatient: b\n", "GL406", "a second document begins here"),
        ("patient: a\nfindings: *x\n", "GL406", "aliases are not allowed in a patient file"),
        ("patient: !!str a\n", "GL406", "tags are not allowed in a patient file"),
        ("patient: ! a\n", "GL406", "tags are not allowed in a patient file"),
        ("patient: &x !!str a\n", "GL406", "anchors are not allowed in a patient file"),
        ("patient: !!python/object/apply:os.system ['true']\n", "GL406", "tags are not allowed in a patient file"),
        ("patient: a\nfindings: {<<: {red_eye: present}}\n", "GL406", "merge keys are not allowed in a patient file"),
        ("patient: a\nfindings: {yes: present}\n", "GL409", "the key `yes` is true or false in YAML, not text"),
        ("patient: a\nfindings: {7: present}\n", "GL409", "the key `7` is a number in YAML, not text"),
        ("patient: a\nfindings: {2025-01-01: present}\n", "GL409", "the key `2025-01-01` is a date in YAML, not text"),
        ("patient: a\nfindings: {? : present}\n", "GL409", "the key `` is empty in YAML, not text"),
        ("patient: a\nfindings: {? [red_eye] : present}\n", "GL409", "a mapping or list cannot be a key"),
        ("patient: a\npatient: b\n", "GL408", "the key `patient` stands twice"),
        ("patient: a\nmeasures: {pressure: {at_least: 1, at_least: 2}}\n", "GL408", "the key `at_least` stands twice"),
        ("patient: a\nexpect: {x: {y: 1, 'y': 2}}\n", "GL408", "the key `y` stands twice"),
        (
            "patient: a\nfindings:\n\tred_eye: present\n",
            "GL404",
            "this is not YAML: found character that cannot start any token",
        ),
        ("patient: a\rfindings: {}\r", "GL403", "the character U+000D is not allowed in a patient file"),
        ("patient: a\u2028b\n", "GL403", "the character U+2028 is not allowed in a patient file"),
        ('patient: "a\\e[2J"\n', "GL403", "the escaped character U+001B is not allowed in a patient file"),
        ('patient: "a\\rb"\n', "GL403", "the escaped character U+000D is not allowed in a patient file"),
        # the record
        ("patient: a\nfinding: {}\n", "GL411", "a patient file has no part `finding`"),
        ("patient: a\nreferral: urgent\n", "GL413", "`referral` is an intervention, not a part of a patient file"),
        ("patient: a\nfindings:\n", "GL410", "`findings` has no entries"),
        ("patient: a\nfindings: [red_eye]\n", "GL410", "`findings` holds names with values"),
        ("patient: a\nscreens: complete\n", "GL410", "`screens` holds names with values"),
        ("patient:\n", "GL420", "the patient's id is empty"),
        ("patient: ' '\n", "GL420", "the patient's id is empty"),
        ("patient: no\n", "GL420", "`no` is not text"),
        ("patient: 1.5\n", "GL420", "`1.5` is not text"),
        ("patient: 12e4\n", "GL420", "`12e4` is not text"),
        ("patient: 1:30\n", "GL420", "`1:30` is not text"),
        ("patient: 2025-11-13 10:00:00\n", "GL420", "`2025-11-13 10:00:00` is not text"),
        ("patient: [a]\n", "GL420", "the patient's id is text, and not a list or mapping"),
        ('patient: "a\\nb"\n', "GL410", "the patient's id has more than one line"),
        ("patient: a\nfindings: {red_eye: true}\n", "GL414", "`true` is not a value of `red_eye`"),
        ("patient: a\nfindings: {red_eye: Present}\n", "GL414", "`Present` is not a value of `red_eye`"),
        ("patient: a\nfindings: {red_eye: 'yes'}\n", "GL414", "`yes` is not a value of `red_eye`"),
        ("patient: a\nfindings: {red_eye: 1}\n", "GL414", "`1` is not a value of `red_eye`"),
        ("patient: a\nfindings:\n  red_eye:\n", "GL414", "`red_eye` has no value"),
        ("patient: a\nfindings: {red_eye: [present]}\n", "GL414", "`red_eye` has a list or mapping for a value"),
        ("patient: a\nfindings: {flags: complete}\n", "GL413", "`flags` is a screen, not a finding"),
        ("patient: a\nfindings: {referral: present}\n", "GL413", "`referral` is an intervention, not a finding"),
        ("patient: a\nmeasures: {red_eye: present}\n", "GL413", "`red_eye` is a finding, not a measure"),
        ("patient: a\nscreens: {red_eye: complete}\n", "GL413", "`red_eye` is a finding, not a screen"),
        ("patient: a\nscreens: {flags: done}\n", "GL419", "`done` is not a value of `flags`"),
        ("patient: a\nscreens: {flags: yes}\n", "GL419", "`yes` is not a value of `flags`"),
        (
            "patient: a\nsources: {flag: x}\n",
            "GL412",
            "there is no finding, measure or screen `flag` in this guideline",
        ),
        ("patient: a\nsources: {referral: x}\n", "GL413", "`referral` is an intervention, which has no source"),
        ("patient: a\nsources: {red_eye: ''}\n", "GL420", "the source of `red_eye` is empty"),
        ("patient: a\nsources: {red_eye: 12}\n", "GL420", "`12` is not text"),
        (
            "patient: a\nsources: {red_eye: [note]}\n",
            "GL420",
            "the source of `red_eye` is text, and not a list or mapping",
        ),
        # dates
        ("patient: a\nas_of: 2025-02-30\n", "GL417", "there is no day `2025-02-30`"),
        ("patient: a\nas_of: 0000-01-01\n", "GL417", "there is no day `0000-01-01`"),
        ("patient: a\nas_of: 13.11.2025\n", "GL417", "`13.11.2025` is not a date"),
        ("patient: a\nas_of: 2025-1-3\n", "GL417", "`2025-1-3` is not a date"),
        ("patient: a\nas_of: 20251113\n", "GL417", "`20251113` is not a date"),
        (
            "patient: a\nas_of: \u0662\u0660\u0662\u0665-11-13\n",
            "GL417",
            "`\u0662\u0660\u0662\u0665-11-13` is not a date",
        ),
        ("patient: a\nas_of: 2025-11-13T10:00:00Z\n", "GL417", "`2025-11-13T10:00:00Z` is a day with a time"),
        ("patient: a\nas_of:\n", "GL417", "`` is not a date"),
        ("patient: a\nas_of: [2025-11-13]\n", "GL417", "this is not a date"),
        # numbers
        (measured("010"), "GL415", "`010` is not written as a plain decimal number"),
        (measured("1:30"), "GL415", "`1:30` is not written as a plain decimal number"),
        (measured("8e0"), "GL415", "`8e0` is not written as a plain decimal number"),
        (measured("+8"), "GL415", "`+8` is not written as a plain decimal number"),
        (measured("1_0"), "GL415", "`1_0` is not written as a plain decimal number"),
        (measured("0x10"), "GL415", "`0x10` is not written as a plain decimal number"),
        (measured(".5"), "GL415", "`.5` is not written as a plain decimal number"),
        (measured("5."), "GL415", "`5.` is not written as a plain decimal number"),
        (measured(".inf"), "GL415", "`.inf` is not written as a plain decimal number"),
        (measured(".nan"), "GL415", "`.nan` is not written as a plain decimal number"),
        (measured("NaN"), "GL415", "`NaN` is not a number"),
        (measured("٨"), "GL415", "`٨` is not a number"),
        (measured("8 weeks"), "GL415", "`8 weeks` is not a number"),
        (measured("true"), "GL415", "`true` is not a number"),
        (measured("Unknown"), "GL415", "`Unknown` is not a number"),
        (measured(""), "GL415", "a number is missing here"),
        (measured("null"), "GL415", "a number is missing here"),
        (measured("8.0000"), "GL415", "`8.0000` has more than 3 decimal places"),
        (measured("80.001"), "GL416", "`80.001` is outside the range of `pressure`"),
        (measured("-0.001"), "GL416", "`-0.001` is outside the range of `pressure`"),
        (measured("9" * 5000), "GL416", f"`{'9' * 59}…` is outside the range of `pressure`"),
        (measured("[6, 8]"), "GL415", "this is not a value of `pressure`"),
        (measured("{}"), "GL415", "this is not a value of `pressure`"),
        # bounds
        (measured("{at_leest: 6}"), "GL415", "`at_leest` says nothing about a measure"),
        (measured("{at_least: [6]}"), "GL415", "this is not a number"),
        (measured("{at_least: unknown}"), "GL415", "`unknown` is not a number"),
        (measured("{at_least: 8, at_most: 6}"), "GL415", "the lower bound is above the upper one"),
        (measured("{between: [8, 6]}"), "GL415", "the lower bound is above the upper one"),
        (measured("{between: [6]}"), "GL415", "`between` takes two values"),
        (measured("{between: 6}"), "GL415", "`between` takes two values"),
        (measured("{between: [6, 8], at_most: 9}"), "GL415", "`between` and `at_most` do not go together"),
        (measured("{since: 2025-01-01}"), "GL415", "`pressure` is counted in `mmHg`, so it cannot have a start date"),
        # starts
        (measured("{since: 2025-11-31}", name="drops_days"), "GL417", "there is no day `2025-11-31`"),
        (measured("{since: unknown}", name="drops_days"), "GL417", "`unknown` is not a date"),
        (
            measured("{since: 2015-01-01}", name="drops_days"),
            "GL416",
            "3,969 days are outside the range of `drops_days`",
        ),
        (
            measured("{since: 2025-11-07}", name="visits_weeks"),
            "GL416",
            "6 days are outside the range of `visits_weeks`",
        ),
        (
            measured("{since: {between: [2025-10-01, 2025-11-10]}}", name="visits_weeks"),
            "GL416",
            "3 days are outside the range of `visits_weeks`",
        ),
        (measured("{since: {after: 2025-11-07}}", name="drops_days"), "GL415", "this is not a start date"),
        (measured("{since: {between: [2025-11-07]}}", name="drops_days"), "GL415", "`between` takes two values"),
        (
            measured("{since: {between: [2025-11-07, 2025-11-06]}}", name="drops_days"),
            "GL415",
            "the earlier date comes second",
        ),
        (
            measured("{since: {between: [2025-11-07, 2025-11-14]}}", name="drops_days"),
            "GL418",
            "`2025-11-14` is after `as_of`",
        ),
        (measured("{since: 2025-11-07}", "as_of: soon\n", "drops_days"), "GL417", "`soon` is not a date"),
    ],
)
def test_refused(text: str, code: str, message: str) -> None:
    assert only(text)[:2] == (code, message)


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("patient: a\nfinding: {}\n", "did you mean `findings`?"),
        (
            "patient: a\nzzz: {}\n",
            "the parts are patient, as_of, findings, measures, screens, not_read, origin, sources, expect",
        ),
        ("patient: a\nfindings:\n", "leave it out, or write `findings: {}`"),
        ("patient: a\nfindings: {red_eye: presnt}\n", "did you mean `present`?"),
        ("patient: a\nfindings: {red_eye: maybe}\n", "write `present`, `absent` or `unknown`"),
        ("patient: a\nfindings: {red_eye: Off}\n", "write `present` or `absent`"),
        ("patient: a\nscreens: {flags: true}\n", "write `complete` or `incomplete`"),
        ("patient: a\nas_of: 2025-11-13 10:00\n", "write the day without the time: `2025-11-13`"),
        ("patient: no\n", 'put the patient\'s id in quotes: "no"'),
        (measured("{at_leest: 6}"), "did you mean `at_least`?"),
        ("patient: a\nfindings:\n\tred_eye: present\n", "indent with spaces, not tabs"),
        ("patient: a\nfindings: {zzzzzzzz: present}\n", "`guidelog names` lists what it has"),
    ],
)
def test_hints(text: str, hint: str | None) -> None:
    assert only(text)[2] == hint


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("", "GL405", "the file is empty"),
        ('{"patient": "a",}', "GL404", "this is not JSON: expected a key in double quotes, found `}`"),
        ('{"patient": "a"', "GL404", "this is not JSON: expected `,` or `}`, found the end of the file"),
        ('{"patient" "a"}', "GL404", 'this is not JSON: expected `:`, found `"`'),
        ('{"patient": }', "GL404", "this is not JSON: expected a value, found `}`"),
        ("{patient: 1}", "GL404", "this is not JSON: expected a key in double quotes, found `p`"),
        ("{'patient': 1}", "GL404", "this is not JSON: expected a key in double quotes, found `'`"),
        ('{"patient": "a"} x', "GL404", "this is not JSON: expected the end of the file, found `x`"),
        ('{"patient": "a"}{"patient": "b"}', "GL404", "this is not JSON: expected the end of the file, found `{`"),
        ('{"patient": NaN}', "GL404", "this is not JSON: `NaN` is no value"),
        ('{"patient": 01}', "GL404", "this is not JSON: `01` is no value"),
        (
            '{"patient": "a\n"}',
            "GL404",
            ("this is not JSON: the text that begins here does not end on its line, or has a wrong escape"),
        ),
        (
            '{"patient": "\\x41"}',
            "GL404",
            ("this is not JSON: the text that begins here does not end on its line, or has a wrong escape"),
        ),
        ('{"patient": "\\u0000"}', "GL403", "the escaped character U+0000 is not allowed in a patient file"),
        ('{"patient": "\\udc00"}', "GL403", "the escaped character U+DC00 is not allowed in a patient file"),
        ('{"patient": "a", "patient": "b"}', "GL408", "the key `patient` stands twice"),
        ('{"patient": "a", "findings": {"red_eye": true}}', "GL414", "`true` is not a value of `red_eye`"),
        ('{"patient": "a", "findings": {"red_eye": null}}', "GL414", "`null` is not a value of `red_eye`"),
        ('{"patient": "a", "measures": {"pressure": 1e1}}', "GL415", "`1e1` is not written as a plain decimal number"),
        ('{"patient": "a", "measures": {"pressure": "8"}}', "GL415", "`8` in quotes is text, not a number"),
        ('{"patient": null}', "GL420", "the patient's id is empty"),
        ('["patient"]', "GL410", "a patient file holds names with values"),
    ],
)
def test_refused_json(text: str, code: str, message: str) -> None:
    assert only(text, "case.json")[:2] == (code, message)


def test_all_problems_are_reported_in_the_order_of_the_file() -> None:
    text = """\
patient: no
as_of: 2025-13-01
findings: {red_ey: present, itching: yes, itching: absent}
measures: {pressure: 010, drops_days: {at_least: "6", at_most: 4000}}
screens: {flags: done}
source: {}
"""
    assert [code for code, _, _ in refused(text)] == [
        "GL420",
        "GL417",
        "GL412",
        "GL414",
        "GL408",
        "GL415",
        "GL415",
        "GL416",
        "GL419",
        "GL411",
    ]


def test_reading_stops_at_fifty_problems() -> None:
    text = "patient: a\nfindings:\n" + "".join(f"  unknown_name_{n}: present\n" for n in range(9000))
    begin = time.perf_counter()
    problems = refused(text)
    assert len(problems) == 51
    assert problems[-1][:2] == ("GL407", "too many problems: reading stopped after 50")
    assert time.perf_counter() - begin < 2


# Files


def file_problem(path: Path | str, **options: int) -> tuple[str, str, str | None]:
    with pytest.raises(InputError) as caught:
        read_text(path, **options)
    [diagnostic] = caught.value.diagnostics
    return diagnostic.code, diagnostic.message, diagnostic.hint


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "case.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + TYPICAL.replace("\n", "\r\n").encode())
    source = read_text(path)
    assert source.name == str(path)
    assert source.text.startswith("# A first")
    assert read_patient(source, VOCABULARY) == read(TYPICAL)


def test_a_huge_file_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "huge.yaml"
    with path.open("wb") as file:
        file.truncate(50_000_000)
    monkeypatch.setattr(Path, "open", lambda *_args, **_kwargs: pytest.fail("the file was opened"))
    begin = time.perf_counter()
    code, message, _ = file_problem(path)
    assert time.perf_counter() - begin < 0.1
    assert (code, message) == ("GL402", f"`{path}` has 50,000,000 bytes, and a patient file may have at most 1,000,000")


def test_the_limit_is_exact(tmp_path: Path) -> None:
    path = tmp_path / "case.yaml"
    path.write_text("patient: a")
    assert read_text(path, limit=10).text == "patient: a"
    assert file_problem(path, limit=9)[0] == "GL402"


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "seed-case.yaml").touch()
    missing = tmp_path / "seed-cas.yaml"
    assert file_problem(missing) == ("GL401", f"there is no file `{missing}`", "did you mean `seed-case.yaml`?")
    assert file_problem(tmp_path) == ("GL401", f"`{tmp_path}` is a directory, not a patient file", None)
    assert file_problem(tmp_path / "seed-case.yaml" / "x")[0] == "GL401"
    assert file_problem("a\x00b") == ("GL401", "cannot read `a\\x00b`: the name has a zero byte", None)
    assert file_problem("x" * 10_000)[0] == "GL401"
    assert file_problem(tmp_path / "no" / "such" / "place.yaml")[0] == "GL401"
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe")
        assert file_problem(tmp_path / "pipe")[0] == "GL401"  # and does not wait for a writer
        assert file_problem("/dev/zero")[:2] == ("GL401", "`/dev/zero` is not a regular file")


def test_bytes_that_are_not_text(tmp_path: Path) -> None:
    path = tmp_path / "latin.yaml"
    path.write_bytes("patient: ok\nsources: {red_eye: 'Müller'}\n".encode("latin-1"))
    with pytest.raises(InputError) as caught:
        read_text(path)
    [diagnostic] = caught.value.diagnostics
    assert render(diagnostic).replace(str(path), "latin.yaml") == textwrap.dedent("""\
        error[GL403]: this is not UTF-8 text: byte 0xFC
         --> latin.yaml:2:22
          |
        2 | sources: {red_eye: 'M�ller'}
          |                      ^
          = help: save the file as UTF-8""")
    path.write_bytes("patient: a".encode("utf-16"))
    assert file_problem(path)[:2] == ("GL403", "this is not UTF-8 text: byte 0xFF")


def test_binary_junk_is_never_drawn_on_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "junk.yaml"
    for junk in (b"\x7fELF\x02\x01\x01\x00\x1b[31m", b"\x1b]0;title\x07\xff", b"\x00" * 100):
        path.write_bytes(junk)
        with pytest.raises(InputError) as caught:
            read_patient(read_text(path), VOCABULARY)
        [diagnostic] = caught.value.diagnostics
        assert diagnostic.code == "GL403"
        assert not [c for c in render(diagnostic) if c != "\n" and (c < " " or "\x7f" <= c < "\xa0")]


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(TYPICAL.encode())))
    source = read_text("-")
    assert source.name == "<stdin>"
    assert read_patient(source, VOCABULARY) == read(TYPICAL)
    endless = io.BytesIO(b"a" * 1_500_000)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=endless))
    assert file_problem("-")[:2] == ("GL402", "the input, and a patient file may have at most 1,000,000")
    assert endless.tell() == 1_000_001


# Files made to harm

LAUGHS = "a: &a [lol, lol]\n" + "".join(
    f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in pairwise(string.ascii_lowercase)
)


@pytest.mark.parametrize(
    ("text", "name", "code"),
    [
        (LAUGHS, "laughs.yaml", "GL406"),
        ("[" * 400_000, "deep.yaml", "GL407"),
        ("{a: " * 200_000, "deep.yaml", "GL407"),
        ("- " * 400_000, "deep.yaml", "GL407"),
        ("".join(f"{' ' * n}a:\n" for n in range(1400)), "deep.yaml", "GL407"),
        ("? " * 400_000, "deep.yaml", "GL407"),
        ("[" * 900_000, "deep.json", "GL407"),
        ('{"a":' * 150_000, "deep.json", "GL407"),
        ("patient: a\nexpect: [" + "1," * 400_000 + "]", "wide.yaml", "GL407"),
        ('{"patient": "a", "expect": [' + "1," * 400_000 + "1]}", "wide.json", "GL407"),
        ("patient: a\n" + "x" * 900_000 + ": 1\n", "key.yaml", "GL404"),  # YAML keys have at most 1024 letters
        ('{"patient": "a", "' + "x" * 900_000 + '": 1}', "key.json", "GL411"),
        ("patient: a\nfindings: {red_eye: " + "x" * 900_000 + "}\n", "value.yaml", "GL414"),
        ('{"patient": "a", "measures": {"pressure": ' + "1" * 900_000 + "}}", "value.json", "GL416"),
        ('{"patient": "' + "\\" * 900_001, "escapes.json", "GL404"),
        ("&a " * 300_000, "anchors.yaml", "GL406"),
        ("!" * 900_000, "tags.yaml", "GL406"),
        ("\n" * 900_000, "lines.yaml", "GL405"),
        ("#" * 900_000, "comment.yaml", "GL405"),
        ('"' + "a\n\n" * 300_000, "open.yaml", "GL404"),
        ("%x\n" * 300_000, "directives.yaml", "GL404"),
    ],
)
def test_harm(text: str, name: str, code: str) -> None:
    begin = time.perf_counter()
    [(found, message, hint)] = refused(text, name)
    assert time.perf_counter() - begin < 2
    assert found == code
    assert len(message) + len(hint or "") < 400


def test_the_limits_are_exact() -> None:
    assert read("patient: a\nexpect: " + "[" * 19 + "]" * 19).id == "a"
    assert only("patient: a\nexpect: " + "[" * 20 + "]" * 20)[1] == "more than 20 mappings and lists inside each other"
    assert only('{"patient": "a", "expect": ' + "[" * 20 + "]" * 20 + "}", "a.json")[0] == "GL407"
    assert read('{"patient": "a", "expect": ' + "[" * 19 + "]" * 19 + "}", "a.json").id == "a"
    wide = "[" + ",".join(["1"] * (20_000 - 5)) + "]"  # with the mapping, two keys, the id and the list: 20,000
    for name, text in (("a.yaml", f"patient: a\nexpect: {wide}"), ("a.json", f'{{"patient": "a", "expect": {wide}}}')):
        assert read(text, name).id == "a"
        assert only(text.replace("[1", "[1,1"), name)[1] == "more than 20,000 keys and values"


# Properties

AMBIGUOUS = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]+)?")  # `12e4`, which PyYAML writes without quotes
LETTERS = st.characters(exclude_categories=("Cc", "Cs", "Cn", "Zl", "Zp"), exclude_characters="\ufeff")
TEXT = st.text(LETTERS, min_size=1)
SAID = TEXT.filter(lambda text: bool(text.strip()) and not AMBIGUOUS.fullmatch(text))
NUMBER = st.integers(0, 80_000).map(lambda n: n / 1000) | st.integers(0, 80)
PAIR = st.tuples(NUMBER, NUMBER).map(sorted)
DAY = st.integers(0, 3600).map(lambda days: date(2025, 11, 13) - timedelta(days=days))
VALUE = (
    NUMBER
    | st.just("unknown")
    | NUMBER.map(lambda n: {"at_least": n})
    | NUMBER.map(lambda n: {"at_most": n})
    | PAIR.map(lambda pair: {"between": pair})
    | PAIR.map(lambda pair: {"at_most": pair[1], "at_least": pair[0]})
)
START = DAY.map(lambda day: {"since": day}) | st.tuples(DAY, DAY).map(lambda days: {"since": {"between": sorted(days)}})
ANY_FINDING = st.sampled_from(list(VOCABULARY.findings))
ANY_SCREEN = st.sampled_from(list(VOCABULARY.screens))
CONTENT = st.fixed_dictionaries(
    {"patient": SAID | st.integers(0), "as_of": st.just(date(2025, 11, 13))},
    optional={
        "findings": st.dictionaries(ANY_FINDING, st.sampled_from(["present", "absent", "unknown"])),
        "measures": st.fixed_dictionaries(
            {}, optional={"pressure": VALUE, "symptom_weeks": VALUE | START, "drops_days": START}
        ),
        "screens": st.dictionaries(ANY_SCREEN, st.sampled_from(["complete", "incomplete"])),
        "sources": st.dictionaries(st.sampled_from(["red_eye", "pressure", "flags"]), SAID),
        "expect": st.recursive(
            TEXT | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=5
        ),
    },
)


def iso(value: object) -> str:
    assert isinstance(value, date)
    return value.isoformat()


@settings(max_examples=200, deadline=None)
@given(CONTENT, st.booleans())
def test_yaml_json_and_plain_data_say_the_same(content: dict[str, Any], flow: bool) -> None:
    in_json = read(json.dumps(content, default=iso), "case.json")
    in_yaml = read(yaml.safe_dump(content, allow_unicode=True, sort_keys=False, default_flow_style=flow or None))
    in_data = patient_from_content(content, VOCABULARY)
    assert in_json == in_yaml == in_data == patient_from_content(in_json.content, VOCABULARY)
    assert in_json.sha256 == in_yaml.sha256 == in_data.sha256
    expected = json.loads(json.dumps({**content, "patient": str(content["patient"])}, default=iso))
    expected.pop("expect", None)
    assert in_json.content == expected
    assert in_json.id == str(content["patient"])
    facts = close(in_json, VOCABULARY)
    for name, interval in facts.measures.items():
        measure = VOCABULARY.measures[name]
        assert measure.low * measure.ticks <= interval.low <= interval.high <= measure.high * measure.ticks


def quiet(data: bytes, name: str) -> None:
    """Reading may only succeed or raise InputError with diagnostics that can be drawn."""
    try:
        patient = read_patient(Source(name, data.decode("utf-8")), VOCABULARY)
    except UnicodeDecodeError:
        return
    except InputError as error:
        for diagnostic in error.diagnostics:
            assert render(diagnostic)
            assert diagnostic.to_json()
    else:
        close(patient, VOCABULARY)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "ignore")))
def test_junk_raises_nothing_but_input_errors(data: bytes) -> None:
    for name in ("junk.yaml", "junk.json"):
        quiet(data, name)


PIECES = st.sampled_from(
    [
        "patient",
        "as_of",
        "findings",
        "measures",
        "red_eye",
        "pressure",
        "since",
        "between",
        "present",
        "8",
        "8.5",
        "unknown",
        "2025-11-13",
        ":",
        ": ",
        "\n",
        "\n  ",
        "{",
        "}",
        "[",
        "]",
        ", ",
        '"',
        "'",
        "- ",
        "? ",
        "&a ",
        "*a",
        "!!str ",
        "<<",
        "|",
        ">",
        "#",
        "---\n",
        "...",
        "\t",
        "\r\n",
        "~",
        "no",
        "\u00e9",
        "\U0001f642",
        "\\u0041",
        "%",
        "@",
        "`",
    ]
)


@settings(max_examples=400, deadline=None)
@given(st.lists(PIECES, max_size=40).map("".join))
def test_nearly_yaml_raises_nothing_but_input_errors(text: str) -> None:
    for name in ("junk.yaml", "junk.json"):
        quiet(text.encode(), name)
        quiet(f"patient: a\nmeasures: {text}".encode(), name)


def constant(text: str) -> None:
    raise ValueError(text)


def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(items)) < len(items):
        raise ValueError("twice")
    return dict(items)


def worded(value: Any) -> Any:
    """Plain data with the words of JSON as text, as a Node has them."""
    match value:
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case list():
            return [worded(item) for item in value]
        case dict():
            return {key: worded(item) for key, item in value.items()}
    return value


JSON_PIECES = st.sampled_from(
    [*'{}[],:" \n\t-+.eE0159\\u', "true", "null", '"a"', '"b":', "nul", "00e9", "\\ud83d\\ude42"]
)


@settings(max_examples=500, deadline=None)
@given(st.lists(JSON_PIECES, max_size=14).map("".join))
def test_json_is_what_the_json_module_says(text: str) -> None:
    try:
        expected = json.loads(text, parse_constant=constant, object_pairs_hook=pairs, parse_int=str, parse_float=str)
    except ValueError:
        with pytest.raises(InputError):
            read_document(Source("a.json", text))
        return
    problems = Problems()
    assert plain(from_json(Source("a.json", text), problems)) == worded(expected)
    problems.check()


# What is no patient file at all

RULES = '% whom it is about\n#[id = "A"]\nin_scope(P) :- finding(P, pain).\n'


@pytest.mark.parametrize(
    ("name", "content", "what", "instead"),
    [
        ("p.png", b"\x89PNG\r\n\x1a\n\0\0", "a picture (PNG)", "a patient file is YAML or JSON text"),
        ("p.yaml", b"\x89PNG\r\n\x1a\n\0\0", "a picture (PNG)", "a patient file is YAML or JSON text"),
        ("p.xlsx", b"PK\x03\x04\xff\xff", "an archive or an office document (ZIP)", "a patient file is"),
        ("p.parquet", b"PAR1\xff\xff", "a table (Parquet)", "answered by `guidelog cohort`"),
        ("p.duckdb", b"\xff" * 8 + b"DUCK", "a database (DuckDB)", "answered by `guidelog cohort`"),
        ("rules.dl", RULES.encode(), "the rules of a guideline", "a patient file is YAML or JSON text"),
        ("rules", RULES.encode(), "the rules of a guideline", "a patient file is YAML or JSON text"),
        ("p.csv", b"patient,as_of\np1,2025-01-01\n", "a table (CSV)", "answered by `guidelog cohort`"),
        ("README.md", b"# guidelog\n\nRead: this: first.\n", "a page of text (Markdown)", "a patient file is"),
        ("c.json", b'{"guideline": {}, "certificates": []}', "a certificate of guidelog", "a patient file is"),
    ],
)
def test_a_file_of_another_kind_is_told_what_it_looks_like(
    tmp_path: Path, name: str, content: bytes, what: str, instead: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError) as refusal:
        read_patient(read_text(tmp_path / name), VOCABULARY)
    (found,) = refusal.value.diagnostics
    assert f"looks like {what}, not like a patient file" in found.message
    assert instead in (found.hint or "")


def test_what_can_be_read_is_read_whatever_it_is_called() -> None:
    assert read("patient: p\n", "notes.md").id == "p"
    assert read("% not a patient: rules\npatient: p\n".removeprefix("% not a patient: rules\n"), "rules.dl").id == "p"


def test_a_broken_patient_file_is_still_told_what_is_broken() -> None:
    assert only("% begun by mistake\npatient: p\n")[0] == "GL404"
    assert "looks like" not in refused("% begun by mistake\npatient: p\n")[0][1]


# Speed


def test_a_typical_file_is_read_at_once() -> None:
    text = TYPICAL + "".join(f"  # line {n} of a file of forty\n" for n in range(10))
    assert text.count("\n") == 40
    times = []
    for _ in range(20):
        begin = time.perf_counter()
        close(read(text), VOCABULARY)
        times.append(time.perf_counter() - begin)
    assert min(times) < 0.003
