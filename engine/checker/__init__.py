"""The independent checker: does a certificate prove its claims, given the rule text and the patient record.

It reads both by itself, as docs/language.md and docs/certificates.md have it, and shares nothing with the engine; of
Python it uses the standard library only. Five modules, to be read in this order: `syntax` reads a rule text,
`grounding` makes its ground instances, `record` reads what is known of the patient, `cases` what a proof assumes beyond
that, `steps` checks every step of a certificate. `python -m guidelog.checker CERTIFICATE FOLDER PATIENT` runs it alone.
"""

from .grounding import MALFORMED, Rulebook, read_rules
from .record import read_json
from .steps import check
from .syntax import Rejected

__all__ = ["MALFORMED", "Rejected", "Rulebook", "check", "read_json", "read_rules"]
