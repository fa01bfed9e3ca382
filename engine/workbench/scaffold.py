"""A new guideline folder that checks, passes its vignettes and draws at once.

A small complete example of everything an author needs: vocabulary, a statement register, a decision, concepts, advice
both ways, and vignettes that cover all of it. Nothing that exists is overwritten.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from guidelog.diagnostics import InputError
from guidelog.files import make_folder, write_text

_NAME = re.compile(r"[a-z][a-z0-9_-]*")


def scaffold(folder: Path, title: str | None = None) -> list[Path]:
    """Write the folder; the files written, in order. Raises InputError (GL606) when it exists or cannot be made."""
    name = folder.name
    if not _NAME.fullmatch(name):
        hint = "use small letters, digits, `_` and `-`, and begin with a letter"
        raise InputError.of("GL606", f"`{name}` is not a name for a guideline folder", hint=hint)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError.of("GL606", f"`{folder}` exists and is not empty")
    words = title or name.replace("_", " ").replace("-", " ").capitalize()
    written = []
    try:
        for path, text in files(name.replace("_", "-"), words).items():
            target = folder / path
            make_folder(target.parent, private=False)
            write_text(target, text, private=False)
            written.append(target)
    except OSError as error:
        for target in written:
            target.unlink(missing_ok=True)
        raise InputError.of("GL606", f"`{folder}` cannot be written: {(error.strerror or 'error').lower()}") from None
    return written


def files(identity: str, title: str) -> Mapping[str, str]:
    """Path to text of every file of a new guideline."""
    quoted = title.replace("\\", "\\\\").replace('"', '\\"')
    return {
        "guideline.toml": _TOML.format(id=identity, title=quoted),
        "vocabulary.dl": _VOCABULARY,
        "statements.dl": _STATEMENTS,
        "rules.dl": _RULES,
        **{f"vignettes/{name}.yaml": _HEAD.format(name) + text for name, text in _VIGNETTES.items()},
    }


_HEAD = "patient: {}\nas_of: 2025-01-01\n"
_TOML = '''\
id = "{id}"
title = "{title}"
version = "0.1.0"
main = ["treatment"]

review = "draft"
review_note = "No clinician has reviewed these rules yet."
disclaimer = """
For healthcare professionals only. A draft under review; \\
it supports clinical judgement and does not replace it."""

[source]
title = "Where the statements come from"
publisher = "Who published it"
date = "2025-01-01"
review = "not reviewed"

[[references]]
number = 1
title = "The first reference of the source"
publisher = "Who published it"
year = 2025
resolved = true
'''

_VOCABULARY = """\
% The public names of this guideline. Patient files use them: add to them, never rename.

.screen alarm_signs "the alarm signs"
    ask("Have you asked about every alarm sign?")

.finding condition "the condition"
    true("the patient has the condition")
    false("the patient does not have the condition")
    ask("Does the patient have the condition?")

.finding alarm_a "alarm sign A" screen(alarm_signs)
    true("alarm sign A is present")
    false("alarm sign A is absent")
    ask("Is alarm sign A present?")

.finding alarm_b "alarm sign B" screen(alarm_signs)
    true("alarm sign B is present")
    false("alarm sign B is absent")
    ask("Is alarm sign B present?")

.measure waiting_weeks "weeks of watchful waiting"
    unit(week) range(0, 520)
    ask("For how many weeks has the patient been watched?")
    clock("watchful waiting goes on")

.intervention treatment "treatment" group("Treatment")
"""

_STATEMENTS = """\
% What the source says, statement by statement, in your own words.

.statement S1 "About patients with the condition."
    kind(scope) cites()
.statement S2 "Treat when 4 weeks of watchful waiting have not helped."
    kind(do) cites(1)
.statement S3 "An alarm sign calls for treatment at once."
    kind(do) cites(1)
"""

_RULES = """\
.decision D1 "The source does not say what to do before the 4 weeks are over."
    decided("Treatment waits until then.")

