"""The templates of all pages, and the values that each of them needs."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from guidelog import wording
from guidelog.compiled import Compiled

HERE = Path(__file__).parent.parent
TEMPLATES, STATIC = HERE / "templates", HERE / "static"
_MARKED = re.compile(r"`([^`]*)`")


def shared_values(compiled: Compiled) -> dict[str, Any]:
    """What every page says of its guideline."""
    return {
        "guideline": compiled.guideline,
        "names": compiled.names,
        "readings": compiled.readings,
        "disclaimer": " ".join(compiled.guideline.disclaimer.split()),
    }


@cache
def environment() -> jinja2.Environment:
    """The templates. Every value is escaped; a name that is not there is an error."""
    found = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.filters["sentence"] = wording.sentence
    found.filters["dashed"] = lambda text: str(text).replace("_", "-")
    found.filters["prose"] = _prose
    found.globals["wording"] = wording
    found.globals["asset"] = _asset
    found.globals["safe_svg"] = Markup  # pictures only: made by guidelog, with every label escaped
    return found


def _prose(text: object) -> str:
    """A sentence of an author without the marks of code: `a_name` is “a name”."""
    return _MARKED.sub(lambda m: f"“{m[1].replace('_', ' ')}”", str(text))


@cache
def _asset(name: str) -> str:
    """The address of a static file, with its content's hash so that a browser may keep it."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]
    return f"/static/{name}?{digest}"
