"""The certificate checker alone: small texts, certificates made by hand, and many ways to spoil them."""

from __future__ import annotations

import ast
import contextlib
import copy
import datetime
import json
import re
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from certificates_by_hand import answers, holds, record, step, with_hash
from certificates_by_hand import document as document_of
from guidelog import checker
from guidelog.checker import Rejected, check, read_rules
from guidelog.checker.__main__ import main

Json = Any
SOURCES = {path.stem: path.read_text(encoding="utf-8") for path in Path(checker.__file__).parent.glob("*.py")}

# ---------------------------------------------------------------- making texts, records and certificates

WORDS = """
.screen history "the history" ask("asked?")
.finding fever "fever" screen(history) true("a fever (38 or more)") false("no fever")
.finding cough "cough" screen(history)
.finding rash "rash"
    ask("a rash? unit(week)")
.finding tested "tested"
.finding positive "positive"
.measure ill_days "days of illness" unit(day) range(0, 100) screen(history) unlisted(0)
.measure rest_weeks "weeks of rest" unit(week) range(0, 50) screen(history)
.measure age "age" unit(year) range(0, 120)
.intervention rest "rest" group("Care") silent("Q1")
.intervention scan "scan"
.statement S1 "what it says. And more" kind(do) cites(1, 2)
.decision Q1 "open" decided("so")
.reading strictness "how strict" decision(Q1)
    option(kept, "range") option(strict, "high")
    chosen(kept)
"""

RULES = """
% a comment with "a quote and a . dot
.decl sign(F: finding)
sign(fever). sign(cough).
sign(rash).
.concept in_scope(P: patient) true("in \\"scope\\"") false("not")
.concept sick(P: patient)
.concept ill(P: patient)

#[id = "SCOPE", statements = ["S1"], cites = [], title = "Scope, says :- so. [1]"]
in_scope(P) :- !finding(P, rash), patient(P).
#[id = "SICK", statements = []]
sick(P) :- finding(P, F), sign(F).   % any sign
#[id = "ILL"] ill(P) :- atleast 2 { finding(P, F) : sign(F); finding(P, fever); !finding(P, tested) }.
#[id = "REST", strength = strong, cites = [1]]
advise(P, rest, do) :- in_scope(P), sick(P), !ill(P).
#[id = "REST-LONG", everyone = true]
advise(P, rest, urgent) :- ill(P), measure(P, ill_days, D), D >= 7.
#[id = "SCAN-KEPT", reading = strictness, option = kept]
advise(P, scan, consider) :- in_scope(P), measure(P, rest_weeks, W), W >= 2..4.
#[id = "SCAN-STRICT", reading = strictness, option = strict]
advise(P, scan, consider) :- in_scope(P), measure(P, rest_weeks, W), W >= 4.
#[id = "NOTE"] note(P, s1) :- measure(P, _, W), measure(P, rest_weeks, V), D = V - W, D > 0.
"""

BACKGROUND = """
#[id = "BG-TEST", title = "positive means tested"]
:- finding(P, positive), !finding(P, tested).
#[id = "BG-DAYS"]
:- finding(P, positive), measure(P, ill_days, D), D > 50.
#[id = "BG-REST"]
:- finding(P, positive), measure(P, ill_days, D), measure(P, rest_weeks, W), D < 100, 10 <= W.
"""

FILES = {"words.dl": WORDS, "rules.dl": RULES, "background.dl": BACKGROUND}


BOOK = read_rules(FILES, {})


def document(patient: Json, *certificates: Json, files: Mapping[str, str] = FILES, **header: Json) -> Json:
    return document_of(patient, *certificates, files=files, **header)


def accepted(patient: Json, *certificates: Json, files: Mapping[str, str] = FILES, **header: Json) -> bool:
    book = BOOK if files is FILES and not header.get("readings") else read_rules(files, header.get("readings") or {})
    claims = check(document(patient, *certificates, files=files, **header), book, patient)
    assert claims == [certificate["claim"] for certificate in certificates]
    return True


def problem_of(patient: Json, *certificates: Json, files: Mapping[str, str] = FILES) -> str | None:
    """The message of the rejection, if there is one."""
    try:
        accepted(patient, *certificates, files=files)
    except (Rejected, ValueError) as error:
        return str(error)
    return None


def each(*items: Json) -> list[Json]:
    return list(items)


def refused(problem: str, patient: Json, *certificates: Json, files: Mapping[str, str] = FILES, **header: Json) -> None:
    with pytest.raises(Rejected, match=problem or None):
        accepted(patient, *certificates, files=files, **header)


# ---------------------------------------------------------------- certificates that are accepted

CLEAR = record(findings={"fever": "present", "cough": "absent", "rash": "absent", "tested": "present"})
SCOPE_T = step("in_scope()", "T", "SCOPE", {}, [None, None])
SICK_T = step("sick()", "T", "SICK", {"F": "fever"}, [None, None])
ILL_F = step("ill()", "F", fails=[["ILL", {}, 0]])
REST_T = step("advise(rest,do)", "T", "REST", {}, [0, 1, 2])
URGENT_F = step("advise(rest,urgent)", "F", fails=[["REST-LONG", {}, 0]])
REST = answers("rest", "recommended", None, kept=[[SCOPE_T, SICK_T, ILL_F], [REST_T, URGENT_F]])

RANGE = record(findings={"rash": "absent"}, measures={"rest_weeks": 3})
RANGE_U = step("advise(scan,consider)", "U", "SCAN-KEPT", {}, [0, None, None], [["SCAN-KEPT", {}, 2]])
RANGE_T = step("advise(scan,consider)", "T", "SCAN-KEPT", {}, [0, None, None])
RANGE_F = step("advise(scan,consider)", "F", fails=[["SCAN-KEPT", {}, 2]])
SCAN = answers(
    "scan",
    "undetermined",
    "guideline_range",
    kept=[[SCOPE_T, RANGE_U]],
    low=[[SCOPE_T, RANGE_T]],
    high=[[SCOPE_T, RANGE_F]],
)

UNASKED = record(findings={"fever": "present", "rash": "absent"}, screens={"history": "incomplete"})
ILL_U = step("ill()", "U", "ILL", {}, [[[0, None], [1, None]]], [["ILL", {}, 0]])
DO_U = step("advise(rest,do)", "U", "REST", {}, [0, 1, 2], [["REST", {}, 2]])
URGENT_U = step("advise(rest,urgent)", "U", "REST-LONG", {}, [2, None, None], [["REST-LONG", {}, 0]])
MISSING = answers("rest", "undetermined", "missing_data", low=[[SCOPE_T, SICK_T, ILL_U], [DO_U, URGENT_U]])

CLOSED = record(
    findings={"tested": "absent", "cough": "present"}, screens={"history": "complete"}, measures={"age": 40.5}
)
CLOSED_HEADER: Json = {"closed": {"history": ["fever", "ill_days"]}, "propagated": [["positive", "F", "BG-TEST"]]}
CLOSED_HOLDS = holds("ill()", "ILL", [step("ill()", "T", "ILL", {}, [[[0, None], [3, None]]])])


def test_a_determined_status_is_accepted() -> None:
    assert accepted(CLEAR, REST)


def test_the_guidelines_own_range_is_accepted() -> None:
    assert accepted(RANGE, SCAN)


def test_missing_data_is_accepted() -> None:
    assert accepted(UNASKED, MISSING)


def test_several_claims_are_accepted_together() -> None:
    assert accepted(CLEAR, REST, holds("sick()", "SICK", [SICK_T]), holds("in_scope()", "SCOPE", [SCOPE_T]))


def test_a_complete_screen_closes_what_is_not_listed() -> None:
    assert accepted(CLOSED, CLOSED_HOLDS, **CLOSED_HEADER)


def test_background_rules_set_findings_and_narrow_measures() -> None:
    patient = record(findings={"positive": "present"})
    assert accepted(
        patient,
        propagated=[
            ["tested", "T", "BG-TEST"],
            ["ill_days", [0, 50000], "BG-DAYS"],
            ["rest_weeks", [0, 69999], "BG-REST"],
        ],
    )


def test_another_reading_is_another_rule() -> None:
    step_u = step("advise(scan,consider)", "F", fails=[["SCAN-STRICT", {}, 2]])
    certificate = answers("scan", "not_now", None, kept=[[SCOPE_T, step_u]])
    assert accepted(RANGE, certificate, readings={"strictness": "strict"})


def test_dates_may_be_dates() -> None:
    patient = {"patient": "pat-1", "as_of": "2025-11-13", "measures": {"ill_days": {"since": "2025-11-01"}}}
    made = document(patient)
    as_yaml = patient | {
        "as_of": datetime.date(2025, 11, 13),
        "measures": {"ill_days": {"since": datetime.date(2025, 11, 1)}},
    }
    assert check(made, BOOK, as_yaml) == []


