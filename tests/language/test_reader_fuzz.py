"""Mutants of rule texts and patient files, read by both readers: they accept the same and make the same of it.

The default run is short; `GUIDELOG_MUTANTS=10000 pytest tests/language/test_reader_fuzz.py` is what a change of either
reader should stand.
"""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import pytest

from guidelog import checker
from guidelog.checker import syntax
from guidelog.cli.certify import _record
from guidelog.diagnostics import InputError
from guidelog.ground.digest import digest, statement_arrays
from guidelog.ground.grounder import ground
from guidelog.language import parse
from guidelog.language.names import names_of
from guidelog.language.vocabulary import Vocabulary
from guidelog.patients import read_patient, read_text
from guidelog.pipeline import check
from guidelog.source import Source
from programs import compiled_of, guideline_of
from reader_texts import READ, WORDS

MUTANTS = int(os.environ.get("GUIDELOG_MUTANTS", "300"))
CASES = sorted((Path(__file__).parents[1] / "semantics" / "cases").glob("*/*.dl"))
PIECES = [
    *'()[]{},.;:!=<>+-*_%"\\ \t\n\r\f\v\0',
    *(
        ":-",
        "#[",
        "..",
        "<=",
        "!=",
        "\n\n",
        "\n  ",
        "\r\n",
        ". ",
        ".\n",
        "\n.",
        "% ",
        "\\n",
        '\\"',
        "\\q",
        "\u00a0",
        "\u200b",
        "\u202e",
    ),
    *(
        "0",
        "1",
        "010",
        "1e3",
        "0x8",
        "999999999999",
        "1234567890123",
        "-",
        "- 1",
        "--1",
        "2..4",
        "-6..6",
        "1.5",
        "\u0661",
    ),
    *(
        "P",
        "X",
        "_",
        "_1",
        "__",
        "Patient",
        "a",
        "fever",
        "grave",
        "atleast",
        "atleast 1",
        "not",
        "true",
        "e\u0301",
        "é",
        "\u0430",
    ),
    *(
        '"x"',
        '"a b"',
        '"',
        '"a\tb"',
        '"\\\\"',
        "range(-6, 6)",
        "screen(flags)",
        "unit(week)",
        ".decl q(patient: symbol)",
        '.finding g "g"',
    ),
    *(
        "finding(P, fever)",
        "!finding(P, saddle)",
        "measure(P, weeks, W)",
        "W >= 6",
        "D = W - 3",
        "grave(F)",
        "patient(P)",
        "in_scope(P)",
    ),
]


def mutant(text: str, chance: random.Random) -> str:
    """The text with one to three small changes of characters, tokens or lines."""
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        place = chance.randrange(len(text) + 1)
        lines = text.split("\n")
        number = chance.randrange(len(lines))
        match chance.randrange(9):
            case 0:
                text = text[:place] + chance.choice(PIECES) + text[place:]
            case 1:
                text = text[:place] + text[place + chance.choice([1, 1, 2, 5]) :]
            case 2:
                text = text[:place] + chance.choice(PIECES) + text[place + chance.choice([1, 2, 4]) :]
            case 3:
                lines[number] = chance.choice([" ", "  ", "\t"]) + lines[number]
                text = "\n".join(lines)
            case 4:
                lines.insert(
                    number, chance.choice(["", "  ", "% note", "  % note", lines[chance.randrange(len(lines))]])
                )
                text = "\n".join(lines)
            case 5:
                lines[number : number + 2] = ["".join(lines[number : number + 2])]
                text = "\n".join(lines)
            case 6:
                lines[number] = lines[number].lstrip()
                text = "\n".join(lines)
            case 7:
                words = text.split(" ")
                one, other = chance.randrange(len(words)), chance.randrange(len(words))
                words[one], words[other] = words[other], words[one]
                text = " ".join(words)
            case _:
                text = text.replace("\n", "\r\n") if chance.random() < 0.5 else text[:place]
    return text


def disagreement(text: str) -> str | None:
    """How the two readers differ about a text, or None where they agree."""
    program, problems = parse(Source("rules.dl", text))
    try:
        read = json.loads(json.dumps(syntax.read_files({"rules.dl": text})[1]))
    except (checker.Rejected, *checker.MALFORMED):
        read = None
    if problems and read is not None:
        return f"only the engine's parser refuses it: {problems[0].code} {problems[0].message}"
    if read is not None and read != json.loads(json.dumps([statement_arrays(s) for s in program.statements])):
        return "they read other statements"
    if problems:
        return None
    program, report = check(guideline_of(text))
    errors = [d for d in report.diagnostics if d.severity.value == "error"]
    if errors and {d.code for d in errors} != {"GL007"}:
        return None
    names = names_of(program)
    made = digest(program, ground(program, names, {name: r.chosen for name, r in names.readings.items()}))
    try:
        return (
            None if checker.read_rules({"rules.dl": text}, {}).program_sha256 == made else "they ground it differently"
        )
    except ValueError as error:
        return f"only the checker refuses it: {error}"


def texts() -> list[str]:
    rules = [*(WORDS + more for more in READ.values())]
    return rules + [path.read_text(encoding="utf-8") for path in CASES if path.stat().st_size < 3000]


