"""Check a certificate cold: `python -m guidelog.checker CERTIFICATE.json GUIDELINE_FOLDER PATIENT.json`.

Reads three places and asks the checker; standard library only, like the checker itself. The record is JSON here; the
command `guidelog check-certificate` takes YAML too.
"""

from __future__ import annotations

import json
import pathlib
import sys
import tomllib

from . import MALFORMED, Rejected, check, read_json, read_rules


def main(argv: list[str]) -> int:
    """Exit code 0 when accepted, 1 when rejected, 2 when it cannot be checked.

    The readings in force are those that the guideline declares and its guideline.toml chooses.
    """
    try:
        certificate, folder, patient = map(pathlib.Path, argv)
        document, record = (read_json(path.read_bytes().decode()) for path in (certificate, patient))
        files = {path.name: path.read_bytes().decode("utf-8-sig") for path in folder.glob("*.dl")}
        guideline = tomllib.loads((folder / "guideline.toml").read_bytes().decode("utf-8-sig"))
        book = read_rules(files, guideline.get("readings", {}))
        claims = check(document, book, record, guideline)
    except (Rejected, OSError, *MALFORMED) as error:
        sys.stderr.write(f"{'rejected' if isinstance(error, Rejected) else 'cannot be checked'}: {error}\n")
        return 1 if isinstance(error, Rejected) else 2
    lines = (f"accepted under readings {json.dumps(book.readings)}:", *map(json.dumps, claims))
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
