"""Sign-offs: bound to what was seen, stale after an edit of it and saying which, open until answered, merged by git."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from guidelog.cli.review import review
from guidelog.diagnostics import InputError
from guidelog.language.guideline import read_guideline
from guidelog.pipeline import compile_guideline
from guidelog.signoff.entries import Entry, Verdict, add_entry, read_entries
from guidelog.signoff.source_copy import passage, passages, read_copy
from guidelog.signoff.standing import APPROVED, DRAFT, UNDER_REVIEW, Standing, diagnostics, standing
from guidelog.workbench.lints.collect import review as check
from toy_guideline import RULES, TOML


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    folder = tmp_path / "toy"
    folder.mkdir()
    (folder / "guideline.toml").write_text(TOML)
    (folder / "rules.dl").write_text(RULES)
    return folder


def look(folder: Path) -> Standing:
    return standing(compile_guideline(read_guideline(folder)))


def sign(folder: Path, verdict: str = "accept", by: str = "Ada", role: str = "clinician", comment: str = "") -> None:
    seen = look(folder).statements["S1"].seen
    add_entry(folder, Entry("2025-12-01", by, role, "S1", Verdict(verdict), comment, seen))


def edit(folder: Path, old: str, new: str) -> None:
    text = (folder / "rules.dl").read_text()
    assert old in text
    (folder / "rules.dl").write_text(text.replace(old, new))


def test_status_follows_from_the_signoffs(toy: Path) -> None:
    assert look(toy).status == DRAFT
    sign(toy, "query", comment="Why six?")
    assert look(toy).status == UNDER_REVIEW
    assert look(toy).statements["S1"].state == "queried"
    sign(toy)
    assert look(toy).status == APPROVED


@pytest.mark.parametrize(
    ("old", "new", "part"),
    [
        ("W >= 6", "W >= 7", "rule DO"),
        ("advise(P, step_a, do) :- in_scope(P)", "advise(P, step_a, consider) :- in_scope(P)", "rule DO"),
        ("alarm(P) :- finding(P, sign_b).", "alarm(P) :- finding(P, sign_c).", "rule ALARM-B"),
        ('.finding sign_b "sign B"', '.finding sign_b "sign of B"', "sign of B"),
        ('.statement S1 "do step A"', '.statement S1 "do step A at once"', "the statement"),
        ("kind(do) cites()", 'kind(do) cites() locator("Care > item 2")', "its place in the source"),
    ],
)
def test_an_edit_of_what_was_seen_makes_it_stale_and_is_named(toy: Path, old: str, new: str, part: str) -> None:
    sign(toy)
    edit(toy, old, new)
    found = look(toy)
    assert found.status == UNDER_REVIEW
    (signoff,) = found.statements["S1"].signoffs
    assert any(part in label for label in signoff.stale), signoff.stale
    assert found.statements["S1"].state == "stale"
    edit(toy, new, old)
    assert look(toy).status == APPROVED


def test_layout_and_comments_are_no_edit(toy: Path) -> None:
    sign(toy)
    edit(toy, "advise(P, step_a, do) :- in_scope(P), !alarm(P)", "advise(P,step_a,do)  :-\n   in_scope(P), !alarm(P)")
    edit(toy, '#[id = "DO"', '% why\n#[id = "DO"')
    assert look(toy).status == APPROVED


def test_what_a_definition_below_a_rule_means_is_part_of_what_was_seen(tmp_path: Path) -> None:
    """A definition with a statement of its own still belongs to every statement whose rules rest on it."""
    folder = tmp_path / "two"
    folder.mkdir()
    (folder / "guideline.toml").write_text(TOML)
    second = RULES.replace(
        '#[id = "ALARM-B", statements = ["S1"]]',
        '.statement S2 "B alarms" kind(note) cites()\n\n#[id = "ALARM-B", statements = ["S2"]]',
    )
    (folder / "rules.dl").write_text(second)
    sign(folder)
    edit(folder, "alarm(P) :- finding(P, sign_b).", "alarm(P) :- finding(P, sign_c).")
    assert look(folder).statements["S1"].signoffs[0].stale == (
        "what alarm means",
        "the words of “sign B” (gone)",
    ) or any("alarm" in s for s in look(folder).statements["S1"].signoffs[0].stale)


def test_a_query_stays_open_over_edits_until_its_reviewer_answers(toy: Path) -> None:
    sign(toy, "query", comment="Six weeks from when?")
    edit(toy, "W >= 6", "W >= 7")
    sign(toy, by="Ben")
    assert look(toy).statements["S1"].state == "queried"
    sign(toy)
    assert look(toy).status == APPROVED


def test_every_required_role_must_accept(toy: Path) -> None:
    (toy / "reviews").mkdir()
    (toy / "reviews" / "required.toml").write_text('roles = ["clinician", "methodologist"]\n')
    sign(toy)
    assert look(toy).statements["S1"].missing == ("methodologist",)
    sign(toy, by="Cy", role="Methodologist")
    assert look(toy).status == APPROVED


def test_reviewers_have_files_of_their_own_and_lines_are_only_added(toy: Path) -> None:
    sign(toy)
    first = (toy / "reviews" / "ada.jsonl").read_text()
    sign(toy, by="Ben Q.")
    sign(toy, "reject", comment="No.")
    assert sorted(p.name for p in (toy / "reviews").glob("*.jsonl")) == ["ada.jsonl", "ben-q.jsonl"]
    assert (toy / "reviews" / "ada.jsonl").read_text().startswith(first)
    assert look(toy).statements["S1"].state == "rejected"


@pytest.mark.parametrize(
    "line",
    ["{", "[]", '{"by": "x"}', json.dumps({**json.loads(Entry("2025-12-01", "A", "b", "S1", Verdict.ACCEPT, "", {}).line()), "on": "soon"}),
     json.dumps({**json.loads(Entry("2025-12-01", "A", "b", "S1", Verdict.ACCEPT, "", {}).line()), "seen": {"statement": "zz"}}),
     json.dumps({**json.loads(Entry("2025-12-01", "A", "b", "S1", Verdict.ACCEPT, "", {}).line()), "verdict": "query"})],
)  # fmt: skip
def test_a_line_that_is_no_signoff_is_said_with_its_place_and_counts_for_nothing(toy: Path, line: str) -> None:
    sign(toy)
    path = toy / "reviews" / "ada.jsonl"
    path.write_text(path.read_text() + line + "\n")
    entries, wrong = read_entries(toy)
    assert len(entries) == 1
    assert wrong[0].code == "GL641"
    assert wrong[0].span is not None
    assert wrong[0].span.source.position(wrong[0].span.start)[0] == 2
    assert look(toy).status != APPROVED


def test_an_entry_that_could_not_be_read_again_is_not_written(toy: Path) -> None:
    with pytest.raises(ValueError, match="comment"):
        sign(toy, "query")
    assert not list((toy / "reviews").glob("*.jsonl")) if (toy / "reviews").exists() else True


def test_authors_see_queries_and_a_status_too_good_in_check(toy: Path) -> None:
    sign(toy, "query", comment="Six weeks from when?")
    (toy / "guideline.toml").write_text(TOML.replace('review = "draft"', 'review = "approved"'))
    found = {a.diagnostic.code: a.diagnostic for a in check(read_guideline(toy))}
    assert "Six weeks from when?" in found["GL941"].message
    assert "calls itself approved" in found["GL943"].message
    assert [d.code for d in diagnostics(compile_guideline(read_guideline(toy)))] == ["GL941", "GL943"]


def test_the_command_signs_and_shows(toy: Path) -> None:
    runner = CliRunner()
    base = ["-g", str(toy)]
    signed = runner.invoke(review, ["S1", *base, "--accept", "--by", "Ada", "--role", "clinician"])
    assert signed.exit_code == 0, signed.output
    assert "S1: accept by Ada (clinician), in reviews/ada.jsonl" in signed.output
    assert runner.invoke(review, base).exit_code == 0
    edit(toy, "W >= 6", "W >= 7")
    shown = runner.invoke(review, base)
    assert shown.exit_code == 1
    assert "stale: rule DO" in shown.output
    with pytest.raises(InputError, match="no statement"):
        runner.invoke(review, ["S9", *base, "--accept", "--by", "A", "--role", "b"], catch_exceptions=False)


COPY = """# Care of backs

Opening words, over
two lines.

## First line

- **Stay active**, says the article.
- Second item
  goes on.

### Drugs

1. A drug.
"""


@pytest.mark.parametrize(
    ("locator", "text"),
    [
        ("Care of backs > paragraph 1", "Opening words, over two lines."),
        ("First line > item 2", "Second item goes on."),
        ("Care of backs > First line > Drugs > item 1", "A drug."),
        ("First line > item 3", None),
        ("Nowhere > item 1", None),
        (None, None),
    ],
)
def test_a_locator_finds_its_passage_in_the_copy(locator: str | None, text: str | None) -> None:
    found = passage(passages(COPY), locator)
    assert (found.text if found else None) == text


def test_a_copy_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "copy.md").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="not UTF-8"):
        read_copy(tmp_path / "copy.md")
