"""A guideline of four rules, and five patients that reach everything in it."""

from __future__ import annotations

TOML = 'id = "toy"\ntitle = "Toy"\nversion = "1"\nreview = "draft"\nmain = ["step_a"]\n[source]\ntitle = "none"\n'
RULES = """\
.finding sign_a "sign A"
.finding sign_b "sign B"
.finding sign_c "sign C"
.measure waiting "waiting" unit(week) range(0, 52)
.intervention step_a "step A"
.statement S1 "do step A"
    kind(do) cites()
.concept in_scope(P: patient)
    true("in scope")
    false("not in scope")
.concept alarm(P: patient)
    true("alarm")
    false("no alarm")

#[id = "SCOPE", statements = ["S1"]]
in_scope(P) :- finding(P, sign_a).

#[id = "ALARM-B", statements = ["S1"]]
alarm(P) :- finding(P, sign_b).

#[id = "ALARM-C", statements = ["S1"]]
alarm(P) :- finding(P, sign_c), finding(P, sign_b).

#[id = "DO", statements = ["S1"], cites = [], strength = strong, says = "Do step A"]
advise(P, step_a, do) :- in_scope(P), !alarm(P), measure(P, waiting, W), W >= 6.
"""

# The content of five patient files.
FULL = (
    "findings: {sign_a: present, sign_b: absent, sign_c: absent}\nmeasures: {waiting: 6}",
    "findings: {sign_a: present, sign_b: absent, sign_c: present}\nmeasures: {waiting: 5.9}",
    "findings: {sign_a: absent, sign_b: absent, sign_c: absent}\nmeasures: {waiting: 6}",
    "findings: {sign_a: present, sign_b: present, sign_c: absent}\nmeasures: {waiting: 6}",
    "findings: {sign_a: present, sign_b: present, sign_c: present}\nmeasures: {waiting: 6}",
)