def test_expectations_are_not_part_of_the_record() -> None:
    assert accepted(CLEAR | {"expect": {"answers": {"rest": "recommended"}}}, REST)


def test_id_and_version_are_compared_when_they_are_known() -> None:
    made = document(CLEAR, REST)
    assert check(made, BOOK, CLEAR, {"id": "small", "version": "1.0.0", "title": "Small"})
    for other in ({"id": "other", "version": "1.0.0"}, {"id": "small", "version": "2"}):
        with pytest.raises(Rejected, match="`guideline`"):
            check(made, BOOK, CLEAR, other)


# ---------------------------------------------------------------- and everything that spoils them

Spoil = Callable[[Json], None]


def at(*path: Json, to: Json) -> Spoil:
    """Sets one place of a document."""

    def spoil(made: Json) -> None:
        for key in path[:-1]:
            made = made[key]
        made[path[-1]] = to

    return spoil


def without(*path: Json) -> Spoil:
    def spoil(made: Json) -> None:
        for key in path[:-1]:
            made = made[key]
        del made[path[-1]]

    return spoil


def more(*path: Json, added: Json) -> Spoil:
    def spoil(made: Json) -> None:
        for key in path:
            made = made[key]
        made.append(added)

    return spoil


KEPT = ("certificates", 0, "proofs", 0)
FIRST, SECOND = (*KEPT, "blocks", 0), (*KEPT, "blocks", 1)

SPOILED: dict[str, tuple[Json, Json, Json, list[Spoil]]] = {
    "header": (
        CLEAR,
        REST,
        {},
        [
            at("format", to="guidelog-certificate/1"),
            without("format"),
            at("extra", to=1),
            without("guideline"),
            at("guideline", "sha256", to="0" * 64),
            at("guideline", "readings", to={}),
            at("guideline", "more", to=1),
            at("guideline", "readings", "strictness", to="strict"),
            at("guideline", "readings", "other", to="kept"),
            without("guideline", "id"),
            without("guideline", "readings"),
            at("patient", "id", to="pat-2"),
            at("patient", "as_of", to="2025-11-14"),
            at("patient", "sha256", to="f" * 64),
            at("patient", "name", to="x"),
            without("patient", "id"),
            at("patient", to=[]),
            at("closed", to={"history": []}),
            at("closed", to=[]),
            at("closed", to=None),
            at("propagated", to={"a": 1}),
            at("propagated", to=[["tested", "T", "BG-TEST"]]),
            at("propagated", to=[["fever", "T", "BG-TEST"]]),
            at("propagated", to=[[]]),
            at("propagated", to=[["tested", "T", ["BG"]]]),
            at("certificates", to=None),
            at("certificates", to=[None]),
            at("certificates", to={"claim": 1}),
            at("certificates", 0, "more", to=1),
            without("certificates", 0, "proofs"),
            without("certificates", 0, "claim"),
        ],
    ),
    "claim": (
        CLEAR,
        REST,
        {},
        [
            at("certificates", 0, "claim", "status", to=status)
            for status in each(
                "urgent", "consider", "not_now", "avoid", "undetermined", "conflict", "outside_guideline", None, 1, []
            )
        ]
        + [
            at("certificates", 0, "claim", "because", to=because)
            for because in each("missing_data", "guideline_range", "", 0, False)
        ]
        + [
            at("certificates", 0, "claim", "intervention", to=name)
            for name in each("scan", "walk", "", None, 1, [], {})
        ]
        + [
            at("certificates", 0, "claim", "more", to=1),
            without("certificates", 0, "claim", "because"),
            without("certificates", 0, "claim", "status"),
            at("certificates", 0, "claim", to={"holds": "sick()"}),
            at("certificates", 0, "claim", to={"holds": "sick()", "rule": "ILL"}),
            at("certificates", 0, "claim", to=None),
            at("certificates", 0, "claim", to={"holds": "ill()", "rule": "ILL"}),
            at("certificates", 0, "claim", to="sick()"),
            at("certificates", 0, "claim", to={"holds": ["sick()"], "rule": "SICK"}),
            at("certificates", 0, "claim", to={}),
            at("certificates", 0, "claim", to={"holds": "sick()", "rule": "SICK", "status": "urgent"}),
        ],
    ),
    "proof": (
        CLEAR,
        REST,
        {},
        [at(*KEPT, "ranges", to=ranges) for ranges in each("low", "high", "both", None, 0, ["kept"])]
        + [
            at("certificates", 0, "proofs", to=[]),
            at("certificates", 0, "proofs", to=None),
            without(*KEPT, "blocks"),
            at(*KEPT, "more", to=1),
            at(*KEPT, "blocks", to={}),
            at(*KEPT, "blocks", to=[]),
            at(*KEPT, "blocks", to=[[None]]),
            more("certificates", 0, "proofs", added=REST["proofs"][0]),
            without(*SECOND, 1),
            without(*FIRST, 0),
            more("certificates", 0, "proofs", added=REST["proofs"][0] | {"ranges": "low"}),
            more(*KEPT, "blocks", added=[SCOPE_T]),
            more(*FIRST, added=SCOPE_T),
            more(*KEPT, "blocks", added=None),
            at(*KEPT, "blocks", to=[[SCOPE_T, SICK_T, ILL_F, REST_T, URGENT_F]]),  # negation in the same block
            at(*KEPT, "blocks", to=[[SCOPE_T, SICK_T], [REST_T, URGENT_F], [ILL_F]]),
            more(*FIRST, added=step("patient()", "T", "fact")),
            more(*FIRST, added=step("finding(fever)", "T", "fact")),
            more(*FIRST, added=step("sign(fever)", "T", "fact")),
            more(*FIRST, added=step("ill(fever)", "F", fails=[])),
            more(*FIRST, added=step("BG-TEST", "T", "BG-TEST", {}, [None, None])),
        ],
    ),
    "step": (
        CLEAR,
        REST,
        {},
        [
            at(*FIRST, 1, "subst", to=subst)
            for subst in each(
                {},
                {"F": "cough"},
                {"F": "rash"},
                {"F": "nothing"},
                {"F": "fever", "P": "pat-1"},
                {"G": "fever"},
                {"F": "fever", "G": "cough"},
                {"F": True},
                {"F": None},
                {"F": ["fever"]},
                [],
                None,
                "F",
                {"F": '"fever"'},
            )
        ]
        + [at(*FIRST, 1, "rule", to=rule) for rule in each("ILL", "SCOPE", "none", "", None, 1, ["SICK"], "fact")]
        + [
            at(*FIRST, 1, "from", to=using)
            for using in each(
                [], [None], [None, None, None], [0, None], [None, 0], None, {}, [None, False], "ab", [None, "x"]
            )
        ]
        + [
            at(*SECOND, 0, "from", to=using)
            for using in each(
                [None, 1, 2],
                [0, None, 2],
                [0, 1, None],
                [1, 0, 2],
                [0, 1, 3],
                [0, 1, 4],
                [0, 1, -3],
                [False, True, 2],
                [0.0, 1, 2],
                ["0", 1, 2],
                [0, 1],
                [0, 1, 2, None],
                [0, 1, [2]],
                [[0, 1, 2]],
            )
        ]
        + [at(*FIRST, 1, "value", to=value) for value in each("F", "U", "", None, True, ["T"])]
        + [
            at(*FIRST, 1, "atom", to=atom)
            for atom in each("sick(P)", "sick( )", "sick", "ill()", "in_scope()", None, 1, ["sick()"])
        ]
        + [
            at(*FIRST, 1, "more", to=1),
            without(*FIRST, 1, "from"),
            without(*FIRST, 1, "rule"),
            without(*FIRST, 1, "subst"),
            without(*FIRST, 1, "atom"),
            without(*FIRST, 1, "value"),
            at(*FIRST, 1, "fails", to=[]),
            at(*FIRST, 2, "rule", to="ILL"),
            at(
                *FIRST,
                1,
                to=step(
                    "sick()",
                    "F",
                    fails=[["SICK", {"F": "fever"}, 0], ["SICK", {"F": "cough"}, 0], ["SICK", {"F": "rash"}, 0]],
                ),
            ),
            at(
                *FIRST,
                1,
                to=step(
                    "sick()",
                    "U",
                    "SICK",
                    {"F": "fever"},
                    [None, None],
                    [["SICK", {"F": "fever"}, 0], ["SICK", {"F": "cough"}, 0], ["SICK", {"F": "rash"}, 0]],
                ),
            ),
            at(*SECOND, 0, to=step("advise(rest,do)", "F", fails=[["REST", {}, 2]])),
        ]
        + [
            at(*FIRST, 2, "fails", to=fails)
            for fails in each(
                [],
                [["ILL", {}, 1]],
                [["ILL", {}, -1]],
                [["ILL", {}, False]],
                [["ILL", {}, None]],
                [["ILL", {}, 0.0]],
                [["ILL", {}]],
                [["ILL", {"F": "fever"}, 0]],
                [["ILL", {}, 0], ["ILL", {}, 0]],
                [["SICK", {}, 0]],
                None,
                {},
                [["ILL", {}, 0, 0]],
                [["ILL", {}, "0"]],
                [None],
                [["ILL", {}, 0], ["REST", {}, 0]],
                [["ILL", None, 0]],
                "x",
            )
        ],
    ),
    "range": (
        RANGE,
        SCAN,
        {},
        [
            at("certificates", 0, "claim", "because", to="missing_data"),
            at("certificates", 0, "claim", "because", to=None),
            without("certificates", 0, "proofs", 0),
            without("certificates", 0, "proofs", 1),
            without("certificates", 0, "proofs", 2),
            at("certificates", 0, "proofs", 1, "ranges", to="high"),
            at("certificates", 0, "proofs", 2, "ranges", to="low"),
            at("certificates", 0, "proofs", 0, "ranges", to="high"),
            at("certificates", 0, "claim", "status", to="not_now"),
            at("certificates", 0, "proofs", 0, "blocks", 0, 1, to=RANGE_T),
            at("certificates", 0, "proofs", 0, "blocks", 0, 1, to=RANGE_F),
            at("certificates", 0, "proofs", 1, "blocks", 0, 1, to=RANGE_U),
            at("certificates", 0, "proofs", 2, "blocks", 0, 1, to=RANGE_U),
            at("certificates", 0, "proofs", 1, "blocks", 0, 1, to=RANGE_F),
            at("certificates", 0, "proofs", 2, "blocks", 0, 1, to=RANGE_T),
            at("certificates", 0, "proofs", 0, "blocks", 0, 1, "fails", to=[["SCAN-KEPT", {}, 0]]),
            at("certificates", 0, "proofs", 0, "blocks", 0, 1, "fails", to=[["SCAN-KEPT", {}, 1]]),
            at(
                "certificates",
                0,
                "proofs",
                0,
                "blocks",
                0,
                1,
                "fails",
                to=[["SCAN-KEPT", {}, 2], ["SCAN-STRICT", {}, 2]],
            ),
            at("certificates", 0, "proofs", 0, "blocks", 0, 1, "fails", to=[]),
        ],
    ),
    "missing": (
        UNASKED,
        MISSING,
        {},
        [
            at("certificates", 0, "proofs", 0, "ranges", to="kept"),
            at("certificates", 0, "claim", "because", to="guideline_range"),
            at("certificates", 0, "claim", "because", to=None),
            at("certificates", 0, "claim", "status", to="recommended"),
        ]
        + [
            at(*FIRST, 2, "from", to=using)
            for using in each(
                [[[0, None]]],
                [[[0, None], [0, None]]],
                [[[0, None], [1, None], [2, None]]],
                [[[0, None], [2, None]]],
                [[[0, None], [4, None]]],
                [[[0, None], [-1, None]]],
                [[[0, None], [True, None]]],
                [[[0, None], [1, 0]]],
                [[[0, None], ["1", None]]],
                [None],
                [[]],
                [[0, 1]],
                [[[0], [1]]],
                [[[0, None, 1], [1, None, 1]]],
                [[[0, 0], [1, 1]]],
            )
        ]
        + [
            at(*FIRST, 2, to=step("ill()", "T", "ILL", {}, [[[0, None], [1, None]]])),
            at(*FIRST, 2, to=ILL_F),
            at(*SECOND, 1, to=URGENT_F),
            at(*SECOND, 1, "fails", to=[["REST-LONG", {}, 1]]),
            at(*SECOND, 0, "fails", to=[["REST", {}, 0]]),
        ],
    ),
    "closed": (
        CLOSED,
        CLOSED_HOLDS,
        CLOSED_HEADER,
        [
            at("closed", to=closed)
            for closed in each(
                {},
                {"history": []},
                {"history": ["fever"]},
                {"history": ["ill_days", "fever"]},
                {"history": ["fever", "ill_days", "rest_weeks"]},
                {"history": ["fever", "cough", "ill_days"]},
                {"history": ["fever", "ill_days"], "other": []},
                {"history": None},
                {"history": {"fever": 1, "ill_days": 1}},
            )
        ]
        + [
            at("certificates", 0, "claim", "rule", to="SICK"),
            at("certificates", 0, "claim", "rule", to=None),
            at("certificates", 0, "proofs", 0, "ranges", to="low"),
            without("certificates", 0, "claim", "rule"),
            at(*FIRST, 0, "from", to=[[[0, None], [1, None]]]),
            at(*FIRST, 0, to=ILL_F),
        ],
    ),
}


