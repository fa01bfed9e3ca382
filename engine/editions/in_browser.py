"""The clinician's pages without a server: what runs under Pyodide in a published file.

The same engine, checker, templates and pages as `guidelog serve`; only the way from the form to them is another. It is
started by static/edition.js, which calls `respond`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import yaml

from guidelog.compiled import Compiled
from guidelog.diagnostics import CertificateError
from guidelog.diagrams.drawing.paint import paint_with
from guidelog.explain.description import describe
from guidelog.language.guideline import read_guideline
from guidelog.patients import remarks
from guidelog.pipeline import ask, compile_guideline
from guidelog.semantics.one_patient import CircuitEngine
from guidelog.web.pages.clinician.entry import BadForm, Entry, read_record
from guidelog.web.pages.clinician.examples import Example, example
from guidelog.web.pages.clinician.explanation import explain
from guidelog.web.pages.clinician.posts import (
    Posted,
    hidden_fields,
    page_values,
    posted_of,
    pressed,
    recorded_now,
)
from guidelog.web.pages.clinician.upload import read_file
from guidelog.web.pages.clinician.view import REJECTED, certificate, view
from guidelog.web.pages.templating import environment, shared_values
from guidelog.workbench.vignettes.vignette import read_vignette, vignette_files

LARGEST = 1_000_000
TOKEN = "edition"


class Pages:
    """The pages of one guideline, in this process."""

    def __init__(
        self, folder: str, offered: tuple[Example, ...], graphviz: Callable[[str, str, str], str] | None
    ) -> None:
        if graphviz is not None:
            paint_with(lambda dot, format_, layout: graphviz(dot, format_, layout).encode())
        self.compiled: Compiled = compile_guideline(read_guideline(Path(folder)), {}).on(CircuitEngine)
        self.offered = offered

    def respond(self, path: str, body: str, *, part: bool = True) -> tuple[int, str, str]:
        """Status, name of a file to keep (empty for a page), and text, for what a form sends."""
        fields = parse_qsl(body, keep_blank_values=True, max_num_fields=3000)
        try:
            return self._answered(path, posted_of(fields, self.compiled), part=part)
        except BadForm as error:
            return 400, "", str(error)

    def load(self, name: str, content: bytes) -> tuple[int, str, str]:
        """The page of a patient's file."""
        found = read_file(self.compiled, (name, content))
        return 200, "", self._page(Posted(found.entry or self.nobody()), "patient.html", loaded=found)

    @staticmethod
    def content(buffer: Any) -> bytes:
        """The bytes of a file that JavaScript has."""
        return bytes(buffer.to_bytes())

    def answers(self, vignette: str) -> str:
        """A vignette's answers as `guidelog ask --format json` has them: to compare the two."""
        path = next(p for p in vignette_files(self.compiled.guideline) if p.stem == vignette)
        found = ask(self.compiled, read_vignette(path, self.compiled.names).patient)
        said = {
            **found.to_json(),
            "description": describe(found).to_json(),
            "remarks": [remark.to_json() for remark in remarks(found.patient)],
        }
        return json.dumps(said, ensure_ascii=False, indent=2) + "\n"

    def nobody(self) -> Entry:
        """The empty form."""
        return Entry(patient="new-patient", as_of=date.today().isoformat())  # noqa: DTZ011 - the day where it is read

    def _answered(self, path: str, posted: Posted, *, part: bool) -> tuple[int, str, str]:
        match path:
            case "/live":
                return 200, "", self._page(posted, "live.html")
            case "/explain":
                found = explain(self.compiled, posted.entry, posted.explain)
                if found is None:
                    raise BadForm("there are no answers to explain")
                values: dict[str, Any] = {"explanation": found, "hidden": hidden_fields(posted.entry)}
                return 200, "", self._render("explanation.html", part=False, **values)
            case "/record":
                patient, problems = read_record(posted.entry, self.compiled.names.vocabulary)
                if patient is None or problems:
                    raise BadForm("a record with a field that cannot be read is not saved")
                text = yaml.safe_dump(dict(patient.content), allow_unicode=True, sort_keys=False, width=110)
                return 200, "patient.yaml", text
            case "/certificate":
                try:
                    written = certificate(self.compiled, posted.entry)
                except CertificateError:
                    return 500, "", REJECTED
                if written is None:
                    raise BadForm("there are no answers to certify")
                return 200, "certificate.json", written
            case _:
                kind, _, name = posted.button.partition(" ")
                if kind == "example":
                    entry = example(self.compiled, name)
                    return 200, "", self._page(Posted(entry or self.nobody()), "patient.html", part=part)
                done = recorded_now(self.compiled, posted)
                return 200, "", self._page(pressed(self.compiled, posted), "patient.html", done=done, part=part)

    def _page(self, posted: Posted, template: str, *, loaded: Any = None, done: Any = None, part: bool = True) -> str:
        found = view(self.compiled, posted.entry, posted.before, posted.pathway)
        values = page_values(posted, found, template, loaded, done, self.offered)
        return self._render(template, part=part, fresh=False, largest=LARGEST, **values)

    def _render(self, template: str, *, part: bool, **values: Any) -> str:
        shared = shared_values(self.compiled)
        fixed = {"token": TOKEN, "token_field": "token", "compares": False, "partial": part}
        return environment().get_template(template).render(**shared, **fixed, **values)
