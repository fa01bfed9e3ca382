"""A guideline as a circuit of bits: the same rules for one patient in microseconds, and for millions at once."""

from .circuit import All, Any, Circuit, Constant, End, Gate, Known, Not, Reaches
from .plan import Advice, Plan, Probe, RuleBit, plan_of

__all__ = [
    "Advice",
    "All",
    "Any",
    "Circuit",
    "Constant",
    "End",
    "Gate",
    "Known",
    "Not",
    "Plan",
    "Probe",
    "Reaches",
    "RuleBit",
    "plan_of",
]
