"""Check a certificate cold: `python -m guidelog.certificate.cold CERTIFICATE.json GUIDELINE_FOLDER PATIENT.json`.

Reads three places and asks the checker; standard library only, like the checker itself. The record is JSON here; the command
`guidelog check-certificate` takes YAML too.
"""

from __future__ import annotations

import json
import pathlib
import sys
import tomllib

from .checker import MALFORMED, Rejected, check, read_rules


def main(argv: list[str]) -> int:
    """Checks `CERTIFICATE.json GUIDELINE_FOLDER PATIENT.json`: 0 if accepted, 1 if rejected, 2 if it cannot be checked."""
    try:
        certificate, folder, patient = map(pathlib.Path, argv)
        (document, record), files = (json.loads(path.read_bytes()) for path in (certificate, patient)), folder.glob("*.dl")
        book = read_rules({path.name: path.read_bytes().decode() for path in files}, document["guideline"]["readings"])
        claims = check(document, book, record, tomllib.loads((folder / "guideline.toml").read_text("utf-8")))
    except (Rejected, OSError, *MALFORMED) as error:
        print("rejected:" if isinstance(error, Rejected) else "cannot be checked:", error, file=sys.stderr)
        return 1 if isinstance(error, Rejected) else 2
    print("accepted:", *map(json.dumps, claims), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
