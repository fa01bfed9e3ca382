"""The release of a guideline: refused while anything is missing, else one signed bundle with all that it rests on.

A bundle is a ZIP file: the guideline's files with vignettes and sign-offs, a certificate and the record for each
vignette, the pathway, the changes from an older version, and `manifest.json` with the SHA-256 of each of them, signed
with Ed25519. The same inputs give the same bytes. `bundle_check` reads it without trusting anything in it.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from guidelog import __version__
from guidelog.compiled import Compiled
from guidelog.diagnostics import InputError
from guidelog.diagrams.drawing.paint import PaintError
from guidelog.diagrams.pictures import pathway_picture, rendered
from guidelog.files import write_bytes
from guidelog.pipeline import ask, compile_guideline
from guidelog.signoff.standing import APPROVED, standing
from guidelog.solver.literals import Budget
from guidelog.verify.diff.compare import compare
from guidelog.verify.diff.revisions import read_version
from guidelog.verify.properties.language import read_properties
from guidelog.verify.properties.prove import verify as prove
from guidelog.verify.properties.verdicts import Result
from guidelog.workbench.lints.collect import review
from guidelog.workbench.vignettes.runner import run
from guidelog.workbench.vignettes.vignette import read_vignettes, vignette_files

FORMAT = "guidelog-release/1"
MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
_BEFORE_ALL = (1980, 1, 1, 0, 0, 0)
_KEPT = ("*.dl", "*.toml", "*.md", "vignettes/**/*.yaml", "reviews/*.jsonl", "reviews/*.toml")


@dataclass(frozen=True, slots=True)
class Refusals:
    """Why there is no release, by kind; empty when nothing stands in the way."""

    reasons: tuple[tuple[str, tuple[str, ...]], ...]

    def __bool__(self) -> bool:
        return bool(self.reasons)


def refusals(compiled: Compiled, seconds: float) -> Refusals:
    """All that stands in the way of a release: checks, sign-offs, properties, vignettes. Raises InputError."""
    found: list[tuple[str, tuple[str, ...]]] = []
    errors = [a.diagnostic for a in review(compiled.guideline, lints=False) if a.diagnostic.severity.value == "error"]
    found.append(("errors of the rules", tuple(f"{d.code}: {d.message}" for d in errors)))
    state = standing(compiled)
    found.append(
        (
            "statements that are not accepted as they are now",
            tuple(f"{s.statement}: {s.state}{_why(s.missing)}" for s in state.missing),
        )
    )
    if compiled.guideline.review != APPROVED:
        says = f"guideline.toml says review = {json.dumps(compiled.guideline.review)}, and a release needs `approved`"
        found.append(("status", (says,)))
    proved = prove(compiled, read_properties(compiled).choose(()), budget=Budget(seconds), rules=True)
    broken = [f"{v.id}: {v.result.value}: {v.says}" for v in proved.verdicts if v.result is not Result.PROVED]
    broken += [f"{r.about}: {r.kind}: {r.says}" for r in proved.remarks if r.kind == "conflict"]
    found.append(("properties that are not proved", tuple(broken)))
    vignettes = read_vignettes(vignette_files(compiled.guideline), compiled.names)
    failing = [o.vignette.name for o in run(compiled, vignettes) if not o.passed]
    found.append(("vignettes that do not come out as expected", tuple(failing)))
    return Refusals(tuple((kind, listed) for kind, listed in found if listed))


def _why(missing: tuple[str, ...]) -> str:
    return f", wants {', '.join(missing)}" if missing else ""


def bundle(compiled: Compiled, key: Ed25519PrivateKey, made_on: str, against: str | None, scratch: Path) -> bytes:
    """The signed bundle. What stands in the way is not asked again. Raises InputError, CertificateError."""
    files = dict(_contents(compiled, against, scratch))
    public = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    guideline = compiled.guideline
    manifest = {
        "format": FORMAT,
        "guideline": {"id": guideline.id, "version": guideline.version, "sha256": guideline.sha256},
        "readings": dict(compiled.readings),
        "status": standing(compiled).status,
        "made_on": made_on,
        "guidelog": __version__,
        "key": public.hex(),
        "files": {name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())},
    }
    text = (json.dumps(manifest, ensure_ascii=False, indent=1, sort_keys=True) + "\n").encode()
    files = {MANIFEST: text, SIGNATURE: key.sign(text).hex().encode() + b"\n", **files}
    return packed(files)


def packed(files: Mapping[str, bytes]) -> bytes:
    """A ZIP file of files, the same bytes for the same content."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, _BEFORE_ALL)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system, info.external_attr = 3, 0o644 << 16
            archive.writestr(info, files[name])
    return written.getvalue()


def _contents(compiled: Compiled, against: str | None, scratch: Path) -> Iterator[tuple[str, bytes]]:
    folder = compiled.guideline.folder
    for pattern in _KEPT:
        for path in sorted(folder.glob(pattern)):
            if path.is_file():
                yield f"guideline/{path.relative_to(folder).as_posix()}", path.read_bytes()
    for vignette in read_vignettes(vignette_files(compiled.guideline), compiled.names):
        answers = ask(compiled, vignette.patient, [])
        name = vignette.name
        yield f"certificates/{name}.json", _json(answers.certificate)
        yield f"records/{name}.json", _json(vignette.patient.content)
    try:
        for number, (_, content) in enumerate(rendered(pathway_picture(compiled), "svg"), 1):
            yield f"pictures/pathway-{number}.svg", content
    except PaintError:
        raise InputError.of("GL642", "the pathway cannot be drawn, and a release has it") from None
    if against is not None:
        version = read_version(against, scratch)
        old = compile_guideline(version.guideline)
        difference = compare(old, compiled, ask, budget=Budget(60.0))
        yield (
            "changes.json",
            _json({"from": {"version": old.guideline.version, "sha256": old.guideline.sha256}, **difference.to_json()}),
        )


def _json(content: Any) -> bytes:
    return (json.dumps(content, ensure_ascii=False, sort_keys=True, default=str) + "\n").encode()


def new_key(path: Path) -> str:
    """Write a new private key to `path` and its public half beside it (`.pub`); the public key. Raises OSError."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_bytes(path, private)
    public = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw).hex()
    write_bytes(path.with_name(path.name + ".pub"), public.encode() + b"\n", private=False)
    return public


def read_private(path: Path) -> Ed25519PrivateKey:
    """The private key in a PEM file. Raises InputError (GL645)."""
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except OSError as error:
        raise InputError.of("GL645", f"`{path}` cannot be read: {(error.strerror or 'error').lower()}") from None
    except (ValueError, TypeError):
        raise InputError.of("GL645", f"`{path}` is not a private key without a password, in PEM") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError.of("GL645", f"`{path}` is not an Ed25519 key")
    return key


def read_public(path: Path) -> Ed25519PublicKey:
    """The public key in a file: 64 hexadecimal characters. Raises InputError (GL645)."""
    try:
        return Ed25519PublicKey.from_public_bytes(bytes.fromhex(path.read_text(encoding="ascii").strip()))
    except OSError as error:
        raise InputError.of("GL645", f"`{path}` cannot be read: {(error.strerror or 'error').lower()}") from None
    except ValueError:
        raise InputError.of("GL645", f"`{path}` is not a public key: 64 hexadecimal characters") from None