@pytest.mark.parametrize(
    ("kind", "number"), [(kind, number) for kind, case in SPOILED.items() for number in range(len(case[3]))]
)
def test_a_spoiled_certificate_is_rejected(kind: str, number: int) -> None:
    patient, certificate, header, spoils = SPOILED[kind]
    made = document(patient, copy.deepcopy(certificate), **header)
    assert check(copy.deepcopy(made), BOOK, patient) == [certificate["claim"]]
    before = json.dumps(made)
    spoils[number](made)
    assert json.dumps(made) != before
    with pytest.raises(Rejected) as caught:
        check(made, BOOK, patient)
    message = str(caught.value)
    assert message == message.strip()
    assert message[0] == "`" or message[0].islower()


def places(content: Json, path: tuple[Json, ...] = ()) -> list[tuple[Json, ...]]:
    inner = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    return [path, *(place for key, value in inner for place in places(value, (*path, key)))]


@pytest.mark.parametrize(
    "value", [None, True, False, 0, 1, -1, 0.5, "", "T", "in_scope()", [], [[]], {}, {"": 0}, 10**30]
)
def test_anything_put_anywhere_is_rejected_and_never_fails_otherwise(value: Json) -> None:
    for patient, certificate in ((CLEAR, REST), (RANGE, SCAN), (UNASKED, MISSING)):
        made = document(patient, certificate)
        free = {("guideline", "id"), ("guideline", "version")}  # compared only by callers who know them
        for place in places(made):
            if not place or place in free:
                continue
            spoiled = copy.deepcopy(made)
            at(*place, to=value)(spoiled)
            if json.dumps(spoiled) == json.dumps(made) or (place == ("certificates",) and value in ([], {}, "")):
                continue
            with pytest.raises(Rejected):
                check(spoiled, BOOK, patient)


def test_every_key_and_every_item_is_needed() -> None:
    for patient, certificate in ((CLEAR, REST), (RANGE, SCAN), (UNASKED, MISSING)):
        made = document(patient, certificate)
        for place in places(made):
            if not place or place == ("certificates", 0):
                continue
            spoiled = copy.deepcopy(made)
            without(*place)(spoiled)
            with pytest.raises(Rejected):
                check(spoiled, BOOK, patient)


@pytest.mark.parametrize(
    "patient",
    [
        record(findings={"fewer": "present"}),
        record(findings={"ill_days": "present"}),
        record(measures={"fever": 1}),
        record(findings={"fever": True}),
        record(findings={"fever": "yes"}),
        record(findings=["fever"]),
        record(findings={"fever": None}),
        record(screens={"histories": "complete"}),
        record(screens={"history": True}),
        record(screens={"history": "done"}),
        record(measures={"age": "40"}),
        record(measures={"age": True}),
        record(measures={"age": None}),
        record(measures={"age": 1.0001}),
        record(measures={"age": 121}),
        record(measures={"age": -1}),
        record(measures={"age": float("nan")}),
        record(measures={"age": float("inf")}),
        record(measures={"age": {"at_least": 121}}),
        record(measures={"age": {"at_most": -1}}),
        record(measures={"age": {"between": [5, 4]}}),
        record(measures={"age": {"between": [5]}}),
        record(measures={"age": {}}),
        record(measures={"age": {"between": 5}}),
        record(measures={"age": {"at_least": 1, "between": [1, 2]}}),
        record(measures={"age": [1, 2]}),
        record(measures={"age": {"about": 5}}),
        record(measures={"age": {"unknown": 5}}),
        record(measures={"age": {"exactly": 5}}),
        record(measures={"age": {"since": "2025-11-01"}}),
        record(measures={"ill_days": {"since": "2025-11-14"}}),
        record(measures={"ill_days": {"since": "2025-02-30"}}),
        record(measures={"ill_days": {"since": {"at_least": "2025-11-01"}}}),
        record(measures={"ill_days": {"since": {"between": ["2025-11-02", "2025-11-01"]}}}),
        record(measures={"ill_days": {"since": 5}}),
        record(measures={"ill_days": {"since": "2025-01-01"}}),
        record(measures={"ill_days": {"at_least": {"between": [1, 2]}}}),
        record(findings={"positive": "present", "tested": "absent"}),
        record(findings={"positive": "present"}, measures={"ill_days": 51}),
        record(more={}),
        {"patient": "pat-1"},
        {"as_of": "2025-11-13"},
        {"patient": "pat-1", "as_of": "13.11.2025"},
        {"patient": "pat-1", "as_of": None},
        [],
        None,
        record(findings={1: "present"}),
        record(sources={"fever": {1, 2}}),
    ],
    ids=repr,
)
def test_a_record_that_cannot_be_understood_is_rejected(patient: Json) -> None:
    made = document(record())
    with contextlib.suppress(AttributeError, TypeError):
        made = document(patient)
    with pytest.raises(Rejected):
        check(made, BOOK, patient)


