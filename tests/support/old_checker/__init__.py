"""The certificate checker as it was before it was rewritten in four modules: a second opinion on certificates.

It reads rule text laxly (it was never told to be strict), so it is asked about certificates only. It goes with the
next release.
"""

from .proofs import check
from .rules import Rejected, read_rules

__all__ = ["Rejected", "check", "read_rules"]
