"""Two readers of rule text, the engine's and the checker's: both read what docs/language.md says, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from guidelog import checker
from guidelog.diagnostics import InputError
from guidelog.ground.digest import digest
from guidelog.ground.grounder import ground
from guidelog.language.guideline import read_guideline
from guidelog.language.names import names_of
from guidelog.pipeline import check
from programs import compiled_of, guideline_of
from reader_texts import READ, WORDS


def engine_reads(text: str) -> str | None:
    """What the engine makes of a text, or None where it refuses it."""
    program, report = check(guideline_of(text))
    if report.errors:
        return None
    names = names_of(program)
    return digest(program, ground(program, names, {name: r.chosen for name, r in names.readings.items()}))


def checker_reads(text: str, readings: Mapping[str, str] | None = None) -> str | None:
    """What the checker makes of a text, or None where it refuses it."""
    try:
        return checker.read_rules({"rules.dl": text}, readings or {}).program_sha256
    except ValueError:
        return None


ATTACKS = {
    "a blank line, then indented facts": ".decl more(F: finding)\n\n  grave(saddle).\n  grave(fever).\n",
    "a comment at the margin, then indented facts": ".decl more(F: finding)\n% note\n  grave(saddle).\n",
    "an indented comment, a blank line, indented facts": ".decl more(F: finding)\n  % note\n\n  grave(saddle).\n",
    "a line of blanks, then indented facts": ".decl more(F: finding)\n \t \n\tgrave(saddle).\n",
    "a carriage return alone": ".decl more(F: finding)\r  grave(saddle).\n",
    "lines that end with two characters": ".decl more(F: finding)\r\n\r\n  grave(saddle).\r\n",
    "facts behind a declaration": ".decl more(F: finding) grave(saddle).\n",
    "facts that continue a declaration": ".decl more(F: finding)\n  grave(saddle).\n",
    "an indented declaration": "grave(saddle).\n  .decl more(F: finding)\n",
    "a declaration behind a clause": "grave(saddle). .decl more(F: finding)\n",
    "a declaration behind a comment of a clause": "grave(saddle).\n % note\n .decl more(F: finding)\n",
    "an indented clause behind a clause": "grave(saddle).\n  grave(fever).\n",
    "an indented clause at the beginning": "  grave(saddle).\n",
    "a form feed": ".decl more(F: finding)\n\f grave(saddle).\n",
    "a space that is none": ".decl more(F: finding)\n\u00a0grave(saddle).\n",
    "a line separator": ".decl more(F: finding)\u2028  grave(saddle).\n",
    "a next line character": ".decl more(F: finding)\u0085grave(saddle).\n",
    "a vertical tab": "grave(saddle).\v grave(fever).\n",
    "a clause without a full stop": "grave(saddle)\ngrave(fever).\n",
    "a full stop without a space": "grave(saddle).grave(fever).\n",
    "a string that ends in the next line": '.decision Q9 "one\ntwo" decided("x")\n',
    "an unknown escape": '.decision Q9 "a\\q" decided("x")\n',
    "a tab in a string": '.decision Q9 "a\tb" decided("x")\n',
    "an escape at the end of a line": '.decision Q9 "a\\\n" decided("x")\n',
    "a text behind the last full stop": "grave(saddle).\ngrave(fever)",
    "a direction mark in a comment": "% \u202e note\ngrave(saddle).\n",
    "a direction mark in a wording": '.decision Q9 "a\u2066b" decided("x")\n',
    "a character without a width": "gra\u200bve(saddle).\n",
    "a soft hyphen": "gra\u00adve(saddle).\n",
    "a byte order mark inside": "\ufeffgrave(saddle).\n",
    "a number with a zero in front": '#[id = "R"]\nalarm(P) :- measure(P, weeks, W), W >= 010.\n',
    "a hexadecimal number": '#[id = "R"]\nalarm(P) :- measure(P, weeks, W), W >= 0x8.\n',
    "a number with a plus": '#[id = "R"]\nalarm(P) :- measure(P, weeks, W), W >= +8.\n',
    "thirteen digits": '#[id = "R"]\nalarm(P) :- measure(P, weeks, W), W >= 1000000000000.\n',
    "digits of another script": '#[id = "R"]\nalarm(P) :- measure(P, weeks, W), W >= \u0668.\n',
    "a letter of another script": ".decl gr\u0430ve(F: finding)\n",
    "a variable like a numbered one": '#[id = "R"]\nalarm(P) :- finding(P, _1).\n',
    "a word of the language as a constant": ".decl odd(S: symbol)\nodd(atleast).\n",
    "an unknown declaration": ".exclude saddle\n",
    "a name declared twice": '.finding saddle "other"\n',
    "a measure of the name of a finding": '.measure saddle "other" unit(day) range(0, 5)\n',
    "an attribute twice": '.measure days "days" unit(day) range(0, 5) range(0, 6)\n',
    "a key twice": '#[id = "R", id = "Q"]\nalarm(P) :- finding(P, fever).\n',
    "an id twice": '#[id = "AL"]\nalarm(P) :- finding(P, fever).\n',
    "an equal range": '#[id = "R"]\nalarm(P) :- measure(P, weeks, W), W = 5..6.\n',
    "a range of negative numbers": '#[id = "R"]\nalarm(P) :- measure(P, weeks, W), W >= -5..6.\n',
    "operators with a space": '#[id = "R"]\nalarm(P) :- measure(P, weeks, W), W > = 6.\n',
    "an arrow with a space": '#[id = "R"]\nalarm(P) : - finding(P, fever).\n',
    "an annotation with a space": '# [id = "R"]\nalarm(P) :- finding(P, fever).\n',
    "an empty body": '#[id = "R"]\nalarm(P) :- .\n',
    "a comma too many": '#[id = "R"]\nalarm(P) :- finding(P, fever),.\n',
    "two patients": '#[id = "R"]\nalarm(P) :- finding(P, fever), finding(Q, saddle).\n',
}


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
@pytest.mark.parametrize("place", ["before", "after"])
def test_both_refuse(attack: str, place: str) -> None:
    text = attack + WORDS if place == "before" else WORDS + attack
    if place == "before" and "text behind" in next(name for name, a in ATTACKS.items() if a == attack):
        text = attack + "\n" + WORDS
    assert engine_reads(text) is None
    assert checker_reads(text) is None
    with pytest.raises(InputError):
        compiled_of(text)


@pytest.mark.parametrize("more", READ.values(), ids=READ)
def test_both_read_the_same(more: str) -> None:
    made = engine_reads(WORDS + more)
    assert made is not None
    assert checker_reads(WORDS + more) == made


def test_each_part_of_what_is_read_is_in_the_digest() -> None:
    """Otherwise two readers could differ there and nobody would see it."""
    changed = [
        WORDS.replace(old, new)
        for old, new in (
            ('"numbness of the saddle"', '"numbness"'),
            ("range(0, 520)", "range(0, 519)"),
            ("unit(week)", "unit(day)"),
            ("screen(flags)\n.finding fever", "\n.finding fever"),
            ("finding(P, F), grave", "grave(F), finding(P, F), grave"),
            ("urgent", "do"),
            ('"now"', '"later"'),
            ('"AL"', '"AM"'),
            ("kind(do)", "kind(note)"),
        )
    ]
    digests = [checker_reads(text) for text in [WORDS, *changed]]
    assert None not in digests
    assert len(set(digests)) == len(digests)


@pytest.mark.parametrize("character", ["\u202e", "\\u202E", "\u200b", "\\u200b", "\u00ad", "\\u0007"])
def test_metadata_is_what_it_looks_like(character: str, tmp_path: Path) -> None:
    """As itself or as an escape: `guideline.toml`, `codes.toml` and `hooks.toml` are read by one reader."""
    (tmp_path / "rules.dl").write_text(WORDS, encoding="utf-8")
    (tmp_path / "guideline.toml").write_text(
        f'id = "x"\ntitle = "a{character}b"\nversion = "1"\nreview = "draft"\n', encoding="utf-8"
    )
    with pytest.raises(InputError, match=r"U\+"):
        read_guideline(tmp_path)