# ---------------------------------------------------------------- what elements mean

INPUTS = """
.finding a "a" screen(s)
.finding b "b" screen(s)
.finding c "c" screen(s)
.screen s "s"
.measure d "d" unit(day) range(0, 100)
.measure w "w" unit(week) range(0, 20)
.measure y "y" unit(year) range(0, 9)
.intervention go "go"
.concept in_scope(P: patient)
.decl sign(F: finding)
.decl number(N: number)
.decl named(T: symbol)
.concept x(P: patient)
#[id = "IN"] in_scope(P) :- patient(P).
"""
IN_SCOPE = step("in_scope()", "T", "IN", {}, [None])


def values(body: str, patient: Json, place: int, subst: Json = None, using: Json = None, ranges: str = "low") -> str:
    """The values that proofs can give to a body whose element at a place decides: hopefully one of T, U, F."""
    files = {"m.dl": f'{INPUTS}\n#[id = "X"] advise(P, go, do) :- {body}.'}
    using = using or [None] * (place + 1)
    fails = [["X", subst or {}, place]]
    steps = {
        ("T", "recommended", None, "kept"): step("advise(go,do)", "T", "X", subst, using),
        ("U", "undetermined", "missing_data", ranges): step("advise(go,do)", "U", "X", subst, using, fails),
        ("F", "not_now", None, "kept"): step("advise(go,do)", "F", fails=fails),
    }
    found = ""
    for (value, status, because, end), one in steps.items():
        try:
            accepted(patient, answers("go", status, because, **{end: [[IN_SCOPE, one]]}), files=files)
        except Rejected:
            continue
        found += value
    return found


@pytest.mark.parametrize(
    ("comparison", "measures", "value"),
    [
        ("D >= 7", {"d": 7}, "T"),
        ("D > 7", {"d": 7}, "F"),
        ("D <= 7", {"d": 7}, "T"),
        ("D < 7", {"d": 7}, "F"),
        ("D > 7", {"d": 7.001}, "T"),
        ("D < 7", {"d": 6.999}, "T"),
        ("D >= 7", {"d": 6.999}, "F"),
        ("D <= 7", {"d": 7.001}, "F"),
        ("D = 7", {"d": 7}, "T"),
        ("D = 7", {"d": 7.001}, "F"),
        ("D != 7", {"d": 7}, "F"),
        ("D != 7", {"d": 8}, "T"),
        ("D = 7", {"d": {"between": [6, 8]}}, "U"),
        ("D != 7", {"d": {"between": [6, 8]}}, "U"),
        ("D = 7", {"d": {"at_least": 8}}, "F"),
        ("D >= 7", {"d": {"at_least": 7}}, "T"),
        ("D > 7", {"d": {"at_least": 7}}, "U"),
        ("D >= 7", {"d": {"at_most": 7}}, "U"),
        ("D > 7", {"d": {"at_most": 7}}, "F"),
        ("D >= 7", {}, "U"),
        ("D >= 0", {}, "T"),
        ("D > 100", {}, "F"),
        ("D >= 7", {"d": "unknown"}, "U"),
        ("7 <= D", {"d": 7}, "T"),
        ("7 < D", {"d": 7}, "F"),
        ("7 > D", {"d": 6}, "T"),
        ("-D <= -7", {"d": 7}, "T"),
        ("2 * D >= 14", {"d": 7}, "T"),
        ("D * 2 > 14", {"d": 7}, "F"),
        ("D + 3 >= 10", {"d": 7}, "T"),
        ("(D - 3) * 2 >= 8", {"d": 7}, "T"),
        ("D - 3 * 2 >= 2", {"d": 7}, "F"),
        ("2 - -D >= 9", {"d": 7}, "T"),
        ("10 - 2 - 1 <= D", {"d": 7}, "T"),
        ("D - D >= 0", {}, "T"),
        ("D - D > 0", {}, "F"),
        ("D >= 2 * 2 + 3", {"d": 7}, "T"),
        ("-(D - 10) * 2 >= 6", {"d": 7}, "T"),
        ("-2 * (3 - D) >= 8", {"d": 7}, "T"),
        ("D >= 7..9", {"d": 7}, "U"),
        ("D >= 7..9", {"d": 9}, "T"),
        ("D >= 7..9", {"d": 6}, "F"),
        ("D < 7..9", {"d": 8}, "U"),
        ("D < 7..9", {"d": 6}, "T"),
        ("D < 7..9", {"d": 9}, "F"),
        ("D > 7..9", {"d": 9}, "U"),
        ("D <= 7..9", {"d": 7}, "T"),
        ("D >= 7", {"d": {"since": "2025-11-06"}}, "T"),
        ("D >= 7", {"d": {"since": "2025-11-07"}}, "F"),
        ("D >= 7", {"d": {"since": {"between": ["2025-11-01", "2025-11-06"]}}}, "T"),
        ("D >= 0", {"d": {"since": "2025-11-13"}}, "T"),
        ("D >= 7", {"d": {"since": {"between": ["2025-11-01", "2025-11-07"]}}}, "U"),
    ],
)
def test_a_comparison_with_a_measure(comparison: str, measures: Json, value: str) -> None:
    ranges = "high" if comparison.startswith("D <") else "low"
    got = values(f"measure(P, d, D), {comparison}", record(measures=measures), 1, ranges=ranges)
    # a proof for one end of a range gives what that end gives, so only the kept range decides whether it is unknown
    assert got == ("" if ".." in comparison and value == "U" else value)


@pytest.mark.parametrize(
    ("comparison", "measures", "value"),
    [
        ("D > W", {"d": 7, "w": 1}, "F"),
        ("D >= W", {"d": 7, "w": 1}, "T"),
        ("D > W", {"d": 8, "w": 1}, "T"),
        ("D > W", {"w": 1}, "U"),
        ("D - W > 0", {"d": 7.001, "w": 1}, "T"),
        ("W >= 1", {"w": {"since": "2025-11-06"}}, "T"),
        ("W >= 1", {"w": {"since": "2025-11-07"}}, "F"),
        ("W > 1", {"w": 1.001}, "T"),
        ("D = W", {"d": 14, "w": 2}, "T"),
        ("W <= D - W", {"d": 14, "w": 1}, "T"),
        ("W + D >= W", {}, "T"),
        ("D >= 2 * W", {"d": 14, "w": 1}, "T"),
        ("D > 2 * W", {"d": 14, "w": 1}, "F"),
    ],
)
def test_measures_are_compared_in_ticks(comparison: str, measures: Json, value: str) -> None:
    body = f"measure(P, d, D), measure(P, w, W), {comparison}"
    assert values(body, record(measures=measures), 2) == value


def test_a_defined_variable_is_what_defines_it() -> None:
    body = "measure(P, d, D), measure(P, w, W), E = D - W, E + 1 > 1"
    with pytest.raises(ValueError, match="two units"):
        values(body.replace("> 1", "> 2"), record(), 3)
    assert values("measure(P, d, D), E = D + 1, F = 2 * E, F >= 16", record(measures={"d": 7}), 3) == "T"
    with pytest.raises(ValueError, match="cannot be read"):
        values("measure(P, d, D), E + 1 = 3 + E, D > 0", record(measures={"d": 7}), 1)
    assert values(body, record(measures={"d": 8, "w": 1}), 3) == "T"
    assert values("measure(P, d, D), F = 2 * (E), E = D + 1, F >= 16", record(measures={"d": 7}), 3) == "T"
    assert values("measure(P, M, D), M = d, 7 = N, D >= N", record(measures={"d": 7}), 3, {"M": "d", "N": 7}) == "T"


