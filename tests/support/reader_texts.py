"""Rule texts that both readers read: a small guideline, and what may stand behind it."""

from __future__ import annotations

WORDS = """\
.screen flags "the flags"
.finding saddle "numbness of the saddle" screen(flags)
.finding fever "fever" screen(flags)
.measure weeks "weeks" unit(week) range(0, 520)
.measure degrees "degrees" unit(celsius) range(-6, 6)
.intervention mri "MRI"
.statement S1 "what it says" kind(do)
.concept in_scope(P: patient) true("in scope") false("out of scope")
.concept alarm(P: patient) true("an alarm") false("no alarm")
.decl grave(F: finding)
#[id = "SC"]
in_scope(P) :- patient(P).
#[id = "AL"]
alarm(P) :- finding(P, F), grave(F).
#[id = "NOW", statements = ["S1"], cites = [], says = "now"]
advise(P, mri, urgent) :- in_scope(P), alarm(P).
"""

READ = {
    "nothing more": "",
    "lines that end with two characters": "% note\r\ngrave(saddle).\r\n",
    "clauses in one line": "grave(saddle). grave(fever). % both\n",
    "a clause behind the end of a long one": '#[id = "R"]\nalarm(P) :-\n  finding(P, fever). grave(saddle).\n',
    "a clause whose lines are at the margin": '#[id = "R"]\nalarm(P) :-\nfinding(P, fever)\n.\n',
    "a declaration over comments": '.decision Q9 "x"\n  % note\n  decided("y")\n',
    "a declaration that ends with the file": '.decision Q9 "x"\n  decided("y")',
    "a comment that ends with the file": "grave(saddle). % note",
    "an indented comment": "   % note\ngrave(saddle).\n",
    "blank lines": "\n \t\n\ngrave(saddle).\n\n",
    "a comment in a clause": '#[id = "R"] % note. with a stop\nalarm(P) :- % :- ( "\n finding(P, fever).\n',
    "a percent in a string": '.decision Q9 "50 % of it" decided("x % y")\n',
    "escapes": '.decision Q9 "a \\"b\\" \\\\ \\n c" decided("d")\n#[id = "R\\"1\\\\"]\nalarm(P) :- finding(P, fever).\n',
    "other scripts in wording": '.decision Q9 "כאב боль 痛み ärger" decided("µ")\n',
    "strings as terms": '.decl odd(S: symbol)\nodd("fever"). odd(fever). odd("a \\"b\\" ä").\n',
    "a column called patient": ".decl odd(patient: symbol, Patient: number)\nodd(x, -5).\n",
    "negative ranges": '#[id = "R"]\nalarm(P) :- measure(P, degrees, D), D < -3, -D > 3, - 2 * D >= (1 - 4) * -2.\n',
    "trailing commas": '#[id = "R", title = "a",]\nalarm(P) :- finding(P, fever).\n',
    "anonymous variables": '.decl pair(F: finding, G: finding)\npair(fever, saddle).\n#[id = "R"]\nalarm(P) :- finding(P, F), pair(F, _), pair(_, _).\n',
    "a range": '#[id = "R"]\nalarm(P) :- measure(P, weeks, W), W >= 6..8, W < 10 .. 12.\n',
    "defined measures": '#[id = "R"]\nalarm(P) :- measure(P, weeks, W), D = W - 3, 7 = E, D > E * 2.\n',
    "measures that cancel out": '#[id = "R"]\nalarm(P) :- measure(P, weeks, W), W - W >= 0..1, finding(P, fever).\n',
    "members": '#[id = "R"]\nalarm(P) :- atleast 2 { finding(P, F) : grave(F); !finding(P, fever); finding(P, fever) }.\n',
    "a denial": '#[id = "R"]\n:- finding(P, fever), measure(P, degrees, D), D < 0.\n',
    "a settled rule": '#[id = "H", statements = ["S1"], cites = [], says = "hold", unsettled = "Ask first."]\n'
    "advise(P, mri, hold) :- in_scope(P), finding(P, fever).\n",
    "a reading": '.decision Q9 "x" decided("y")\n.reading r "r" decision(Q9) option(a, "a") option(b, "b") chosen(b)\n'
    '#[id = "R", reading = r, option = a]\nalarm(P) :- finding(P, fever).\n'
    '#[id = "R2", reading = r, option = b]\nalarm(P) :- finding(P, saddle).\n',
}
