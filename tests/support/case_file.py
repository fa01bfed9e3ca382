"""A case in one file: rule text, then at its end, as comments, the patient and what is expected.

    .finding fever "fever"
    ill(P) :- finding(P, fever).
    %| findings: {fever: present}      a line of the patient's record
    %> ill()                           a line of what is expected

The comments stand at the end, so that places in the rule text stay as they are and the file is a valid rule file.
A case about the end of a file, where a comment would change what it is about, has its expectation in a `.txt` beside it.
"""

from __future__ import annotations

from pathlib import Path

RECORD, EXPECTED = "%|", "%>"


def record_of(path: Path) -> str | None:
    """The patient's record as YAML, None where the case has none."""
    return _lines(path, RECORD)


def expected_of(path: Path) -> str | None:
    """What is expected, a text of whole lines; None where nothing is written down yet."""
    beside = path.with_suffix(".txt")
    return beside.read_text(encoding="utf-8") if beside.exists() else _lines(path, EXPECTED)


def rewrite(path: Path, expected: str) -> None:
    """Write down what is expected: in place of the old lines, at the end, or in the file beside it where there is one."""
    if path.with_suffix(".txt").exists():
        path.with_suffix(".txt").write_text(expected, encoding="utf-8")
        return
    kept = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith(EXPECTED)]
    told = [f"{EXPECTED} {line}".rstrip() for line in expected.splitlines()]
    path.write_text("\n".join([*kept, *told]) + "\n", encoding="utf-8")


def _lines(path: Path, mark: str) -> str | None:
    text = path.read_bytes().decode("utf-8")
    found = [line[len(mark) :].removeprefix(" ") for line in text.split("\n") if line.startswith(mark)]
    return "".join(f"{line}\n" for line in found) if found else None