@pytest.mark.parametrize(
    ("comparison", "there"),
    [
        ("N > 2", True),
        ("N > 3", False),
        ("N = 3", True),
        ("N != 3", False),
        ("N * N - 1 = 8", True),
        ("N >= 4..9", False),
        ("N >= 2..3", True),
        ("N != z", True),
        ("N = z", False),
        ("z = z", True),
        ('"z" = z', False),
        ("3 - N = 0", True),
        ("-N = -3", True),
        ("(N) >= 3", True),
    ],
)
def test_plain_numbers_are_compared_before_anything_else(comparison: str, there: bool) -> None:
    files = {"m.dl": f'{INPUTS}\nnumber(3).\n#[id = "X"] x(P) :- patient(P), number(N), {comparison}.'}
    certificate = holds("x()", "X", [step("x()", "T", "X", {"N": 3}, [None, None, None])])
    assert (problem_of(record(), certificate, files=files) is None) == there
    assert ("x()" in read_rules(files, {}).instances) == there


@pytest.mark.parametrize(
    ("findings", "value"),
    [
        ({}, "U"),
        ({"a": "present"}, "U"),
        ({"a": "present", "b": "present"}, "T"),
        ({"a": "present", "c": "absent"}, "T"),
        ({"a": "absent", "b": "absent", "c": "present"}, "F"),
        ({"a": "absent", "b": "absent"}, "F"),
        ({"c": "absent"}, "U"),
        ({"a": "absent", "b": "present", "c": "present"}, "F"),
        ({"a": "absent", "c": "present"}, "F"),
        ({"b": "absent", "c": "unknown"}, "U"),
    ],
)
def test_atleast_counts_its_members(findings: Json, value: str) -> None:
    # members, by place: 0 a, 1 b, 2 not c; a is written twice and counts once
    picks = [
        place
        for place, (name, state) in enumerate((("a", "absent"), ("b", "absent"), ("c", "present")))
        if findings.get(name) != state
    ]
    firm = [p for p, (n, s) in enumerate((("a", "present"), ("b", "present"), ("c", "absent"))) if findings.get(n) == s]
    chosen = (firm + [place for place in picks if place not in firm])[:2]
    body = "patient(P), atleast 2 { finding(P, F) : sign(F) ; finding(P, a); finding(P, b); !finding(P, c) }"
    using = [None, [[place, None] for place in chosen]]
    files_body = f"{body}.\nsign(a)"
    assert values(files_body, record(findings=findings), 1, using=using) == value


def test_members_stand_in_the_order_of_their_substitutions() -> None:
    files = {
        "m.dl": f"""{INPUTS}
sign(c). sign(a). sign(b).
.decl barred(F: finding)
barred(b).
#[id = "X"] x(P) :- atleast 1 {{ finding(P, F) : sign(F), !barred(F); finding(P, a); !finding(P, a); finding(P, b) : barred(x) }}."""
    }
    for findings, place in (({"a": "present"}, 0), ({"c": "present"}, 1), ({"a": "absent"}, 2)):
        for number in range(5):
            certificate = holds("x()", "X", [step("x()", "T", "X", {}, [[[number, None]]])])
            problem = problem_of(record(findings=findings), certificate, files=files)
            assert (problem is None) == (number == place), (findings, number, problem)


@pytest.mark.parametrize(
    ("condition", "order"),
    [
        ("sized(N, _)", [1, 10, 9]),  # {"N": 1, "_1": "c"} < {"N": 10, "_1": "a"} < {"N": 9, "_1": "b"}
        ("number(N)", [10, 1, 9]),  # {"N": 10} < {"N": 1} < {"N": 9}
    ],
)
def test_substitutions_are_sorted_as_text(condition: str, order: list[int]) -> None:
    files = {
        "m.dl": f"""{INPUTS}
.decl sized(N: number, F: finding)
sized(9, b). sized(10, a). sized(1, c). number(9). number(10). number(1).
.concept size(P: patient, N: number)
#[id = "S"] size(P, N) :- finding(P, F), sized(N, F).
#[id = "X"] x(P) :- atleast 1 {{ size(P, N) : {condition} }}."""
    }
    for name, size in (("a", 10), ("b", 9), ("c", 1)):
        first = step(f"size({size})", "T", "S", {"F": name, "N": size}, [None, None])
        for number in range(4):
            certificate = holds("x()", "X", [first, step("x()", "T", "X", {}, [[[number, 0]]])])
            problem = problem_of(record(findings={name: "present"}), certificate, files=files)
            assert (problem is None) == (order[number : number + 1] == [size]), (name, number, problem)


# ---------------------------------------------------------------- blocks, loops and references

LOOPS = {
    "m.dl": f"""{INPUTS}
.concept y(P: patient)
.concept z(P: patient)
.concept even(P: patient)
.concept odd(P: patient)
.decl edge(X: symbol, Y: symbol)
.decl path(X: symbol, Y: symbol)
#[id = "XY"] x(P) :- y(P).
#[id = "YX"] y(P) :- x(P).
#[id = "YA"] y(P) :- finding(P, a).
#[id = "ZX"] z(P) :- !x(P), patient(P).
#[id = "EO"] even(P) :- !odd(P), patient(P).
#[id = "OE"] odd(P) :- !even(P), patient(P).
edge(p, q). edge(q, p). edge(q, "r s").
path(p, p).
#[id = "P1"] path(X, Y) :- edge(X, Y).
#[id = "P2"] path(X, Z) :- path(X, Y), edge(Y, Z).
"""
}
NO_A, YES_A, NO_IDEA = (record(findings={"a": state}) for state in ("absent", "present", "unknown"))
X_F = step("x()", "F", fails=[["XY", {}, 0]])
Y_F = step("y()", "F", fails=[["YX", {}, 0], ["YA", {}, 0]])
Z_T = step("z()", "T", "ZX", {}, [0, None])


def test_a_closed_set_that_supports_only_itself_is_false() -> None:
    assert accepted(NO_A, holds("z()", "ZX", [X_F, Y_F], [Z_T]), files=LOOPS)
    assert accepted(NO_A, holds("z()", "ZX", [Y_F, X_F], [Z_T | {"from": [1, None]}]), files=LOOPS)
    refused("is not in an earlier block", NO_A, holds("z()", "ZX", [X_F], [Y_F], [Z_T]), files=LOOPS)
    refused("is not in an earlier block", NO_A, holds("z()", "ZX", [X_F, Y_F, Z_T]), files=LOOPS)
    refused("", NO_A, holds("z()", "ZX", [X_F], [Z_T]), files=LOOPS)
    refused("other instances", NO_A, holds("z()", "ZX", [X_F, Y_F | {"fails": [["YX", {}, 0]]}], [Z_T]), files=LOOPS)
    for patient in (YES_A, NO_IDEA):
        refused("does not|is not shown", patient, holds("z()", "ZX", [X_F, Y_F], [Z_T]), files=LOOPS)


def test_a_loop_never_proves_itself() -> None:
    looped = [step("x()", "T", "XY", {}, [1]), step("y()", "T", "YX", {}, [0])]
    for patient in (NO_A, YES_A, NO_IDEA):
        refused("does not|is not shown", patient, holds("x()", "XY", looped), files=LOOPS)
        refused("does not|is not shown", patient, holds("x()", "XY", looped[:1], looped[1:]), files=LOOPS)
        refused("", patient, holds("x()", "XY", [step("x()", "T", "XY", {}, [0])]), files=LOOPS)
    possible = [
        step("x()", "U", "XY", {}, [1], [["XY", {}, 0]]),
        step("y()", "U", "YX", {}, [0], [["YX", {}, 0], ["YA", {}, 0]]),
    ]
    for patient in (NO_A, NO_IDEA):
        refused("does not|is not shown", patient, holds("z()", "ZX", possible, [Z_T]), files=LOOPS)
    grounded = [step("y()", "T", "YA", {}, [None]), step("x()", "T", "XY", {}, [0])]
    assert accepted(YES_A, holds("x()", "XY", grounded), files=LOOPS)
    refused("does not|is not shown", YES_A, holds("x()", "XY", grounded[::-1]), files=LOOPS)


