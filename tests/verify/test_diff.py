"""`guidelog diff`: every change of an answer is found with a patient, and what is called unchanged is."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from guidelog.compiled import Compiled
from guidelog.language.guideline import read_guideline
from guidelog.patients import patient_from_content, read_patient, read_text
from guidelog.pipeline import ask, compile_guideline
from guidelog.semantics.one_patient import CircuitEngine
from guidelog.semantics.status import Status
from guidelog.solver.literals import Budget
from guidelog.verify.diff import answer_changes as changing
from guidelog.verify.diff.attribution import facts_of_sketch
from guidelog.verify.diff.compare import compare
from guidelog.verify.diff.result import Difference
from guidelog.verify.search.equivalence import Original
from guidelog.verify.witness.candidate import CandidateRecord, content_of
from guidelog.verify.witness.replay import Disagreement, certified, certified_quickly
from guidelog.verify.witness.shrink import RecordBits, answered
from verify_support import advise, all_worlds, status, tiny

LUMBAR = Path(__file__).parents[1] / "guidelines" / "lumbar_1_0_0"
"""The lumbar guideline as it was in version 1.0.0: what is found here must not change with the guideline."""


def changed(folder: Path, *edits: tuple[str, str, str]) -> Compiled:
    """The lumbar guideline with replacements `(file, old, new)`."""
    shutil.copytree(LUMBAR, folder)
    for name, old, new in edits:
        text = (folder / name).read_text(encoding="utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1), encoding="utf-8")
    return compile_guideline(read_guideline(folder))


@pytest.fixture(scope="module")
def old() -> Compiled:
    return compile_guideline(read_guideline(LUMBAR))


FIVE_WEEKS = ("conservative_care.dl", "W), W >= 6,\n    adequate", "W), W >= 5,\n    adequate")


_VOCABULARY = (LUMBAR / "vocabulary.dl").read_text(encoding="utf-8")
WEEKS = _VOCABULARY[_VOCABULARY.index(".measure weeks_since_review") :].split("520")[0] + "520"


def kinds(found: Difference) -> set[tuple[str, str, str]]:
    return {(c.intervention, c.old.value, c.new.value) for c in found.changes}


def test_a_moved_threshold_changes_what_rests_on_it_and_nothing_else(old: Compiled, tmp_path: Path) -> None:
    found = compare(old, changed(tmp_path / "new", FIVE_WEEKS), ask)
    assert {c.intervention for c in found.changes} == {
        "mri_lumbar",
        "nerve_root_injection",
        "multidisciplinary_rehabilitation",
    }
    first = found.changes[0]
    assert (first.intervention, first.old, first.new) == ("mri_lumbar", Status.NOT_NOW, Status.RECOMMENDED)
    assert first.content["measures"]["conservative_care_weeks"] == 5
    assert [e.name for e in first.edits] == ["FAIL-1"]
    assert first.alone
    assert "surgical_referral" in found.same  # 12 weeks are asked for anyway: proved, not assumed
    assert "surgical_referral" not in found.shared
    assert len(found.shared) == 15
    assert not found.undecided


def test_words_and_conditions_that_change_nothing_are_proved_to_change_nothing(old: Compiled, tmp_path: Path) -> None:
    new = changed(
        tmp_path / "new",
        ("imaging.dl", 'title = "No MRI at the initial stage"', 'title = "Another title"'),
        (
            "surgery.dl",
            "mri_explains_symptoms(P) :- finding(P, mri_done), finding",
            "mri_explains_symptoms(P) :- finding",
        ),
    )
    found = compare(old, new, ask)
    assert found.changes == ()
    assert len(found.same) == 19
    assert {e.name: e.parts for e in found.edits} == {"IMG-1": ("title",), "CRIT-C": ("body",)}


def test_of_two_edits_the_responsible_one_is_named(old: Compiled, tmp_path: Path) -> None:
    new = changed(
        tmp_path / "new",
        ("imaging.dl", "!red_flag(P), finding(P, mri_done).", "finding(P, mri_done)."),
        ("monitoring.dl", "W >= 2.", "W >= 3."),
    )
    by = {(c.intervention, e.name) for c in compare(old, new, ask).changes for e in c.edits}
    assert by == {("mri_lumbar", "IMG-4"), ("reassessment", "MON-1")}


def test_a_changed_background_rule_shows_the_records_that_it_refuses(old: Compiled, tmp_path: Path) -> None:
    new = changed(
        tmp_path / "new",
        (
            "background.dl",
            ":- finding(P, home_exercise_only), finding(P, formal_physical_therapy).",
            ":- finding(P, home_exercise_only), !finding(P, formal_physical_therapy).",
        ),
    )
    found = compare(old, new, ask)
    assert [by for by, _ in found.refused] == ["new", "old"]
    assert found.refused[1][1]["findings"] == {"formal_physical_therapy": "present", "home_exercise_only": "present"}


def test_notes_and_included_items_are_compared(old: Compiled, tmp_path: Path) -> None:
    found = compare(old, changed(tmp_path / "new", ("monitoring.dl", "W > 4.", "W > 3.")), ask)
    assert found.changes == ()
    (shown,) = found.shown
    assert (shown.atom, shown.gained) == (("include", "reassessment", "overdue"), True)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("in_scope(P), measure(P, days, D), D >= 2", "in_scope(P), measure(P, days, D), D > 2"),
        ("in_scope(P), measure(P, days, D), D >= 1..3", "in_scope(P), measure(P, days, D), D >= 2"),
        ("in_scope(P), finding(P, alarm)", "in_scope(P), finding(P, alarm), !finding(P, tried)"),
        (
            "in_scope(P), measure(P, days, D), measure(P, others, E), D > E",
            "in_scope(P), measure(P, days, D), measure(P, others, E), D >= E",
        ),
    ],
)
def test_the_pairs_of_statuses_are_those_that_brute_force_finds(tmp_path: Path, before: str, after: str) -> None:
    first = tiny(tmp_path / "a", advise("A", "scan", "do", before))
    second = tiny(tmp_path / "b", advise("A", "scan", "do", after))
    pairs = {
        ("scan", status(a, "scan").value, status(b, "scan").value)
        for a, b in zip(all_worlds(first), all_worlds(second), strict=True)
    }
    assert kinds(compare(first, second, ask)) == {p for p in pairs if p[1] != p[2]}


def test_without_time_nothing_is_called_unchanged(old: Compiled, tmp_path: Path) -> None:
    found = compare(old, changed(tmp_path / "new", FIVE_WEEKS), ask, budget=Budget(0))
    assert "mri_lumbar" in {name for name, _ in found.undecided}
    assert "mri_lumbar" not in found.same


def test_a_measure_whose_unit_changed_is_not_called_unchanged(old: Compiled, tmp_path: Path) -> None:
    new = changed(tmp_path / "new", ("vocabulary.dl", WEEKS, WEEKS.replace("unit(week)", "unit(day)")))
    assert {name for name, _ in compare(old, new, ask).undecided} == {
        "reassessment",
        "include(reassessment, overdue)",
    }


def test_a_measure_whose_range_changed_shows_the_records_that_are_refused(old: Compiled, tmp_path: Path) -> None:
    new = changed(tmp_path / "new", ("vocabulary.dl", WEEKS, WEEKS.replace("520", "100")))
    found = compare(old, new, ask)
    assert not found.undecided
    assert not found.changes
    ((by, content),) = found.refused
    assert by == "new"
    assert content["measures"]["weeks_since_review"] > 100


# the command


def call(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    from guidelog.cli import main

    with pytest.raises(SystemExit) as stop:
        main(list(arguments))
    captured = capsys.readouterr()
    return int(stop.value.code or 0), captured.out, captured.err


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A git repository with the guideline, and a change of it that is not committed."""
    shutil.copytree(LUMBAR, tmp_path / "kb" / "lumbar_radiculopathy", ignore=shutil.ignore_patterns("vignettes"))
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run([*git, *command], cwd=tmp_path, check=True)
    file = tmp_path / "kb" / "lumbar_radiculopathy" / FIVE_WEEKS[0]
    file.write_text(file.read_text(encoding="utf-8").replace(*FIVE_WEEKS[1:]), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_an_unannounced_change_since_a_revision_fails_and_an_announced_one_does_not(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = call("diff", "HEAD", "kb/lumbar_radiculopathy", capsys=capsys)
    assert code == 1
    assert "mri_lumbar: not_now -> recommended" in out
    changes = repository / "kb" / "lumbar_radiculopathy" / "CHANGES.md"
    text = changes.read_text(encoding="utf-8")
    announced = "".join(
        f"- {name}: any -> any. Five weeks.\n"
        for name in ("mri_lumbar", "nerve_root_injection", "multidisciplinary_rehabilitation")
    )
    changes.write_text(text + announced, encoding="utf-8")
    code, out, _ = call(
        "diff", "HEAD:kb/lumbar_radiculopathy", "kb/lumbar_radiculopathy", "--format", "markdown", capsys=capsys
    )
    assert code == 0
    assert "All changes are announced in CHANGES.md." in out
    assert "```yaml" in out
    changes.write_text(text + "- mri_lumbr: any -> any\n", encoding="utf-8")
    code, _, err = call("diff", "HEAD", "kb/lumbar_radiculopathy", capsys=capsys)
    assert code == 2
    assert "did you mean `mri_lumbar`?" in err


def test_the_witnesses_of_a_difference_can_be_asked_about(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call(
        "diff", "HEAD", "kb/lumbar_radiculopathy", "--format", "json", "--witnesses", "w", capsys=capsys
    )
    assert code == 1
    change = json.loads(out)["changes"][0]
    file = f"w/{change['patient']['patient']}.yaml"
    code, out, _ = call(
        "ask", file, change["intervention"], "-g", "kb/lumbar_radiculopathy", "--format", "json", capsys=capsys
    )
    assert (code, json.loads(out)["answers"][0]["status"]) == (0, change["new"])


@pytest.mark.parametrize("wrong", ["HEAD~9", "--help-me", "HEAD:kb/nothing", "no/such/folder"])
def test_what_is_no_version_is_refused(repository: Path, wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = call("diff", "--", wrong, "kb/lumbar_radiculopathy", capsys=capsys)
    assert code == 2
    assert out == ""
    assert wrong.split(":", maxsplit=1)[0] in err or "git" in err


def test_the_same_version_has_no_difference(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = call("diff", str(LUMBAR), str(LUMBAR), capsys=capsys)
    assert code == 0
    assert "No answer changes for any record that both versions accept." in out


# reasons, when answers stay


TWO_WAYS = advise("A", "scan", "do", "in_scope(P), finding(P, alarm)")


@pytest.mark.parametrize(
    ("more", "lost", "gained"),
    [
        (advise("B", "scan", "do", "in_scope(P), finding(P, alarm), finding(P, tried)"), [], ["B"]),
        ("", ["A"], ["C"]),
    ],
)
def test_another_rule_behind_the_same_answer_is_shown_and_needs_no_announcement(
    tmp_path: Path, more: str, lost: list[str], gained: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A rule that only adds a reason, and a rule under another name."""
    old = tiny(tmp_path / "old", TWO_WAYS)
    new = tiny(tmp_path / "new", TWO_WAYS + more if more else TWO_WAYS.replace('"A"', '"C"'))
    found = compare(old, new)
    assert found.changes == ()
    assert found.otherwise_reasoned == ("scan",)
    assert set(found.same) == {"scan", "pills"}
    assert [r.rule for r in found.reasons if not r.gained] == lost
    assert [r.rule for r in found.reasons if r.gained] == gained
    code, out, _ = call("diff", str(tmp_path / "old"), str(tmp_path / "new"), capsys=capsys)
    assert code == 0
    assert "Reasons change, answers do not: scan." in out
    assert f"`{gained[0]}`" not in out  # no Markdown in a text
    assert f"{gained[0]} is now behind it" in out


def test_an_answer_that_waits_for_another_end_of_a_range_is_shown(tmp_path: Path) -> None:
    """1..3 or 1..2 with a second rule from 3 on: below 3 the answer is open in both, and would be something else."""
    rule = "in_scope(P), measure(P, days, D), D >= {}"
    rest = advise("B", "scan", "defer", "in_scope(P), finding(P, alarm)")
    old = tiny(tmp_path / "old", advise("A", "scan", "do", rule.format("1..3")) + rest)
    new = tiny(tmp_path / "new", advise("A", "scan", "consider", rule.format("1..3")) + rest)
    found = compare(old, new)
    assert {(c.old.value, c.new.value) for c in found.changes} == {("recommended", "consider")}
    same = tiny(tmp_path / "same", advise("A", "scan", "do", rule.format("1..3")) + rest)
    assert compare(old, same).reasons == ()
    fully_open = "in_scope(P), measure(P, days, D), D >= 0..4, D < {}"
    old = tiny(tmp_path / "c", advise("A", "scan", "do", fully_open.format("3")))
    new = tiny(tmp_path / "d", advise("A", "scan", "consider", fully_open.format("3")))
    found = compare(old, new)
    assert found.changes == ()
    assert [(r.rule, r.status) for r in found.reasons] == [(None, Status.UNDETERMINED)]


def test_words_change_no_reason_either(old: Compiled, tmp_path: Path) -> None:
    new = changed(tmp_path / "new", ("imaging.dl", 'title = "No MRI at the initial stage"', 'title = "Another title"'))
    found = compare(old, new)
    assert (found.changes, found.reasons, found.shown) == ((), (), ())
    assert not any(e.matters for e in found.edits)


def test_a_lost_reason_is_shown_by_a_determined_answer(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With nothing known the rule would be gone, too, from an open answer; that says less."""
    file = repository / "kb" / "lumbar_radiculopathy" / "imaging.dl"
    text = file.read_text(encoding="utf-8")
    start, end = text.index('#[id = "IMG-3"'), text.index('#[id = "IMG-4"')
    file.write_text(text[:start] + text[end:], encoding="utf-8")
    (repository / "kb" / "lumbar_radiculopathy" / FIVE_WEEKS[0]).write_text(
        (LUMBAR / FIVE_WEEKS[0]).read_text(encoding="utf-8"), encoding="utf-8"
    )
    code, out, _ = call("diff", "HEAD", "kb/lumbar_radiculopathy", capsys=capsys)
    assert code == 0
    assert "mri_lumbar, not now as before: IMG-3 is no longer behind it" in out
    assert "intervention_candidate: absent, red_flags: complete}" in out


def test_what_was_not_decided_is_said_once_for_each_intervention(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = call("diff", "HEAD", "kb/lumbar_radiculopathy", "--budget", "0", capsys=capsys)
    assert code == 1
    assert out.count("Not decided") == 1
    assert out.count("  mri_lumbar: it was not decided whether an answer changes") == 1
    assert out.rstrip().endswith("Not everything was decided (above).")


# many changes at once, and one after the other


def test_many_changes_share_patients_who_are_certified_all_the_same(
    old: Compiled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    new = changed(tmp_path / "new", FIVE_WEEKS)
    each = compare(old, new)
    monkeypatch.setattr(changing, "MOST_SMALLEST", 2)
    monkeypatch.setattr(changing, "MOST_ALONE", 3)
    asked: list[str] = []

    def counting(compiled: Compiled, patient: Any, interventions: Any = None) -> Any:
        answers = certified_quickly(compiled, patient, interventions)
        assert all(a.certified for a in answers.answers)
        asked.append(patient.id)
        return answers

    monkeypatch.setattr(changing, "certified_quickly", counting)
    together = compare(old, new)
    assert kinds(together) == kinds(each)
    assert together.same == each.same
    assert len(asked) < 2 * len(each.changes)
    assert not any(c.smallest for c in together.changes)
    sizes = [c.sketch.size for c in together.changes]
    assert sizes == sorted(sizes)
    alone = [c for c in together.changes if not c.spare]
    assert len(alone) >= 3
    for change in alone:  # no entry can be left out
        inputs = [*change.sketch.findings, *change.sketch.measures]
        for left_out in inputs:
            less = replace(
                change.sketch,
                findings={n: v for n, v in change.sketch.findings.items() if n != left_out},
                measures={n: v for n, v in change.sketch.measures.items() if n != left_out},
            )
            patient = patient_from_content(content_of(less, new.names.vocabulary, "less"), new.names.vocabulary)
            answers = [certified(c, patient, [change.intervention]).answers[0].status for c in (old, new)]
            assert answers != [change.old, change.new]


def test_a_patient_who_shows_several_changes_is_printed_once(
    repository: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(changing, "MOST_SMALLEST", 2)
    monkeypatch.setattr(changing, "MOST_ALONE", 2)
    code, out, _ = call("diff", "HEAD", "kb/lumbar_radiculopathy", "--witnesses", "w", capsys=capsys)
    assert code == 1
    assert out.count("Nothing can be left out; another patient may be smaller.") >= 2
    assert "Shows several changes; for one of them fewer entries may do." in out
    assert "By the patient of" in out
    assert out.count("| patient: ") == len(list((repository / "w").iterdir()))


def test_lanes_answer_as_the_circuits_of_one_patient_do(old: Compiled, tmp_path: Path) -> None:
    """Records with and without some of their entries; one guideline has background, sums and ranges."""
    mixed = tiny(
        tmp_path,
        advise("A", "scan", "do", "in_scope(P), measure(P, days, D), measure(P, others, E), D + E >= 2..3")
        + advise("B", "scan", "defer", "in_scope(P), !finding(P, alarm), measure(P, days, D), D < 2")
        + advise("C", "pills", "consider", "finding(P, tried)")
        + '#[id = "BG"]\n:- finding(P, alarm), measure(P, days, D), D < 3.\n',
    )
    chance = random.Random(3)
    for compiled in (old, mixed):
        vocabulary = compiled.names.vocabulary
        records = []
        for _ in range(40):
            findings = {n: chance.random() < 0.6 for n in vocabulary.findings if chance.random() < 0.7}
            measures = {}
            for name, m in vocabulary.measures.items():
                if chance.random() < 0.7:
                    ends = sorted(chance.randint(m.low, min(m.high, 30)) * m.ticks for _ in range(2))
                    measures[name] = (ends[0], ends[1])
            records.append(CandidateRecord(findings, measures))
        gates = {
            (name, each): answered(compiled.ground, name, each) for name in vocabulary.interventions for each in Status
        }
        lanes = RecordBits(compiled.ground, records, {gate for one in gates.values() for gate in one})
        circuits = CircuitEngine(compiled.ground)
        kept = {name: mask & chance.getrandbits(len(records)) for name, mask in lanes.listed.items()}
        for which in (lanes.listed, kept):
            values = lanes.values(which)
            for lane, record in enumerate(records):
                facts = facts_of_sketch(
                    CandidateRecord(
                        {n: v for n, v in record.findings.items() if which[n] >> lane & 1},
                        {n: v for n, v in record.measures.items() if which[n] >> lane & 1},
                    ),
                    vocabulary,
                )
                for name, given in circuits.statuses(facts).items():
                    for each in Status:
                        holds = bool(lanes.holding(values, gates[name, each]) >> lane & 1)
                        assert holds is (each in (given, Status.UNDETERMINED))


@pytest.mark.parametrize("most_smallest", [0, 24])
def test_a_change_whose_patient_is_not_confirmed_in_time_is_not_decided(
    old: Compiled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most_smallest: int
) -> None:
    monkeypatch.setattr(changing, "MOST_SMALLEST", most_smallest)
    new, budget, asked = changed(tmp_path / "new", FIVE_WEEKS), Budget(60), 0
    told: list[str] = []
    whole = kinds(compare(old, new, progress=lambda what, *_: told.append(what)))

    def once(compiled: Compiled, patient: Any, interventions: Any = None) -> Any:
        nonlocal asked
        asked += 1
        if asked == 2:  # both versions, one patient
            budget.seconds = 0.0
        return certified(compiled, patient, interventions)

    found = compare(old, new, once, budget=budget)
    assert asked == 2
    assert 0 < len(found.changes) < len(whole)
    assert kinds(found) < whole
    open_ = {(name, why) for name, why in found.undecided if "whether an answer changes" in why}
    assert len(open_) == len(whole) - len(found.changes)
    assert not set(found.same) & {name for name, _ in open_}
    assert {"atoms compared", "changes", "witnesses"} <= set(told)


def test_a_patient_that_was_cut_down_wrongly_is_not_shown(
    old: Compiled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changing, "MOST_SMALLEST", 2)
    monkeypatch.setattr(RecordBits, "holding", lambda self, *_: self.all)
    with pytest.raises(Disagreement):
        compare(old, changed(tmp_path / "new", FIVE_WEEKS))


def test_the_quick_answers_are_those_of_ask(old: Compiled) -> None:
    for file in sorted((LUMBAR / "vignettes").glob("*.yaml"))[:4]:
        patient = read_patient(read_text(str(file)), old.names.vocabulary)
        wanted = [(a.intervention, a.status, a.because) for a in ask(old, patient).answers]
        for quick in (certified, certified_quickly):
            assert [(a.intervention, a.status, a.because) for a in quick(old, patient).answers] == wanted
        part = certified(old.about(["mri_lumbar"]), patient, ["mri_lumbar"]).answers[0]
        assert (part.status, part.because) == next(w[1:] for w in wanted if w[0] == "mri_lumbar")


def test_the_engine_is_believed_and_not_the_search(old: Compiled, tmp_path: Path) -> None:
    """An engine that says something else about a witness stops everything."""
    new = changed(tmp_path / "new", FIVE_WEEKS)

    def contrary(compiled: Compiled, patient: Any, interventions: Any = None) -> Any:
        return certified(old, patient, interventions)

    with pytest.raises(Disagreement):
        compare(old, new, contrary)


@pytest.mark.parametrize(("edit", "outcome"), [(FIVE_WEEKS, "different"), (None, "same")])
def test_an_original_tells_changed_programs_apart(
    old: Compiled, tmp_path: Path, edit: tuple[str, str, str] | None, outcome: str
) -> None:
    original = Original(old.ground)
    new = changed(tmp_path / "new", *([edit] if edit else []))
    for _ in range(2):  # the second time nothing is left to be encoded
        told = original.compare(new.ground)
        assert told.outcome.value == outcome
    if told.content is not None and told.intervention is not None:
        patient = patient_from_content(told.content, new.names.vocabulary)
        answers = [
            next(a.status for a in certified(c, patient).answers if a.intervention == told.intervention)
            for c in (old, new)
        ]
        assert answers == [told.old, told.new]
    assert original.compare(new.ground, Budget(0)).outcome.value == ("same" if edit is None else "not decided")


# people


def test_people_of_a_table_are_counted(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("duckdb")
    header = (
        "patient,chronic_radiculopathy,level_l5_s1,symptoms_persist,formal_physical_therapy,"
        "physical_therapy_completed,nsaid_tried,physical_therapy_weeks,conservative_care_weeks\n"
    )
    rows = "".join(f"p{n},true,true,true,true,true,true,6,{weeks}\n" for n, weeks in enumerate((4, 5, 5, 6, 30)))
    (repository / "people.csv").write_text(header + rows, encoding="utf-8")
    command = ("diff", "HEAD", "kb/lumbar_radiculopathy", "--cohort", "people.csv")
    code, out, _ = call(*command, "--format", "json", capsys=capsys)
    counted = json.loads(out)["cohort"]
    assert (code, counted["people"], counted["changed"]) == (1, 5, 2)
    flows = {(f["intervention"], f["old"], f["new"]): f["people"] for f in counted["flows"]}
    assert flows["nerve_root_injection", "not_now", "consider"] == 2
    assert set(flows.values()) == {2}
    _, out, _ = call(*command, capsys=capsys)
    assert "2 of 5 people get another answer (40.0 %)" in out
    assert "nerve_root_injection: not now -> consider: 2" in out
