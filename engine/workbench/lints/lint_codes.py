"""The codes of the advice to authors (GL901-GL909), each with an example that gets it and one that does not."""

from __future__ import annotations

from guidelog.checks.codes import Code
from guidelog.diagnostics import Severity

_BASE = """\
.finding sign_a "sign A"
.intervention step_a "step A"
.statement S1 "what the source says" kind(do) cites()
.concept in_scope(P: patient) true("in scope") false("not in scope")
#[id = "SCOPE", statements = ["S1"]]
in_scope(P) :- finding(P, sign_a).
"""


def _code(code: str, title: str, text: str, bad: str, good: str) -> Code:
    return Code(code, title, text, _BASE + bad, _BASE + good, Severity.WARNING, alone=True)


_DO = '#[id = "DO", statements = ["S1"], cites = [], strength = strong, says = "Do step A"]\n'
_DO_SCOPE = _DO + "advise(P, step_a, do) :- in_scope(P)."
UNUSED = _code(
    "GL901",
    "declared and never used",
    "Nothing refers to this name. A finding that no rule looks at is asked for nothing; a concept that no rule uses "
    "changes no answer. Background for a record is fine: silence it with the reason.",
    '.finding sign_b "sign B"\n' + _DO_SCOPE,
    _DO_SCOPE,
)
SINGLETON = _code(
    "GL902",
    "variable that occurs once",
    "A variable that occurs once joins nothing: either it is misspelt, or any value will do, which is written `_`.",
    _DO + "advise(P, step_a, do) :- in_scope(P), finding(P, Sign).",
    _DO + "advise(P, step_a, do) :- in_scope(P), finding(P, _).",
)
SUBSUMED = _code(
    "GL903",
    "rule that another one makes needless",
    "Another rule gives the same conclusion under fewer of the same conditions, so this one adds nothing.",
    _DO_SCOPE + "\n" + _DO.replace("DO", "DO2") + "advise(P, step_a, do) :- in_scope(P), finding(P, sign_a).",
    _DO_SCOPE,
)
NEVER_MATTERS = _code(
    "GL904",
    "condition that never matters",
    "For every possible patient, whenever the rule's other conditions hold, this one holds too, or something else "
    "gives the "
    "conclusion anyway. Found by a search over all patients that the background rules allow.",
    _DO + "advise(P, step_a, do) :- in_scope(P), finding(P, sign_a).",
    _DO_SCOPE,
)
NO_RULE = _code(
    "GL905",
    "statement that no rule encodes",
    'A statement is encoded by the rules that name it, or says with `norule("…")` why none follows from it.',
    '.statement S2 "more" kind(note) cites()\n' + _DO_SCOPE,
    '.statement S2 "more" kind(note) cites()\n    norule("history, and no advice")\n' + _DO_SCOPE,
)
NO_VIGNETTE = _code(
    "GL906",
    "rule that holds in no vignette",
    "No vignette of this guideline has a patient for whom the rule holds, so nothing tests it. Reported only where "
    "there "
    "are vignettes.",
    _DO_SCOPE,
    _DO_SCOPE,
)
UNUSED_DECISION = _code(
    "GL907",
    "decision that nothing refers to",
    "A decision is named by the rules that rest on it, by a reading, or by an intervention with `silent`; otherwise "
    "answers "
    "never show it.",
    '.decision Q1 "open" decided("so")\n' + _DO_SCOPE,
    '.decision Q1 "open" decided("so")\n' + _DO_SCOPE.replace("strength", 'decisions = ["Q1"], strength'),
)
STRENGTHS = _code(
    "GL908",
    "one statement with two strengths",
    "Rules of the same stance that rest on the same statement have the same strength; the source gives one.",
    '.finding sign_b "sign B"\n'
    + _DO
    + "advise(P, step_a, do) :- in_scope(P), finding(P, sign_b).\n"
    + _DO.replace("DO", "DO2").replace("strong", "conditional")
    + "advise(P, step_a, do) :- in_scope(P), !finding(P, sign_b).",
    _DO_SCOPE,
)
_MEASURE = '.measure wait "waiting" unit(week) range(0, 52)\n.finding sign_b "sign B"\n'
_WAIT = "advise(P, step_a, do) :- in_scope(P), {}finding(P, sign_b), measure(P, wait, W), W >= {}."
THRESHOLDS = _code(
    "GL909",
    "one statement with two thresholds",
    "Rules with the same conclusion that rest on the same statement compare a measure with different numbers. Two "
    "readings of "
    "one sentence are a declared `.reading`.",
    _MEASURE + _DO + _WAIT.format("", 6) + "\n" + _DO.replace("DO", "DO2") + _WAIT.format("!", 8),
    _MEASURE + _DO + _WAIT.format("", 6) + "\n" + _DO.replace("DO", "DO2") + _WAIT.format("!", 6),
)
LINTS = (
    UNUSED,
    SINGLETON,
    SUBSUMED,
    NEVER_MATTERS,
    NO_RULE,
    NO_VIGNETTE,
    UNUSED_DECISION,
    STRENGTHS,
    THRESHOLDS,
)