def test_unknown_in_a_loop_needs_support_from_outside() -> None:
    files = {"m.dl": LOOPS["m.dl"] + '#[id = "GO"] advise(P, go, avoid) :- x(P).'}
    y_u = step("y()", "U", "YA", {}, [None], [["YX", {}, 0], ["YA", {}, 0]])
    x_u = step("x()", "U", "XY", {}, [1], [["XY", {}, 0]])
    go_u = step("advise(go,avoid)", "U", "GO", {}, [2], [["GO", {}, 0]])
    assert accepted(
        NO_IDEA, answers("go", "undetermined", "missing_data", high=[[IN_SCOPE, y_u, x_u], [go_u]]), files=files
    )
    assert accepted(
        NO_IDEA, answers("go", "undetermined", "missing_data", low=[[IN_SCOPE, y_u, x_u, go_u]]), files=files
    )
    refused("", YES_A, answers("go", "undetermined", "missing_data", low=[[IN_SCOPE, y_u, x_u, go_u]]), files=files)
    refused("", NO_A, answers("go", "undetermined", "missing_data", low=[[IN_SCOPE, y_u, x_u, go_u]]), files=files)


def test_two_atoms_that_deny_each_other_have_no_proof() -> None:
    for even in (step("even()", "T", "EO", {}, [1, None]), step("even()", "F", fails=[["EO", {}, 0]])):
        for odd in (step("odd()", "F", fails=[["OE", {}, 0]]), step("odd()", "T", "OE", {}, [0, None])):
            for blocks in ([[even, odd]], [[even], [odd]], [[odd], [even]]):
                refused("", NO_A, holds("even()", "EO", *blocks), files=LOOPS)
                refused("", NO_A, holds("odd()", "OE", *blocks), files=LOOPS)


def test_facts_of_a_relation_with_rules_have_steps() -> None:
    fact = step("path(p,p)", "T", "fact")
    fact |= {"subst": {}, "from": []}
    assert accepted(NO_A, holds("path(p,p)", "fact", [fact]), files=LOOPS)
    on = step("path(p,q)", "T", "P2", {"X": "p", "Y": "p", "Z": "q"}, [0, None])
    far = step('path(p,"r s")', "T", "P2", {"X": "p", "Y": "q", "Z": '"r s"'}, [1, None])
    assert accepted(NO_A, holds('path(p,"r s")', "P2", [fact, on, far]), files=LOOPS)
    other = step("path(p,p)", "F", fails=[["P2", {"X": "p", "Y": "q", "Z": "p"}, 0]])
    refused(
        "",
        NO_A,
        holds("path(p,q)", "P1", [other, step("path(p,q)", "T", "P1", {"X": "p", "Y": "q"}, [None])]),
        files=LOOPS,
    )
    for spoiled in (
        {"subst": {"X": "p"}},
        {"from": [None]},
        {"rule": "P1"},
        {"atom": "path(p,q)"},
        {"atom": "edge(p,q)"},
    ):
        refused("", NO_A, holds("path(p,p)", "fact", [fact | spoiled]), files=LOOPS)
    refused(
        "",
        NO_A,
        holds("path(q,q)", "P2", [step("path(q,q)", "T", "P2", {"X": "q", "Y": "r s", "Z": "q"}, [0, None])]),
        files=LOOPS,
    )


def test_underscores_are_numbered_and_numbers_are_numbers() -> None:
    files = {
        "m.dl": f"""{INPUTS}
.decl pair(N: number, T: symbol)
pair(-3, u). pair(4, "v").
#[id = "X"] x(P) :- pair(_, _), pair(N, _), N > 0."""
    }
    for subst, there in (
        ({"_1": -3, "_2": "u", "_3": '"v"', "N": 4}, True),
        ({"_1": 4, "_2": '"v"', "_3": '"v"', "N": 4}, True),
        ({"_1": -3, "_2": "u", "_3": "v", "N": 4}, False),
        ({"_1": "-3", "_2": "u", "_3": '"v"', "N": 4}, False),
        ({"_1": -3.0, "_2": "u", "_3": '"v"', "N": 4}, False),
        ({"_1": -3, "_2": '"v"', "_3": '"v"', "N": 4}, False),
        ({"_1": -3, "_2": "u", "_3": "u", "N": -3}, False),
        ({"N": 4}, False),
    ):
        certificate = holds("x()", "X", [step("x()", "T", "X", subst, [None, None, None])])
        assert (problem_of(NO_A, certificate, files=files) is None) == there, subst


def test_one_is_not_true() -> None:
    files = {"m.dl": f'{INPUTS}\nnumber(1). number(0).\n#[id = "X"] x(P) :- patient(P), number(N), N > 0.'}
    for one, there in ((1, True), (True, False), (1.0, False), ("1", False)):
        certificate = holds("x()", "X", [step("x()", "T", "X", {"N": one}, [None, None, None])])
        assert (problem_of(NO_A, certificate, files=files) is None) == there


def test_new_numbers_may_be_made_outside_of_loops() -> None:
    files = {"m.dl": f'{INPUTS}\n.decl more(N: number)\nnumber(7).\n#[id = "X"] more(M) :- number(N), M = N * 2 + 1.'}
    assert accepted(
        NO_A, holds("more(15)", "X", [step("more(15)", "T", "X", {"N": 7, "M": 15}, [None, None])]), files=files
    )
    refused("", NO_A, holds("more(15)", "X", [step("more(15)", "T", "X", {"N": 7}, [None, None])]), files=files)
    with pytest.raises(ValueError, match="without end"):
        read_rules({"m.dl": files["m.dl"] + '\n#[id = "Y"] more(M) :- more(N), M = N + 1.'}, {})
    with pytest.raises(ValueError, match="too large"):
        read_rules({"m.dl": files["m.dl"] + '\n#[id = "Y"] more(M) :- more(N), M = N * N.'}, {})


# ---------------------------------------------------------------- background rules


def background(denials: str) -> dict[str, str]:
    rules = "".join(f'#[id = "B{number}"]\n:- {body}.\n' for number, body in enumerate(denials.split(" | ")))
    return {"m.dl": f"{INPUTS}\nsign(a). sign(b).\n{rules}"}


@pytest.mark.parametrize(
    ("denials", "said", "propagated"),
    [
        ("finding(P, a), finding(P, b)", {"a": "present"}, [["b", "F", "B0"]]),
        ("finding(P, a), finding(P, b)", {"a": "unknown"}, []),
        ("finding(P, a), finding(P, b)", {"a": "absent"}, []),
        ("finding(P, a), !finding(P, b)", {"a": "present"}, [["b", "T", "B0"]]),
        ("finding(P, F), sign(F), !finding(P, c)", {"b": "present"}, [["c", "T", "B0"]]),
        ("finding(P, F), sign(F), !finding(P, c)", {"c": "absent"}, [["a", "F", "B0"], ["b", "F", "B0"]]),
        ("finding(P, F), sign(F), !finding(P, c)", {"c": "absent"}, [["b", "F", "B0"], ["a", "F", "B0"]]),
        (
            "finding(P, a), !finding(P, b) | finding(P, b), !finding(P, c)",
            {"a": "present"},
            [["b", "T", "B0"], ["c", "T", "B1"]],
        ),
        ("measure(P, d, D), D > 6", {}, [["d", [0, 6000], "B0"]]),
        ("measure(P, d, D), D >= 6", {}, [["d", [0, 5999], "B0"]]),
        ("measure(P, d, D), D < 6", {}, [["d", [6000, 100000], "B0"]]),
        ("measure(P, d, D), D <= 6", {}, [["d", [6001, 100000], "B0"]]),
        ("measure(P, d, D), 6 < D", {}, [["d", [0, 6000], "B0"]]),
        ("measure(P, d, D), -D > -6", {}, [["d", [6000, 100000], "B0"]]),
        ("measure(P, w, D), D + 1 > 3", {}, [["w", [0, 14000], "B0"]]),
        ("measure(P, d, D), E = D - 1, E >= 2", {}, [["d", [0, 2999], "B0"]]),
        ("measure(P, d, D), D != 6", {}, [["d", [6000, 6000], "B0"]]),
        ("measure(P, d, D), D = 6", {}, []),
        ("measure(P, d, D), D = 0", {}, []),
        ("measure(P, d, D), 2 * D > 6", {}, []),
        ("measure(P, d, D), measure(P, w, W), D > W", {}, []),
        ("finding(P, a), measure(P, d, D), D > 6", {"a": "present"}, [["d", [0, 6000], "B0"]]),
        ("finding(P, a), measure(P, d, D), D > 6", {}, []),
        ("measure(P, d, D), D > 6 | measure(P, d, D), D > 4", {}, [["d", [0, 6000], "B0"], ["d", [0, 4000], "B1"]]),
        ("measure(P, d, D), D > 6 | measure(P, d, D), D > 4", {}, [["d", [0, 4000], "B1"]]),
        (
            "measure(P, d, D), D > 6 | measure(P, d, D), D <= 6, finding(P, a)",
            {},
            [["d", [0, 6000], "B0"], ["a", "F", "B1"]],
        ),
        ("atleast 2 { finding(P, F) : sign(F) }, finding(P, c)", {"a": "present", "b": "present"}, [["c", "F", "B0"]]),
        ("atleast 1 { finding(P, a) }, finding(P, c)", {"c": "present"}, []),
        ("finding(P, a), named(x)", {"a": "present"}, []),
        ("finding(P, a), !named(x)", {}, [["a", "F", "B0"]]),
    ],
)
def test_background_rules_add_what_follows(denials: str, said: Json, propagated: Json) -> None:
    files, patient = background(denials), record(findings=said)
    assert accepted(patient, files=files, propagated=propagated)
    for number, (name, value, denial) in enumerate(propagated):
        rest = [*propagated[:number], *propagated[number + 1 :]]
        other = {"T": "F", "F": "T"}[value] if isinstance(value, str) else [value[0], value[1] + 1]
        for wrong in (
            [name, other, denial],
            [name, value, "B9"],
            ["c" if name != "c" else "b", value, denial],
            [name, None, denial],
            ["y", value, denial],
            [name, value],
            [name, value, denial, None],
            [name, [value], denial],
            [name, True, denial],
            [
                name,
                {"T": True, "F": False}.get(str(value), [0.0 + value[0], value[1]] if isinstance(value, list) else 0),
                denial,
            ],
        ):
            refused("", patient, files=files, propagated=[*propagated[:number], wrong, *propagated[number + 1 :]])
        refused("", patient, files=files, propagated=[*propagated[: number + 1], *propagated[number:]])
        if rest != [["d", [0, 4000], "B1"]]:
            refused("", patient, files=files, propagated=rest)
    if len(propagated) == 2 and propagated[0][0] != propagated[1][0] and "sign" not in denials:
        refused("", patient, files=files, propagated=propagated[::-1])


