"""Check a certificate cold: `python -m guidelog.checker CERTIFICATE.json GUIDELINE_FOLDER PATIENT.json`.

Reads three places and asks the checker; standard library only, like the checker itself. The record is JSON here; the
command `guidelog check-certificate` takes YAML too.
"""

from __future__ import annotations

import json
import pathlib
import sys
import tomllib

from . import MALFORMED, Rejected, check, read_rules


def main(argv: list[str]) -> int:
    """Exit code 0 when accepted, 1 when rejected, 2 when it cannot be checked."""
    try:
        certificate, folder, patient = map(pathlib.Path, argv)
        document, record = (json.loads(path.read_bytes()) for path in (certificate, patient))
        files = {path.name: path.read_bytes().decode() for path in folder.glob("*.dl")}
        book = read_rules(files, document["guideline"]["readings"])
        claims = check(document, book, record, tomllib.loads((folder / "guideline.toml").read_text("utf-8")))
    except (Rejected, OSError, *MALFORMED) as error:
        sys.stderr.write(f"{'rejected' if isinstance(error, Rejected) else 'cannot be checked'}: {error}\n")
        return 1 if isinstance(error, Rejected) else 2
    sys.stdout.write("".join(f"{line}\n" for line in ("accepted:", *map(json.dumps, claims))))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
