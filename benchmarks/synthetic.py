"""Large rule bases for growth curves: the lumbar guideline several times over, every name of each copy its own."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

from guidelog.language import parse
from guidelog.language.guideline import GuidelineFolder, read_guideline
from guidelog.language.names import BUILT_IN, TYPES, names_of
from guidelog.language.stances import STANCES

_WORD = re.compile(r'"(?:[^"\\\n]|\\.)*"|[a-z][A-Za-z0-9_]*')


def copies(folder: Path, number: int) -> GuidelineFolder:
    """A guideline with `number` copies of the rules in a folder; only the first copy defines the scope of the whole."""
    original = read_guideline(folder)
    program, _ = parse(*original.sources)
    names = names_of(program)
    shared = {p.name for p in BUILT_IN} - {"in_scope"} | set(STANCES) | set(TYPES) | {"atleast"}
    own = {*names.predicates, *names.vocabulary.findings, *names.vocabulary.measures, *names.vocabulary.interventions}
    own |= {*names.vocabulary.screens, *names.readings} - shared
    own -= shared
    target = Path(tempfile.mkdtemp(prefix="guidelog-synthetic-"))
    (target / "guideline.toml").write_text((folder / "guideline.toml").read_text())
    for copy in range(number):
        for name, text in original.files.items():
            if copy and name == "statements.dl":
                continue
            (target / f"{copy:03}_{name}").write_text(_renamed(text, own, copy) if copy else text)
    return read_guideline(target)


def _renamed(text: str, own: set[str], copy: int) -> str:
    """The text of a copy: names with a suffix, ids too, decisions left to the first copy."""
    text = "".join(
        statement.partition("\n\n")[2] if statement.startswith(".decision") else statement
        for statement in re.split(r"(?m)^(?=\.decision)", text)
    )
    text = re.sub(r'id = "([^"]+)"', rf'id = "\1-c{copy}"', text)

    def rename(match: re.Match[str]) -> str:
        word = match[0]
        return f"{word}_c{copy}" if word in own else word

    # The scope of a copy is a concept of its own.
    return _WORD.sub(rename, text)