def test_a_record_that_no_patient_can_have_is_rejected() -> None:
    files = background("finding(P, a), finding(P, b)")
    refused("contradicts", record(findings={"a": "present", "b": "present"}), files=files)
    refused("contradicts", record(measures={"d": 7}), files=background("measure(P, d, D), D > 6"))
    assert accepted(record(measures={"d": 6}), files=background("measure(P, d, D), D > 6"))
    refused(
        "contradicts", record(measures={"d": 8, "w": 1}), files=background("measure(P, d, D), measure(P, w, W), D > W")
    )
    chain = background("finding(P, a), finding(P, b) | finding(P, a), !finding(P, b)")
    refused("contradicts", record(findings={"a": "present"}), files=chain, propagated=[["b", "F", "B0"]])


def test_propagated_values_count_in_proofs() -> None:
    files = {
        "m.dl": background("finding(P, a), finding(P, b)")["m.dl"] + '#[id = "X"] x(P) :- !finding(P, b), patient(P).'
    }
    patient = record(findings={"a": "present"})
    certificate = holds("x()", "X", [step("x()", "T", "X", {}, [None, None])])
    assert accepted(patient, certificate, files=files, propagated=[["b", "F", "B0"]])
    refused("more to add", patient, certificate, files=files)


def test_denials_may_use_relations_that_have_rules_without_negation() -> None:
    rules = '.decl kind(F: finding)\nkind(c).\n#[id = "K"] kind(F) :- sign(F), BODY.\n'
    denial = '#[id = "B"] :- finding(P, F), kind(F).\n'
    text = INPUTS + "sign(a).\nnamed(u). number(3).\n" + rules + denial
    assert accepted(
        record(), files={"m.dl": text.replace("BODY", "named(u)")}, propagated=[["c", "F", "B"], ["a", "F", "B"]]
    )
    for unsure in ("!named(v)", "number(N), N > 1..5", "atleast 1 { named(u) }"):
        files = {"m.dl": text.replace("BODY", unsure)}
        refused("", record(), files=files, propagated=[["c", "F", "B"], ["a", "F", "B"]])


# ---------------------------------------------------------------- statuses


@pytest.mark.parametrize(
    ("scope", "stances", "status"),
    [
        ("T", {}, "not_now"),
        ("F", {}, "outside_guideline"),
        ("U", {}, "undetermined"),
        ("T", {"do": "T"}, "recommended"),
        ("F", {"do": "T"}, "recommended"),
        ("U", {"do": "T"}, "recommended"),
        ("T", {"do": "U"}, "undetermined"),
        ("T", {"urgent": "T", "do": "U", "consider": "U"}, "urgent"),
        ("T", {"consider": "T", "do": "U"}, "undetermined"),
        ("T", {"consider": "T"}, "consider"),
        ("T", {"avoid": "T", "defer": "U"}, "avoid"),
        ("T", {"defer": "T"}, "not_now"),
        ("T", {"defer": "U"}, "not_now"),
        ("F", {"defer": "T"}, "not_now"),
        ("F", {"defer": "U"}, "undetermined"),
        ("T", {"do": "T", "defer": "T"}, "conflict"),
        ("T", {"urgent": "T", "avoid": "T"}, "conflict"),
        ("T", {"do": "T", "avoid": "U"}, "undetermined"),
        ("T", {"emergency": "T", "do": "T", "avoid": "U"}, "emergency_pathway"),
        ("T", {"emergency": "U"}, "undetermined"),
        ("F", {"emergency": "T"}, "emergency_pathway"),
        ("T", {"do": "T", "consider": "T", "defer": "F", "avoid": "F"}, "recommended"),
        ("U", {"avoid": "T", "defer": "T"}, "avoid"),
        ("T", {"defer": "T", "avoid": "U"}, "undetermined"),
        ("T", {"hold": "T", "do": "T"}, "not_now"),
        ("F", {"hold": "T"}, "not_now"),
        ("T", {"hold": "T", "do": "T", "avoid": "T"}, "not_now"),
        ("T", {"hold": "T", "avoid": "T"}, "not_now"),
        ("T", {"hold": "U", "do": "T"}, "undetermined"),
        ("T", {"hold": "U", "defer": "T"}, "not_now"),
        ("T", {"hold": "T", "urgent": "T"}, "urgent"),
        ("T", {"hold": "T", "urgent": "U", "do": "T"}, "undetermined"),
        ("T", {"hold": "T", "urgent": "T", "avoid": "T"}, "conflict"),
        ("T", {"hold": "T", "emergency": "T"}, "emergency_pathway"),
    ],
)
def test_the_status_follows_from_scope_and_stances(scope: str, stances: Json, status: str) -> None:
    names = ["scope", "urgent", "hold", "do", "consider", "defer", "avoid", "emergency"]
    text = "".join(f'.finding {name} "f"\n' for name in names)
    text += '.intervention go "go"\n.concept in_scope(P: patient)\n#[id = "scope"] in_scope(P) :- finding(P, scope).\n'
    text += "".join(f'#[id = "{name}"] advise(P, go, {name}) :- finding(P, {name}).\n' for name in stances)
    given = {"scope": scope, **stances}
    patient = record(
        findings={name: {"T": "present", "F": "absent", "U": "unknown"}[value] for name, value in given.items()}
    )
    steps = []
    for name, value in given.items():
        atom = "in_scope()" if name == "scope" else f"advise(go,{name})"
        steps.append(
            {
                "T": step(atom, "T", name, {}, [None]),
                "F": step(atom, "F", fails=[[name, {}, 0]]),
                "U": step(atom, "U", name, {}, [None], [[name, {}, 0]]),
            }[value]
        )
    for claimed in (
        "urgent",
        "recommended",
        "consider",
        "not_now",
        "avoid",
        "undetermined",
        "conflict",
        "outside_guideline",
        "emergency_pathway",
    ):
        undetermined = claimed == "undetermined"
        certificate = answers(
            "go", claimed, "missing_data" if undetermined else None, **{"low" if undetermined else "kept": [steps]}
        )
        assert (problem_of(patient, certificate, files={"m.dl": text}) is None) == (claimed == status)
    for number in range(len(steps)):
        part = [*steps[:number], *steps[number + 1 :]]
        refused("", patient, answers("go", status, None, kept=[part]), files={"m.dl": text})


# ---------------------------------------------------------------- texts


