"""guidelog: clinical guidelines as Datalog, with answers that carry proofs.

    import guidelog

    guideline = guidelog.load("kb/lumbar_radiculopathy")
    print(guideline.ask("kb/lumbar_radiculopathy/vignettes/seed.yaml"))

What `__all__` names is the public interface, described in docs/api.md and in `guidelog.api`; its names are loaded when
they are first used, so that importing the package costs nothing. Every other module is internal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.2.0"

__all__ = [
    "Answer",
    "Answers",
    "Because",
    "CertificateError",
    "Changes",
    "Diagnostic",
    "Explanation",
    "Guideline",
    "GuidelogError",
    "InputError",
    "Missing",
    "Patient",
    "Report",
    "Status",
    "__version__",
    "check_certificate",
    "load",
]

if TYPE_CHECKING:
    from .api import (
        Answer,
        Answers,
        Because,
        CertificateError,
        Changes,
        Diagnostic,
        Explanation,
        Guideline,
        GuidelogError,
        InputError,
        Missing,
        Patient,
        Report,
        Status,
        check_certificate,
        load,
    )


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import api

    return getattr(api, name)


def __dir__() -> list[str]:
    return sorted(__all__)
