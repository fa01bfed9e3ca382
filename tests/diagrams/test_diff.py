"""Two versions on one page, and the command line of pictures."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from drawn import KB, TOY, assert_sound, compile_folder, compiled, edited
from guidelog import pipeline
from guidelog.cli.diagram import diagram
from guidelog.diagnostics import InputError
from guidelog.diagrams.drawing.scene import BODY
from guidelog.diagrams.interchange import Picture
from guidelog.diagrams.versions.changes import word_runs
from guidelog.diagrams.versions.page import diff_picture
from guidelog.verify.diff.compare import compare


def difference(folder: Path) -> Picture:
    old, new = compiled(TOY), compile_folder(folder)
    return diff_picture(old, new, compare(old, new, pipeline.ask))


def statuses(picture: Picture) -> dict[str, str]:
    return {str(data["title"]): str(data["status"]) for _, data in picture.graph.nodes(data=True)}


def test_changed_added_removed_and_knock_on(tmp_path: Path) -> None:
    picture = difference(
        edited(
            tmp_path,
            ("atleast 3 {", "atleast 2 {"),
            ("; finding(P, no_cough) }", " }"),
            (
                "advise(P, review, do) :- in_scope(P), measure(P, days_ill, D), D >= 3.",
                "advise(P, review, do) :- in_scope(P).",
            ),
        )
    )
    found = statuses(picture)
    assert found["Three of four signs?"] == "changed"
    assert found["Follow-up"] == "changed"
    assert found["Antibiotic"] == "knock-on"
    assert found["Any alarm sign?"] == ""
    assert "There is no cough = REMOVED" in picture.outline
    assert "before: days of illness: 3 or more" in picture.outline
    assert "antibiotic: not now → recommended" in picture.outline
    assert_sound(picture)


@pytest.mark.parametrize("group", ["Imaging", "Monitoring", "Surgery", "Conservative care"])
def test_a_renamed_group_has_its_boxes_once(group: str, tmp_path: Path) -> None:
    """They were drawn under both names, and the picture broke."""
    shutil.copytree(KB, tmp_path / "new")
    for file in (tmp_path / "new").glob("*.dl"):
        text = file.read_text(encoding="utf-8").replace(f'group("{group}")', 'group("Another name")')
        file.write_text(text, encoding="utf-8")
    old, new = compiled(KB), compile_folder(tmp_path / "new")
    picture = diff_picture(old, new, compare(old, new, pipeline.ask))
    keys = [str(data["key"]) for _, data in picture.graph.nodes(data=True)]
    assert len(keys) == len(set(keys))
    assert any("Another name" in str(data["phase"]) for _, data in picture.graph.nodes(data=True))
    assert_sound(picture)


def test_what_is_gone_stays_on_the_page(tmp_path: Path) -> None:
    text = (TOY / "rules.dl").read_text(encoding="utf-8")
    start = text.index('#[id = "T-REV"')
    end = text.index("D >= 3.") + len("D >= 3.")
    picture = difference(edited(tmp_path, (text[start:end], "")))
    assert statuses(picture)["Follow-up"] == "removed"


def test_no_difference() -> None:
    picture = difference(TOY)
    assert set(statuses(picture).values()) == {""}
    assert "nothing was edited" in picture.outline


def test_word_by_word() -> None:
    runs = word_runs("weeks of care: 6 or more", "weeks of care: 4 or more", BODY)
    assert [(r.text.strip(), r.struck, r.inserted) for r in runs] == [
        ("weeks of care:", False, False),
        ("6", True, False),
        ("4", False, True),
        ("or more", False, False),
    ]


# the command line
def run(*arguments: str) -> bytes:
    result = CliRunner().invoke(diagram, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout_bytes


def test_commands_write_what_their_endings_say(tmp_path: Path) -> None:
    record = tmp_path / "p.json"
    known = {"sore_throat": "present", "adult": "present"}
    record.write_text(json.dumps({"patient": "p", "as_of": "2026-01-01", "findings": known}), encoding="utf-8")
    toy_option = ("-g", str(TOY))
    for ending, start in (
        ("svg", b"<?xml"),
        ("png", b"\x89PNG"),
        ("pdf", b"%PDF"),
        ("dot", b"digraph"),
        ("mmd", b"flowchart"),
    ):
        out = tmp_path / f"x.{ending}"
        run("pathway", *toy_option, "--out", str(out))
        assert out.read_bytes().startswith(start)
    assert run("pathway", *toy_option, "--format", "text").startswith(b"Sore throat")
    assert run("patient", str(record), *toy_option, "--format", "text").decode().count("NOT KNOWN") > 2
    assert b"svg" in run("proof", str(record), "antibiotic", *toy_option)
    assert b"svg" in run("why-not", str(record), "antibiotic", *toy_option)
    assert b"STRATUM 0" in run("rules", *toy_option, "--format", "text")
    assert b"nothing was edited" in run("diff", str(TOY), str(TOY), "--format", "text")


def test_a_mistyped_intervention_gets_the_nearest(tmp_path: Path) -> None:
    record = tmp_path / "p.json"
    record.write_text('{"patient": "p", "as_of": "2026-01-01", "findings": {}}', encoding="utf-8")
    with pytest.raises(InputError, match="no intervention `antibiotc`"):
        run("proof", str(record), "antibiotc", "-g", str(TOY))


def test_all_removes_what_is_no_longer_made(tmp_path: Path) -> None:
    (tmp_path / "gallery.toml").write_text("", encoding="utf-8")
    (tmp_path / "old-proof.svg").write_text("stale", encoding="utf-8")
    (tmp_path / "kept.md").write_text("mine", encoding="utf-8")
    run("all", "-g", str(TOY), "--out", str(tmp_path))
    assert not (tmp_path / "old-proof.svg").exists()
    assert (tmp_path / "kept.md").exists()
    assert (tmp_path / "pathway.svg").exists()
