"""diagrams/ shows the rules as they are: made again, every picture must be the same."""

from __future__ import annotations

import re

import pytest

from drawn import GALLERY, KB, answers_to, compiled
from guidelog.diagrams.gallery import README, gallery_files, read_gallery

AGAIN = "run `guidelog diagram all --out diagrams` and look at what changed"
_NUMBER = re.compile(r"-?\d+\.\d+|(?<=[ ,MCL])-?\d+(?=[ ,C])")
TOLERANCE = 5.0  # points: Graphviz rounds a little differently from one processor to another


def same_drawing(one: str, other: str) -> bool:
    """The same words in the same places."""
    if _NUMBER.sub("#", one) != _NUMBER.sub("#", other):
        return False
    pairs = zip(_NUMBER.findall(one), _NUMBER.findall(other), strict=True)
    return all(abs(float(a) - float(b)) <= TOLERANCE for a, b in pairs)


@pytest.fixture(scope="module")
def made() -> dict[str, bytes]:
    found = gallery_files(compiled(KB), read_gallery(GALLERY), lambda file: answers_to((GALLERY / file).resolve()))
    return dict(found)


def test_the_folder_has_these_files_and_no_others(made: dict[str, bytes]) -> None:
    assert sorted(p.name for p in GALLERY.iterdir()) == sorted([*made, "gallery.toml"]), AGAIN


def test_every_picture_is_up_to_date(made: dict[str, bytes]) -> None:
    stale = []
    for name, content in made.items():
        there = (GALLERY / name).read_bytes() if (GALLERY / name).exists() else b""
        if name.endswith(".svg"):
            fresh = same_drawing(there.decode(), content.decode())
        elif name.endswith(".png"):
            fresh = there.startswith(b"\x89PNG")
        else:
            fresh = there == content
        if not fresh:
            stale.append(name)
    assert stale == [], AGAIN


def test_an_edited_picture_is_noticed(made: dict[str, bytes]) -> None:
    svg = made["pathway.svg"].decode()
    assert same_drawing(svg, svg)
    assert not same_drawing(svg, svg.replace("Any red flag", "No red flag", 1))
    assert not same_drawing(svg, svg.replace('x="', 'x="9', 1))


def test_the_readme_links_to_what_exists(made: dict[str, bytes]) -> None:
    text = made[README].decode()
    for target in re.findall(r"\]\(([^)]+)\)", text):
        assert target in made or (GALLERY / target).exists() or target == "../docs/diagrams.md", target


def test_six_patients() -> None:
    assert len(read_gallery(GALLERY).entries) == 6
