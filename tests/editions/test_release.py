"""A release: refused while anything is missing, made and verified, and refused again when one byte is changed."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from guidelog.cli.release import release
from guidelog.diagnostics import InputError
from guidelog.editions.bundle_check import verify_bundle
from guidelog.editions.release import new_key, packed, read_public
from guidelog.language.guideline import read_guideline
from guidelog.pipeline import compile_guideline
from guidelog.signoff.entries import Entry, Verdict, add_entry
from guidelog.signoff.standing import standing
from toy_guideline import RULES, TOML

VIGNETTE = """patient: waits
findings: {sign_a: present, sign_b: absent, sign_c: absent}
measures: {waiting: 6}
expect:
  why: six weeks are enough
  fires: [S1]
  answers: {step_a: recommended}
"""


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    folder = tmp_path / "toy"
    (folder / "vignettes").mkdir(parents=True)
    (folder / "guideline.toml").write_text(TOML.replace('"draft"', '"approved"'))
    (folder / "rules.dl").write_text(RULES)
    (folder / "vignettes" / "waits.yaml").write_text(VIGNETTE)
    sign(folder)
    new_key(tmp_path / "key")
    return folder


def sign(folder: Path, by: str = "Ada") -> None:
    seen = standing(compile_guideline(read_guideline(folder))).statements["S1"].seen
    add_entry(folder, Entry("2025-12-01", by, "clinician", "S1", Verdict.ACCEPT, "", seen))


def made(toy: Path, *more: str) -> Result:
    where = ["-g", str(toy), "--key", str(toy.parent / "key"), "--out", str(toy.parent / "r.zip"), *more]
    return CliRunner().invoke(release, where, catch_exceptions=False)


def verified(toy: Path, path: Path | None = None) -> object:
    scratch = toy.parent / "scratch"
    return verify_bundle(path or toy.parent / "r.zip", read_public(toy.parent / "key.pub"), scratch)


def test_a_release_is_made_and_verifies(toy: Path) -> None:
    assert made(toy).exit_code == 0
    found = CliRunner().invoke(release, ["verify", str(toy.parent / "r.zip"), "--key", str(toy.parent / "key.pub")])
    assert found.exit_code == 0, found.output
    assert "signed off by Ada (clinician)" in found.output
    assert "1 certificates" in found.output
    again = (toy.parent / "r.zip").read_bytes()
    made(toy)
    assert (toy.parent / "r.zip").read_bytes() == again


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("rules.dl", "W >= 6", "W >= 5", "stale"),
        ("vignettes/waits.yaml", "recommended", "not_now", "Vignettes that do not come out as expected (1)"),
        ("guideline.toml", "approved", "draft", "a release needs `approved`"),
    ],
)
def test_a_release_is_refused_with_the_reason(toy: Path, file: str, old: str, new: str, says: str) -> None:
    text = (toy / file).read_text()
    (toy / file).write_text(text.replace(old, new))
    found = made(toy)
    assert found.exit_code == 1
    assert says in found.output
    assert not (toy.parent / "r.zip").exists()


def test_a_broken_property_refuses_it(toy: Path) -> None:
    (toy / "properties.dl").write_text(
        '#[id = "NEVER-A", says = "Step A is never advised"]\nnever(P) :- answer(P, step_a, recommended).\n'
    )
    found = made(toy)
    assert found.exit_code == 1
    assert "NEVER-A: broken" in found.output


def changed(content: bytes, name: str, new: bytes | None) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = {n: archive.read(n) for n in archive.namelist()}
    if new is None:
        del files[name]
    else:
        files[name] = new
    return packed(files)


@pytest.mark.parametrize(
    ("name", "new", "says"),
    [
        ("guideline/rules.dl", RULES.replace("W >= 6", "W >= 5").encode(), "guideline/rules.dl is not the file"),
        ("certificates/waits.json", b"{}", "certificates/waits.json is not the file"),
        ("manifest.json", b"{}", "not signed by the key"),
        ("manifest.sig", b"00", "not signed by the key"),
        ("guideline/reviews/ada.jsonl", None, "reviews/ada.jsonl is missing"),
        ("guideline/more.dl", b"% more", "more.dl is not in the manifest"),
        ("../outside.dl", b"", "a file that no release has"),
    ],
)
def test_a_changed_bundle_is_refused(toy: Path, name: str, new: bytes | None, says: str) -> None:
    made(toy)
    path = toy.parent / "changed.zip"
    path.write_bytes(changed((toy.parent / "r.zip").read_bytes(), name, new))
    with pytest.raises(InputError, match=says):
        verified(toy, path)
    assert not (toy.parent / "outside.dl").exists()


def test_any_one_byte_changed_is_refused(toy: Path) -> None:
    """Wherever it is: the archive is damaged, or what was signed is not what is there."""
    made(toy)
    content = (toy.parent / "r.zip").read_bytes()
    path = toy.parent / "changed.zip"
    refused = kept = 0
    for place in range(0, len(content), max(1, len(content) // 150)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        try:
            verified(toy, path)
        except InputError:
            refused += 1
        else:  # bytes of the archive that say nothing: a time, a version
            kept += 1
    assert refused > 120
    assert kept < 30


def test_another_key_is_refused(toy: Path) -> None:
    made(toy)
    new_key(toy.parent / "other")
    with pytest.raises(InputError, match="not signed by the key"):
        verify_bundle(toy.parent / "r.zip", read_public(toy.parent / "other.pub"), toy.parent / "scratch")


def test_keys_are_for_their_owner_and_never_written_over(toy: Path) -> None:
    assert (toy.parent / "key").stat().st_mode & 0o077 == 0
    with pytest.raises(InputError, match="never written over"):
        CliRunner().invoke(release, ["key", "--out", str(toy.parent / "key")], catch_exceptions=False)
