"""A vaccination schedule in the language as it is: numbered shots, intervals between them as differences of measures.

Three doses; a shot counts as the next dose when it keeps the least age and the least distances (with four days of
grace), and one that does not is passed over. What is not known of a shot is unknown here, too.
"""

from __future__ import annotations

from pathlib import Path

METADATA = """
id = "vaccination"
title = "A vaccination schedule"
version = "1.0.0"
review = "draft"
main = ["vaccine"]
disclaimer = "for tests only"
[source]
title = "nothing"
date = "2025-01-01"
"""


def rules(shots: int) -> str:
    """The guideline of so many possible shots."""
    lines = [
        '.screen history "the record of shots"',
        '.measure age_days "age" unit(day) range(0, 3000) clock("time passes")',
        '.intervention vaccine "the vaccine"',
        '.statement S1 "the schedule" kind(do) cites()',
        '.concept in_scope(P: patient) true("in scope") false("not in scope")',
        '#[id = "SCOPE"]\nin_scope(P) :- patient(P).',
    ]
    for k in range(1, shots + 1):
        lines.append(
            f'.finding shot_{k} "shot {k}" screen(history) true("shot {k} was given") false("shot {k} was not given")'
        )
        lines.append(f'.measure since_{k} "days since shot {k}" unit(day) range(0, 3000) clock("time passes")')
    for k in range(2, shots + 1):
        lines.append(f'#[id = "ORDER-{k}"]\n:- finding(P, shot_{k}), !finding(P, shot_{k - 1}).')
        lines.append(
            f'#[id = "DAYS-{k}"]\n:- measure(P, since_{k - 1}, A), measure(P, since_{k}, B), finding(P, shot_{k}), A < B.'
        )
    for n in (1, 2, 3):
        lines.append(f'.concept has_{n}(P: patient) true("dose {n} counts") false("no shot counts as dose {n}")')
        for k in range(1, shots + 1):
            for what, words in (
                ("fits", f"shot {k} keeps the distances of dose {n}"),
                ("earlier", f"an earlier shot than {k} is dose {n}"),
                ("valid", f"shot {k} is dose {n}"),
            ):
                lines.append(f'.concept {what}_{n}_{k}(P: patient) true("{words}") false("not so: {words}")')
    least = {1: 0, 2: 24, 3: 164}
    for n in (1, 2, 3):
        for k in range(1, shots + 1):
            age = f"measure(P, age_days, A), measure(P, since_{k}, S), A - S >= {least[n]}"
            if n == 1:
                lines.append(f'#[id = "FIT-1-{k}"]\nfits_1_{k}(P) :- finding(P, shot_{k}), {age}.')
            for j in range(1, k) if n > 1 else ():
                after = f"valid_{n - 1}_{j}(P), measure(P, since_{j}, T), T - S >= {24 if n == 2 else 52}"
                if n == 3:
                    lines.append(
                        f'#[id = "FIT-3-{k}-{j}"]\nfits_3_{k}(P) :- finding(P, shot_{k}), {age}, {after}, far_{k}(P).'
                    )
                else:
                    lines.append(f'#[id = "FIT-2-{k}-{j}"]\nfits_2_{k}(P) :- finding(P, shot_{k}), {age}, {after}.')
            lines += [f'#[id = "EARLIER-{n}-{k}-{j}"]\nearlier_{n}_{k}(P) :- valid_{n}_{j}(P).' for j in range(1, k)]
            passed = f", !earlier_{n}_{k}(P)" if k > 1 else ""
            lines.append(f'#[id = "VALID-{n}-{k}"]\nvalid_{n}_{k}(P) :- fits_{n}_{k}(P){passed}.')
            lines.append(f'#[id = "HAS-{n}-{k}"]\nhas_{n}(P) :- valid_{n}_{k}(P).')
    for k in range(3, shots + 1):
        lines.append(
            f'.concept far_{k}(P: patient) true("shot {k} is far from dose 1") false("shot {k} is near dose 1")'
        )
        lines += [
            f'#[id = "FAR-{k}-{j}"]\nfar_{k}(P) :- valid_1_{j}(P), measure(P, since_{j}, T), measure(P, since_{k}, S), T - S >= 108.'
            for j in range(1, k - 1)
        ]
    text = "\n".join(line for line in lines if "far_1" not in line and "far_2" not in line)
    return text + "\n" + _advice(shots)


def _advice(shots: int) -> str:
    head = 'statements = ["S1"], cites = [], strength = strong'
    found = [
        f'#[id = "GIVE-1", {head}, says = "Give dose 1", everyone = true]\nadvise(P, vaccine, do) :- in_scope(P), !has_1(P).',
        f'#[id = "DONE", {head}, says = "The series is complete"]\nadvise(P, vaccine, avoid) :- in_scope(P), has_3(P).',
    ]
    for n, days in ((2, 28), (3, 56)):
        for k in range(1, shots + 1):
            due = f"in_scope(P), valid_{n - 1}_{k}(P), !has_{n}(P), measure(P, since_{k}, S)"
            found.append(
                f'#[id = "GIVE-{n}-{k}", {head}, says = "Give dose {n}"]\nadvise(P, vaccine, do) :- {due}, S >= {days}.'
            )
            found.append(
                f'#[id = "WAIT-{n}-{k}", {head}, says = "Dose {n} is not due yet"]\n'
                f"advise(P, vaccine, defer) :- {due}, S < {days}."
            )
    return "\n".join(found) + "\n"


PROPERTIES = """
#[id = "DONE-ONLY-AFTER-THREE", says = "The series is complete only after three shots"]
never(P) :- answer(P, vaccine, avoid), !finding(P, shot_3).

#[id = "NO-CONFLICT", says = "A dose is never given and put off at once"]
never(P) :- answer(P, vaccine, conflict).

#[id = "APART", says = "Dose 2 is never counted within 24 days of dose 1"]
never(P) :- valid_1_1(P), valid_2_2(P), measure(P, since_1, A), measure(P, since_2, B), A - B < 24.

#[id = "SPREAD", says = "Dose 3 is never counted within 76 days of dose 1"]
never(P) :- valid_1_1(P), valid_3_3(P), measure(P, since_1, A), measure(P, since_3, B), A - B < 76.
"""


def write_schedule(folder: Path, shots: int) -> Path:
    """The guideline's folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "guideline.toml").write_text(METADATA, encoding="utf-8")
    (folder / "rules.dl").write_text(rules(shots), encoding="utf-8")
    (folder / "properties.dl").write_text(PROPERTIES, encoding="utf-8")
    return folder