@pytest.mark.parametrize(
    "text",
    [
        "foo(a)",
        "foo(a) :- bar(a)",
        "@",
        '.finding a "a',
        "#[id = 1 x(P).",
        "p(a.",
        "p((a)).",
        ":- .",
        '#[id = "A"] x(P) :- patient(P), y(Q).',
        "x(P).",
        '#[id = "A"] x(P) :- patient(P), N > 3.',
        "x(P) :- patient(P).",
        '#[id = "A"] x(P) :- patient(P).\n#[id = "A"] x(P) :- finding(P, a).',
        '#[id = "A"] x(P) :- patient(P).\n#[id = "A"] :- finding(P, a).',
        '#[id = "fact"] x(P) :- patient(P).',
        '#[id = "A"] x(P) :- measure(P, d, D), measure(P, w, W), D * W > 3.',
        '#[id = "A"] x(P) :- measure(P, d, D), D * D > 3.',
        '#[id = "A"] x(P) :- measure(P, d, D), measure(P, w, W), D + W > 3.',
        '#[id = "A"] x(P) :- measure(P, d, D), D > 3 > 2.',
        '#[id = "A"] x(P) :- measure(P, d, D), number(D).',
        '#[id = "A"] x(P) :- measure(P, d, D), D > 3 4.',
        '#[id = "A"] x(P) :- number(N), z > N.',
        '#[id = "A"] x(P) :- measure(P, d, D), D > .',
        '#[id = "A"] x(P) :- measure(P, d, D), D > a.',
        '#[id = "A", reading = r, option = o] x(P) :- patient(P).',
        '#[id = "A"] x(P) :- atleast 1 { finding(P, F) : finding(P, F) }.',
        '#[id = "A"] x(P) :- atleast 1 { finding(P, F) }.',
        '#[id = "A"] x(P) :- atleast 1 { finding(P, F) : x(P), sign(F) }.',
        "p(_1).",
        '#[id = "A"] x(P) :- measure(P, d, D), D > ' + "(" * 5000 + "1" + ")" * 5000 + ".",
        "p" + "(" * 100000,
        '#[id = "A"] x(P) :- measure(P, d, D), D > ' + "-" * 5000 + "1.",
        '.reading r "r" option(a, "a")',
        '.reading r "r" option(a, "a") chosen(b)',
        '#[id = "A"] x(P) :- !sign(X), patient(P).',
        "sign(X).",
    ],
)
def test_a_text_without_a_meaning_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="cannot be read"):
        read_rules({"m.dl": INPUTS + "number(3). sign(a).\n" + text}, {})


def test_readings_must_be_declared() -> None:
    assert BOOK.readings == {"strictness": "kept"}
    assert read_rules(FILES, {"strictness": "strict"}).readings == {"strictness": "strict"}
    for readings in each({"strictness": "lax"}, {"other": "kept"}, {"strictness": None}, {"strictness": ["kept"]}):
        with pytest.raises(ValueError, match="cannot be read"):
            read_rules(FILES, readings)


def test_the_hash_covers_names_and_contents_of_rule_files_only() -> None:
    assert BOOK.sha256 == with_hash(FILES)
    assert read_rules(FILES | {"properties.dl": "anything at all ("}, {}).sha256 == BOOK.sha256
    assert read_rules({**FILES, "empty.dl": ""}, {}).sha256 != BOOK.sha256
    assert read_rules({**FILES, "rules.dl": RULES + " "}, {}).sha256 != BOOK.sha256
    assert read_rules({**FILES, "rules.dl": RULES + "% é"}, {}).sha256 == with_hash(
        {**FILES, "rules.dl": RULES + "% é"}
    )


def test_a_long_text_is_read() -> None:
    many = "".join(
        f'.concept c{n}(P: patient)\n#[id = "C{n}"] c{n}(P) :- c{n - 1}(P), finding(P, a), !x(P).\n'
        for n in range(1, 200)
    )
    book = read_rules({"m.dl": f'{INPUTS}.concept c0(P: patient)\n#[id = "C0"] c0(P) :- finding(P, a).\n' + many}, {})
    assert len(book.instances) == 201
    total = " + ".join(["D"] * 300)
    sums = {"m.dl": f'{INPUTS}#[id = "X"] x(P) :- measure(P, d, D), {total} >= 300.'}
    assert accepted(record(measures={"d": 1}), holds("x()", "X", [step("x()", "T", "X", {}, [None, None])]), files=sums)


def test_nesting_and_size_of_a_certificate_do_no_harm() -> None:
    deep: Json = []
    for _ in range(100_000):
        deep = [deep]
    for spoil in (
        at("certificates", to=deep),
        at("propagated", to=deep),
        at("closed", to=deep),
        at(*KEPT, "blocks", to=deep),
        at(*FIRST, 1, "subst", to={"F": deep}),
        at(*FIRST, 1, "from", to=deep),
        at(*FIRST, 2, "fails", to=deep),
        at("certificates", 0, "claim", to=deep),
        at("guideline", to=deep),
        at(*FIRST, 1, "atom", to=deep),
    ):
        made = document(CLEAR, copy.deepcopy(REST))
        spoil(made)
        with pytest.raises(Rejected):
            check(made, BOOK, CLEAR)
    with pytest.raises(Rejected):
        check(document(CLEAR, REST), BOOK, CLEAR | {"sources": deep})
    start = time.perf_counter()
    refused("no step, or two", CLEAR, holds("sick()", "SICK", [SICK_T] * 200_000))
    refused("", CLEAR, holds("sick()", "SICK", [SICK_T | {"from": [None] * 200_000}]))
    refused("", CLEAR, holds("ill()", "ILL", [ILL_F | {"fails": [["ILL", {}, 0]] * 200_000}]))
    assert time.perf_counter() - start < 10


# ---------------------------------------------------------------- the command


def on_disk(place: Path, made: Json, patient: Json = CLEAR) -> list[str]:
    folder = place / "guide"
    folder.mkdir()
    for name, text in FILES.items():
        (folder / name).write_bytes(text.encode())
    (folder / "properties.dl").write_text("not for the checker (", encoding="utf-8")
    (folder / "guideline.toml").write_text('id = "small"\nversion = "1.0.0"\n', encoding="utf-8")
    for name, content in (("cert.json", made), ("patient.json", patient)):
        (place / name).write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return [str(place / "cert.json"), str(folder), str(place / "patient.json")]


def test_the_command_accepts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(on_disk(tmp_path, document(CLEAR, REST))) == 0
    assert "recommended" in capsys.readouterr().out


def test_the_command_rejects(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = document(CLEAR, REST)
    made["guideline"]["version"] = "2.0.0"
    assert main(on_disk(tmp_path, made)) == 1
    assert "rejected: `guideline`" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000, '{"guideline": 1}', "1" * 10_000])
def test_the_command_survives_what_is_no_certificate(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(on_disk(tmp_path, text)) in (1, 2)
    shown = capsys.readouterr()
    assert shown.out + shown.err


def test_the_command_says_when_it_cannot_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = on_disk(tmp_path, document(CLEAR, REST), "{")
    assert main(arguments) == 2
    assert main(arguments[:2]) == 2
    assert main([arguments[0], str(tmp_path / "nowhere"), arguments[2]]) == 2
    assert capsys.readouterr().err


# ---------------------------------------------------------------- what makes it worth trusting


def test_the_checker_is_short() -> None:
    """Counted in statements, without docstrings and fields: lines can be made few by making them long."""
    assert SOURCES.keys() == {"__init__", "__main__", "syntax", "grounding", "record", "cases", "steps"}
    trees = [ast.parse(source) for source in SOURCES.values()]
    counted = [n for tree in trees for n in ast.walk(tree) if isinstance(n, ast.stmt) and not _says_only(n)]
    assert len(counted) <= 780
    assert sum(len(source.splitlines()) for source in SOURCES.values()) <= 1400
    functions = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    assert {f.name for f in functions if f.end_lineno - f.lineno >= 30} == set()


def _says_only(node: ast.stmt) -> bool:
    if isinstance(node, ast.AnnAssign):
        return node.value is None
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def test_what_the_checker_quotes_stands_in_its_specification() -> None:
    docs = Path(__file__).parents[2] / "docs"
    pages = " ".join(
        " ".join((docs / f"{page}.md").read_text(encoding="utf-8") for page in ("language", "certificates")).split()
    )
    quotes = [
        " ".join(line.strip().removeprefix("# > ") for line in found.splitlines())
        for source in SOURCES.values()
        for found in re.findall(r"(?:^ *# > .*\n)+", source, re.MULTILINE)
    ]
    assert len(quotes) > 15
    assert [quote for quote in quotes if quote not in pages] == []


def test_the_checker_uses_the_standard_library_only() -> None:
    names = set()
    for node in (node for source in SOURCES.values() for node in ast.walk(ast.parse(source))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        if isinstance(node, ast.ImportFrom) and node.level:
            assert node.level == 1
            assert node.module is None or node.module in SOURCES
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in ("eval", "exec", "compile", "__import__")
    assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names


def test_checking_is_fast() -> None:
    made = document(CLEAR, *[REST] * 20)
    check(made, BOOK, CLEAR)
    start = time.perf_counter()
    for _ in range(10):
        check(made, BOOK, CLEAR)
    assert (time.perf_counter() - start) / 200 < 0.002