@pytest.mark.parametrize("part", range(10))
def test_readers_of_rules_agree(part: int) -> None:
    chance = random.Random(part)
    found, accepted = [], 0
    every = texts()
    for _ in range(MUTANTS // 10):
        text = mutant(chance.choice(every), chance)
        difference = disagreement(text)
        accepted += difference is None and not check(guideline_of(text))[1].errors if MUTANTS <= 300 else 0
        if difference is not None:
            found.append((difference, text))
    assert found == []


RECORD = """\
patient: case-1
as_of: 2025-11-13
findings: {fever: present, saddle: absent}
measures:
  weeks: 8.5
  degrees: {at_least: -3, at_most: 5}
screens: {flags: complete}
sources:
  fever: "said by the patient, 010"
not_read:
  - {source: note, reason: not understood, speaks_of: [saddle]}
"""
RECORD_PIECES = [
    *(
        " ",
        "  ",
        "\n",
        "\t",
        ":",
        ": ",
        ",",
        "{",
        "}",
        "[",
        "]",
        "-",
        "- ",
        "'",
        '"',
        "#",
        "&a",
        "*a",
        "!!int",
        "|",
        ">",
        "?",
        "~",
    ),
    *(
        "010",
        "0b1000",
        "0x8",
        "+8",
        "8",
        "8.0",
        "8.50",
        "-0",
        "1e1",
        ".5",
        "8.",
        "1_0",
        "1:30",
        "1,5",
        "8.1234",
        "null",
        "yes",
        "no",
        "true",
        "NaN",
        ".inf",
    ),
    *(
        "present",
        "absent",
        "unknown",
        "2025-11-13",
        "20251113",
        "2025-W46-4",
        "fever",
        "weeks",
        "between",
        "since",
        "at_least",
        "\u00a0",
        "\u0661",
    ),
    *(
        "{between: [1, 2]}",
        "{since: 2025-11-01}",
        "{since: {between: [2025-10-01, 2025-11-01]}}",
        "weeks: 3",
        "fever: absent",
        "expect: {}",
    ),
]


def changed(text: str, chance: random.Random) -> str:
    for _ in range(chance.choice([1, 1, 2])):
        place = chance.randrange(len(text) + 1)
        match chance.randrange(4):
            case 0:
                text = text[:place] + chance.choice(RECORD_PIECES) + text[place:]
            case 1:
                text = text[:place] + text[place + chance.choice([1, 2, 6]) :]
            case 2:
                lines = text.split("\n")
                lines.insert(chance.randrange(len(lines)), chance.choice(lines))
                text = "\n".join(lines)
            case _:
                words = text.split(" ")
                words[chance.randrange(len(words))] = chance.choice(RECORD_PIECES)
                text = " ".join(words)
    return text


def record_difference(path: Path, vocabulary: Vocabulary) -> str | None:
    """What the engine reads of a file is what is checked, or nothing."""
    try:
        engine = dict(read_patient(read_text(path), vocabulary).content)
    except InputError:
        return None
    try:
        checked = _record(str(path), None)
    except InputError as error:
        return f"only the checker's reader refuses it: {error}"
    return None if json.dumps(engine, sort_keys=True) == json.dumps(checked, sort_keys=True) else f"{engine} {checked}"


@pytest.mark.parametrize("form", ["yaml", "json"])
def test_readers_of_records_agree(form: str, tmp_path: Path) -> None:
    chance = random.Random(form)
    vocabulary = compiled_of(WORDS).names.vocabulary
    path = tmp_path / f"patient.{form}"
    path.write_text(RECORD, encoding="utf-8")
    start = RECORD if form == "yaml" else None
    if start is None:
        (tmp_path / "patient.yaml").write_text(RECORD, encoding="utf-8")
        start = json.dumps(read_patient(read_text(tmp_path / "patient.yaml"), vocabulary).content, indent=1)
    read = 0
    for _ in range(MUTANTS // 2):
        text = changed(start, chance)
        path.write_text(text, encoding="utf-8")
        assert record_difference(path, vocabulary) is None, text
        try:
            read_patient(read_text(path), vocabulary)
            read += 1
        except InputError:
            pass
    assert read > MUTANTS // 40


NUMBERS = ["010", "0b1000", "0x8", "+8", "8e0", "1_0", "1:30", ".5", "8.", "'8'", "0o10", "8.0e0"]


@pytest.mark.parametrize("number", NUMBERS)
def test_one_number_syntax(number: str, tmp_path: Path) -> None:
    """`010` is not 8: neither `ask` nor `check-certificate` takes another writing for a number."""
    path = tmp_path / "patient.yaml"
    path.write_text(f"patient: a\nmeasures: {{weeks: {number}}}\n", encoding="utf-8")
    vocabulary = compiled_of(WORDS).names.vocabulary
    with pytest.raises(InputError):
        read_patient(read_text(path), vocabulary)
    assert isinstance(_record(str(path), None)["measures"]["weeks"], str)
    book = checker.read_rules({"rules.dl": WORDS}, {})
    with pytest.raises(checker.Rejected):
        checker.check({"guideline": {}}, book, _record(str(path), None))


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("yaml", "patient: a\npatient: b\n"),
        ("yaml", "patient: a\nfindings: {fever: present, fever: absent}\n"),
        ("json", '{"patient": "a", "patient": "b"}'),
        ("json", '{"patient": "a", "findings": {"fever": "present", "fever": "absent"}}'),
        ("json", '{"patient": "a", "measures": {"weeks": NaN}}'),
        ("json", '{"patient": "a", "measures": {"weeks": 1e1}}'),
    ],
)
def test_no_key_twice_and_no_odd_number(form: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / f"patient.{form}"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError):
        read_patient(read_text(path), compiled_of(WORDS).names.vocabulary)
    with pytest.raises(InputError):
        _record(str(path), None)