.concept in_scope(P: patient)
    true("the patient has the condition that this guideline is about")
    false("this guideline is not about this patient")

#[id = "SCOPE-1", statements = ["S1"], cites = [], title = "The condition"]
in_scope(P) :- finding(P, condition).

.decl alarm_finding(F: finding)
alarm_finding(alarm_a).
alarm_finding(alarm_b).

.concept alarm(P: patient)
    true("an alarm sign is present")
    false("no alarm sign is present")

#[id = "ALARM-1", statements = ["S3"], cites = [1], title = "Any alarm sign"]
alarm(P) :- finding(P, F), alarm_finding(F).

#[id = "TREAT-1", statements = ["S3"], cites = [1], strength = strong, says = "Treat at once: an alarm sign is present"]
advise(P, treatment, urgent) :- in_scope(P), alarm(P).

#[id = "TREAT-2", statements = ["S2"], cites = [1], strength = strong,
  says = "Treat: 4 weeks of watchful waiting have not helped"]
advise(P, treatment, do) :- in_scope(P), measure(P, waiting_weeks, W), W >= 4.

% With an alarm sign this advice is left out, so that the two never contradict each other.
#[id = "TREAT-3", statements = ["S2"], cites = [1], strength = strong, decisions = ["D1"],
  says = "No treatment yet: watchful waiting has not lasted 4 weeks, and there is no alarm sign"]
advise(P, treatment, defer) :- in_scope(P), !alarm(P), measure(P, waiting_weeks, W), W < 4.
"""

_KNOWN = "findings: {condition: present}\nmeasures: {waiting_weeks: %s}\nscreens: {alarm_signs: complete}\n"
_ALARM = "findings: {condition: present, %s: present}\nmeasures: {waiting_weeks: 1}\nscreens: {alarm_signs: complete}\n"
_OUTSIDE = (
    "findings: {condition: absent, alarm_a: %s}\nmeasures: {waiting_weeks: %s}\nscreens: {alarm_signs: complete}\n"
)
_VIGNETTES = {
    "waiting-4-weeks": _KNOWN % 4
    + """\
expect:
  why: four weeks to the day are long enough
  statements: [S1, S2]
  fires: [S2]
  withholds: [S3]
  answers: {treatment: {status: recommended, rules: [TREAT-2]}}
""",
    "waiting-3-9-weeks": _KNOWN % 3.9
    + """\
expect:
  why: just under four weeks the patient is still watched
  statements: [S2, D1]
  withholds: [S2, S3]
  answers: {treatment: {status: not_now, rules: [TREAT-3]}}
""",
    "alarm-a": _ALARM % "alarm_a"
    + """\
expect:
  why: an alarm sign does not wait
  statements: [S3]
  fires: [S3]
  answers: {treatment: {status: urgent, rules: [TREAT-1], not_rules: [TREAT-3]}}
""",
    "alarm-b": _ALARM % "alarm_b"
    + """\
expect:
  why: the other alarm sign does not wait either
  statements: [S3]
  fires: [S3]
  answers: {treatment: {status: urgent, rules: [TREAT-1]}}
""",
    "nobody-asked": """\
findings: {condition: present}
measures: {waiting_weeks: 1}
expect:
  why: unknown is not absent, so the alarm signs have to be asked about first
  statements: [S3]
  answers:
    treatment:
      status: undetermined
      because: missing_data
      if_resolved: [urgent, not_now]
      questions: [["screen:alarm_signs"]]
""",
    "outside": _OUTSIDE % ("present", 6)
    + """\
expect:
  why: without the condition the guideline says nothing, whatever else is present
  statements: [S1]
  withholds: [S2, S3]
  no_advice: [treatment]
  answers: {treatment: outside_guideline}
""",
    "outside-early": _OUTSIDE % ("absent", 1)
    + """\
expect:
  why: without the condition nothing is held back either
  statements: [S1]
  no_advice: [treatment]
  answers: {treatment: outside_guideline}
""",
}
