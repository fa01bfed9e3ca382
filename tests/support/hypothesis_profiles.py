"""How hard Hypothesis tries: a quick and repeatable look by default, `--hypothesis-profile=deep` for thousands of
examples.

Imported by conftest.py, because the option is read before any test is collected.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, settings

DEEP = 2000
"""Examples of each property in the deep profile."""

_CALM = settings(
    deadline=None,
    database=None,
    print_blob=False,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)

# Making a failing guideline small takes minutes, which CI has not.
_QUICK = [Phase.explicit, Phase.generate, *([] if "CI" in os.environ else [Phase.shrink])]

settings.register_profile("quick", _CALM, derandomize=True, phases=_QUICK)
settings.register_profile("deep", _CALM, max_examples=DEEP)
settings.load_profile("quick")


def is_deep() -> bool:
    """Whether this is a deep run."""
    return settings.get_current_profile_name() == "deep"


def examples(quick: int) -> settings:
    """So many examples in a quick run, all of them in a deep one."""
    return settings(max_examples=DEEP if is_deep() else quick)
