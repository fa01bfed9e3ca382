"""A release bundle, checked cold: signature, hash of every file, every certificate by the checker, the sign-offs.

Nothing in it is believed before the signature of the manifest holds under the key that the caller trusts, and no file
before its hash is the manifest's. Sizes are bounded before anything is unpacked; nothing is written outside a
scratch folder of our own. Properties are not proved again; `guidelog verify` does that on the unpacked guideline.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from guidelog import checker
from guidelog.diagnostics import InputError
from guidelog.files import make_folder, write_bytes
from guidelog.language.guideline import read_guideline
from guidelog.pipeline import compile_guideline
from guidelog.signoff.standing import APPROVED, standing

from .release import FORMAT, MANIFEST, SIGNATURE

MOST_BYTES = 500_000_000
MOST_FILES = 50_000


@dataclass(frozen=True, slots=True)
class Verified:
    """A bundle that holds."""

    id: str
    version: str
    sha256: str
    made_on: str
    files: int
    certificates: int
    claims: int
    reviewers: tuple[str, ...]


def verify_bundle(path: Path, key: Ed25519PublicKey, scratch: Path) -> Verified:
    """What a bundle proves. Raises InputError (GL643) saying what does not hold."""
    files = _unpacked(path)
    manifest = _manifest(files, key)
    _hashes(manifest, files)
    folder = scratch / "guideline"
    for name, content in files.items():
        place = PurePosixPath(name)
        if place.parts[0] == "guideline":
            target = folder.joinpath(*place.parts[1:])
            make_folder(target.parent)
            write_bytes(target, content)
    guideline = read_guideline(folder)
    said = manifest["guideline"]
    if (guideline.id, guideline.version, guideline.sha256) != (said["id"], said["version"], said["sha256"]):
        raise _broken("the guideline in the bundle is not the one that the manifest names")
    claims = _certificates(files, guideline.files, manifest)
    state = standing(compile_guideline(guideline, manifest["readings"]))
    if state.status != APPROVED or manifest["status"] != APPROVED:
        short = ", ".join(s.statement for s in state.missing[:8])
        raise _broken(f"the sign-offs in the bundle do not make it approved: {short}")
    people = dict.fromkeys(
        f"{s.entry.by} ({s.entry.role})" for item in state.statements.values() for s in item.signoffs
    )
    certificates = sum(name.startswith("certificates/") for name in files)
    return Verified(
        guideline.id,
        guideline.version,
        guideline.sha256,
        manifest["made_on"],
        len(files),
        certificates,
        claims,
        tuple(people),
    )


def _unpacked(path: Path) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(path) as archive:
            _bounded(archive.infolist())
            return {info.filename: _content(archive, info) for info in archive.infolist()}
    except OSError as error:
        raise InputError.of("GL643", f"`{path}` cannot be read: {(error.strerror or 'error').lower()}") from None
    except (zipfile.BadZipFile, zlib.error, ValueError, NotImplementedError, RuntimeError, EOFError):
        raise _broken("it is not a whole ZIP file, or something in it was changed") from None


def _bounded(listed: list[zipfile.ZipInfo]) -> None:
    if len(listed) > MOST_FILES or sum(i.file_size for i in listed) > MOST_BYTES:
        raise _broken(f"it has more than {MOST_FILES:,} files or {MOST_BYTES:,} bytes")
    if len({i.filename for i in listed}) != len(listed):
        raise _broken("it has two files of one name")
    for info in listed:
        place = PurePosixPath(info.filename)
        if place.is_absolute() or ".." in place.parts or "\\" in info.filename or not place.parts:
            raise _broken(f"it has a file that no release has: {info.filename!r}")


def _content(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    with archive.open(info) as member:
        content = member.read(info.file_size + 1)
    if len(content) != info.file_size:
        raise _broken(f"the size of {info.filename!r} is not the one it claims")
    return content


def _manifest(files: Mapping[str, bytes], key: Ed25519PublicKey) -> dict[str, Any]:
    text, signature = files.get(MANIFEST), files.get(SIGNATURE)
    if text is None or signature is None:
        raise _broken("it has no signed manifest")
    try:
        key.verify(bytes.fromhex(signature.decode("ascii").strip()), text)
    except (InvalidSignature, ValueError):
        own = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw).hex()
        raise _broken(f"the manifest is not signed by the key {own[:16]}…") from None
    manifest = json.loads(text)
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise _broken(f"its format is not {FORMAT}")
    return manifest


def _hashes(manifest: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
    listed = manifest["files"]
    for name in sorted({*files, *listed} - {MANIFEST, SIGNATURE}):
        if name not in listed:
            raise _broken(f"{name} is not in the manifest")
        if name not in files:
            raise _broken(f"{name} is missing")
        if hashlib.sha256(files[name]).hexdigest() != listed[name]:
            raise _broken(f"{name} is not the file that was signed")


def _certificates(files: Mapping[str, bytes], rules: Mapping[str, str], manifest: Mapping[str, Any]) -> int:
    rulebook = checker.read_rules(rules, manifest["readings"])
    identity = {key: manifest["guideline"][key] for key in ("id", "version")}
    count = 0
    for name in sorted(files):
        place = PurePosixPath(name)
        if place.parts[0] != "certificates":
            continue
        record = files.get(f"records/{place.name}")
        if record is None:
            raise _broken(f"{name} has no record")
        try:
            count += len(checker.check(json.loads(files[name]), rulebook, json.loads(record), guideline=identity))
        except (checker.Rejected, ValueError, *checker.MALFORMED) as error:
            raise _broken(f"{name}: the independent checker rejects it: {error}") from None
    return count


def _broken(says: str) -> InputError:
    return InputError.of("GL643", f"this bundle cannot be trusted: {says}")
