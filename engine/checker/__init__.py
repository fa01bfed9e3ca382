"""The independent checker: does a certificate prove its claims, given the rule text and the patient record.

It reads both by itself, as docs/language.md and docs/certificates.md have it, and shares nothing with the engine; of
Python it uses the standard library only. Both of its modules are set wide and tight, because together they have to stay
short enough to be audited: `rules` reads a rule text, `proofs` checks every step of a certificate against it.
"""

from .proofs import check
from .rules import MALFORMED, Rejected, Rulebook, read_rules

__all__ = ["MALFORMED", "Rejected", "Rulebook", "check", "read_rules"]
