"""Another language is one more table: with it no word of the engine's own English is left in any explanation.

The guideline here is Greek, the table says everything in a language of one letter; whatever Latin word is left was
written somewhere in the engine and not in the table.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

import guidelog
from guidelog import wording
from guidelog.cli import ask as ask_command
from guidelog.cli import interview as interview_command
from guidelog.cli import missing as missing_command
from guidelog.cli import what_if as what_if_command
from guidelog.cli import why as why_command
from guidelog.diagnostics import InputError
from guidelog.explain.changes.what_if import apply
from guidelog.wording.english import PHRASES, Language, say, speaking

HOLES = re.compile(r"(\{[^}]*\})")
# What is typed or named, not said: options, commands, rules, statements, decisions, predicates, the review status.
NOT_WORDS = {
    "depth", "full", "guidelog", "missing", "draft", "test", "someone", "advise", "ia", "ib", "do", "defer", "care", "in", "scope", "failed",
    "flag", "consider", "urgent", "SC",
}  # fmt: skip
ZH = "ж"


def in_one_letter(phrase: str) -> str:
    return "".join(part if HOLES.fullmatch(part) else re.sub(r"[A-Za-z]+", ZH, part) for part in HOLES.split(phrase))


REPLIES = {key: phrase for key, phrase in PHRASES.items() if key.startswith("reply.")}
OTHER = Language("one letter", {key: in_one_letter(phrase) for key, phrase in PHRASES.items()} | REPLIES, lowers=False)

GREEK = """
.statement S1 "ένα" kind(do) cites(1)
.decision Q1 "πόσο;" decided("όσο χρειάζεται")
.screen flags "σημεία" ask("υπάρχει κάποιο σημείο;")
.finding fa "πόνος" true("πονάει") false("δεν πονάει") ask("πονάει;")
.finding fb "πυρετός" screen(flags)
.finding fc "βήχας" screen(flags)
.finding fd "αγωγή" doable("δώστε αγωγή")
.measure ma "εβδομάδες" unit(week) range(0, 100) clock("η φροντίδα συνεχίζεται")
.intervention ia "εξέταση"
.intervention ib "θεραπεία"
.concept in_scope(P: patient) true("είναι εδώ") false("δεν είναι εδώ")
.concept flag(P: patient) true("υπάρχει σημείο") false("δεν υπάρχει σημείο")
.concept failed(P: patient) true("απέτυχε") false("δεν απέτυχε")
#[id = "SC", statements = ["S1"], cites = []]
in_scope(P) :- patient(P).
#[id = "F1", statements = ["S1"], cites = [1]]
flag(P) :- finding(P, fb).
#[id = "F2", statements = ["S1"], cites = [1]]
flag(P) :- finding(P, fc).
#[id = "C1", statements = ["S1"], cites = [1], decisions = ["Q1"]]
failed(P) :- measure(P, ma, W), W >= 6..12, atleast 1 { finding(P, fa); finding(P, fd) }.
#[id = "A1", statements = ["S1"], cites = [1], strength = strong, says = "κάντε εξέταση"]
advise(P, ia, do) :- in_scope(P), failed(P), !flag(P).
#[id = "A2", statements = ["S1"], cites = [1], strength = strong, says = "όχι ακόμη"]
advise(P, ia, defer) :- in_scope(P), !failed(P), !flag(P).
#[id = "A3", statements = ["S1"], cites = [1], strength = strong, says = "αμέσως εξέταση"]
advise(P, ia, urgent) :- flag(P).
#[id = "B1", statements = ["S1"], cites = [1], strength = strong, says = "ίσως θεραπεία"]
advise(P, ib, consider) :- in_scope(P), finding(P, fa).
"""
TOML = """id = "test"
title = "οδηγία"
version = "1"
main = ["ia", "ib"]
review = "draft"
review_note = "γη"
references_note = "γη"
unresolved = []
unresolved_note = "γη"
disclaimer = "προσοχή"
[source]
title = "πηγή"
publisher = "γη"
date = "2026-01-01"
review = "γη"
[[references]]
number = 1
title = "γη"
publisher = "γη"
year = 2026
resolved = true
"""
RECORDS = (
    "measures: {ma: 2}",
    "measures: {ma: 8}\nfindings: {fa: present}\nscreens: {flags: complete}",
    "findings: {fb: present, fa: absent}\nsources: {fb: σημείωμα}",
    "measures: {ma: {at_most: 5}}\nfindings: {fa: present, fd: absent}\nscreens: {flags: complete}",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "guideline.toml").write_text(TOML, encoding="utf-8")
    (tmp_path / "rules.dl").write_text(GREEK, encoding="utf-8")
    for number, record in enumerate(RECORDS):
        text = f"patient: someone\nas_of: 2026-01-01\n{record}\n"
        (tmp_path / f"{number}.yaml").write_text(text, encoding="utf-8")
    return tmp_path


def outputs(folder: Path) -> list[str]:
    found = []
    for number in range(len(RECORDS)):
        path = str(folder / f"{number}.yaml")
        calls = [(ask_command.ask, [])]
        calls += [
            (c, ["--depth", d]) for c in (why_command.why, why_command.why_not) for d in ("line", "summary", "full")
        ]
        calls += [(why_command.why, ["--all"]), (missing_command.missing, []), (what_if_command.when, [])]
        calls += [(what_if_command.what_if, ["--to", s]) for s in ("recommended", "not_now", "urgent")]
        calls += [(what_if_command.what_if, ["--set", "fa=absent"]), (what_if_command.what_if, ["--set", "fa=present"])]
        for command, more in calls:
            result = CliRunner().invoke(command, [path, *more, "-g", str(folder)], catch_exceptions=False)
            assert result.exit_code == 0
            found.append(result.output)
        replies = "huh\nnone\n?\nmany\n9..8\n777\nsince x\nsince 2030-01-01\n8\ny\nq\n"
        talk = CliRunner().invoke(interview_command.interview, [path, "-g", str(folder)], input=replies)
        assert talk.exit_code == 0, talk.output
        found.append(talk.stderr)
    return found


def test_no_english_is_left_with_another_table(folder: Path) -> None:
    with speaking(OTHER):
        texts = outputs(folder)
    for text in texts:
        words = set(re.findall(r"[A-Za-z]{2,}", text)) - NOT_WORDS
        words -= {"ma", "many"}  # a name and a reply, as typed
        assert not words, (words, text)
    assert all(ZH in text for text in texts)


def test_english_is_spoken_again_afterwards() -> None:
    with speaking(OTHER):
        other = wording.NOTHING_MISSING
    assert other == in_one_letter(PHRASES["nothing_missing"])
    assert say("nothing_missing") == "Nothing is missing."


def test_what_a_table_leaves_out_is_said_in_english() -> None:
    with speaking(Language("half", {"verdict": "{status} → {label}"})):
        assert say("verdict", label="a", status="b") == "b → a"
        assert say("nothing_missing") == "Nothing is missing."


def test_every_phrase_is_used_and_every_used_one_is_there() -> None:
    """A phrase that nobody says, or one that is said and is not there."""
    engine = Path(guidelog.__file__).parent
    files = [*engine.rglob("*.py"), *engine.rglob("*.html")]
    texts = {f: f.read_text(encoding="utf-8") for f in files if f.name != "words.py"}
    called = "\n".join(texts.values())
    named = {name for text in texts.values() for name in re.findall(r"\bwording\.([A-Z][A-Z_]+)\b", text)}
    for name in named:
        getattr(wording, name)
    kinds = (
        "status",
        "outcome",
        "stance",
        "because",
        "why",
        "state",
        "combines",
        "route",
        "kinds",
        "unit",
        "operator",
        "reply",
        "refused",
    )
    for key in PHRASES:
        stem, _, form = key.rpartition(".") if "." in key else (key, "", "")
        said = f'"{key}"' in called or (form and f'"{stem}"' in called) or key.partition(".")[0] in kinds
        assert said or key.upper() in named or key.startswith("settle"), key


def test_a_language_with_other_numbers() -> None:
    """Three forms, as Polish has them."""

    def polish(count: int) -> str:
        few = 2 <= count % 10 <= 4 and not 12 <= count % 100 <= 14
        return "one" if count == 1 else "few" if few else "many"

    table = {"asked.one": "{count} pytanie", "asked.few": "{count} pytania", "asked.many": "{count} pytań"}
    with speaking(Language("Polish", table, polish)):
        assert [wording.asked_count(n) for n in (1, 3, 5)] == ["1 pytanie", "3 pytania", "5 pytań"]


def test_what_cannot_be_set_is_said_in_the_other_language(folder: Path) -> None:
    compiled = guidelog.pipeline.compile_guideline(guidelog.language.guideline.load_guideline(str(folder)))
    for name, value in (("fa", "maybe"), ("ma", "many"), ("flags", "done"), ("nothing", "present")):
        with speaking(OTHER), pytest.raises(InputError) as refused:
            apply({}, {name: value}, compiled.names)
        said = refused.value.diagnostics[0]
        words = set(re.findall(r"[A-Za-z]{2,}", f"{said.message} {said.hint or ''}"))
        assert words <= {name, value}, words
