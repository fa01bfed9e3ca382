"""Every surface shows the one description of an answer: none drops or adds a status, a caution, a note or an emergency.

A renderer is registered with what it makes of answers, as text. The tests walk vignettes and made-up patients through
all of them, and show that a renderer from which one line is taken fails.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from explaining import lumbar
from guidelog.explain.answers import Answers
from guidelog.explain.description import Description, describe
from guidelog.fhir.writing import guidance_response
from guidelog.patients import patient_from_content, read_patient, read_text
from guidelog.pipeline import ask
from guidelog.text import answers as text
from guidelog.web.pages.clinician import view
from guidelog.web.pages.clinician.live import Live
from guidelog.web.pages.templating import environment
from guidelog.wording.presentation import EMERGENCIES, presentation

VIGNETTES = sorted((Path(__file__).parents[2] / "kb" / "lumbar_radiculopathy" / "vignettes").glob("*.yaml"))


def in_text(answers: Answers) -> str:
    return text.render_answers(answers, None)


def in_short_text(answers: Answers) -> str:
    return text.render_answers(answers, answers.guideline.main)


def in_fhir(answers: Answers) -> str:
    """The words of the bundle in the order in which a reader of resources meets them."""
    bundle = guidance_response.answers_to_fhir(answers, None)

    def words(value: object) -> Iterator[str]:
        if isinstance(value, dict):
            for part in value.values():
                yield from words(part)
        elif isinstance(value, list):
            for part in value:
                yield from words(part)
        elif isinstance(value, str):
            yield value

    plan = next(e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == "CarePlan")
    verdicts = [f"{a['detail']['code']['text']}: {a['detail']['statusReason']['text']}" for a in plan["activity"]]
    return "\n".join((*words(bundle), *verdicts))


def in_page(answers: Answers) -> str:
    """The words of the clinician's page: its verdict and its answers."""
    shown = view.shown_of(lumbar(), Live(answers, None, {}, {}), {}, pathway=False)
    values = {"view": view.View(None, (), (), shown), "oob": False}
    parts = [environment().get_template(name).render(**values) for name in ("verdict.html", "results.html")]
    return html.unescape(re.sub(r"<[^>]*>", "", re.sub(r"(?=<(?:p|h\d|li|div|section)\b)", "\n", "\n".join(parts))))


RENDERERS: dict[str, Callable[[Answers], str]] = {
    "text": in_text,
    "short text": in_short_text,
    "FHIR": in_fhir,
    "page": in_page,
}


def flat(shown: str) -> str:
    return re.sub(r"\s+", " ", shown).casefold()


def missing_from(shown: str, found: Description) -> list[str]:
    """What a surface does not show of a description."""
    page = flat(shown)
    wanted = []
    for entry in found.entries:
        wanted += [told.says for told in (*entry.cautions, *entry.notes)]
        verdict = flat(f"{entry.answer.label}: {entry.shown.word}")
        listed = re.search(rf"{re.escape(flat(entry.shown.word))}: [^:]*{re.escape(flat(entry.answer.label))}", page)
        if verdict not in page and not listed:
            wanted.append(verdict)
    wanted += [told.says for told in found.also]
    if found.emergency:
        wanted += [*found.emergency.act, *found.emergency.because, found.emergency.call]
    wanted += [*found.not_read, *found.remarks]
    return [one for one in wanted if flat(one) not in page]


def added_by(shown: str, found: Description) -> list[str]:
    """Emergencies that a surface shows and the description does not know."""
    verdicts = {flat(f"{e.answer.label}: {e.shown.word}") for e in found.entries}
    alarming = [flat(f": {presentation(status).word}") for status in EMERGENCIES]
    told = [line for line in map(flat, shown.splitlines()) if any(line.endswith(word) for word in alarming)]
    return [line for line in told if line not in verdicts]


def answered() -> Iterator[Answers]:
    compiled = lumbar()
    for path in VIGNETTES[::9]:
        yield ask(compiled, read_patient(read_text(path), compiled.names.vocabulary))
    flags = [n for n, f in compiled.names.vocabulary.findings.items() if f.screen == "red_flags"]
    for flag in flags[:3]:
        content = {
            "patient": "made-up",
            "findings": {flag: "present", "chronic_radiculopathy": "present", "level_l5_s1": "present"},
            "not_read": [{"source": "Observation/7", "display": "a report", "reason": "a code that is not known"}],
        }
        patient = patient_from_content(content, compiled.names.vocabulary)
        yield ask(compiled, patient, [compiled.guideline.main[1]])


ANSWERED = list(answered())


@pytest.mark.parametrize("name", RENDERERS)
def test_every_surface_shows_the_whole_description(name: str) -> None:
    for answers in ANSWERED:
        shown, found = RENDERERS[name](answers), describe(answers)
        assert missing_from(shown, found) == [], answers.patient.id
        assert added_by(shown, found) == [], answers.patient.id


@pytest.mark.parametrize("name", RENDERERS)
def test_an_emergency_comes_first_on_every_surface(name: str) -> None:
    """Before the status of anything else, also where nobody asked about what is urgent."""
    seen = 0
    for answers in ANSWERED:
        found = describe(answers)
        if found.emergency is None:
            continue
        seen += 1
        page = flat(RENDERERS[name](answers))
        others = [e for e in found.entries if not e.shown.emergency]
        places = [page.find(flat(f"{e.answer.label}: {e.shown.word}")) for e in others]
        assert page.index(flat(found.emergency.act[0])) < min((p for p in places if p >= 0), default=len(page))
    assert seen >= 3


@pytest.mark.parametrize(
    ("module", "line", "name"),
    [
        (text, "_told", "text"),
        (text, "_emergency", "text"),
        (text, "_record", "short text"),
        (text, "_also", "short text"),
        (text, "_others", "short text"),
    ],
)
def test_a_renderer_without_one_of_its_lines_is_noticed(
    module: object, line: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, line, lambda *_: None)
    assert [m for answers in ANSWERED for m in missing_from(RENDERERS[name](answers), describe(answers))]


def test_a_description_that_loses_a_note_in_fhir_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    bare = lambda answers: replace(describe(answers), also=(), entries=())  # noqa: E731
    monkeypatch.setattr(guidance_response, "describe", bare)
    assert [m for answers in ANSWERED for m in missing_from(in_fhir(answers), describe(answers))]


def test_a_page_that_loses_its_cautions_and_notes_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    bare = lambda answers: replace(describe(answers), also=(), not_read=(), remarks=())  # noqa: E731
    monkeypatch.setattr(view, "describe", bare)
    assert [m for answers in ANSWERED for m in missing_from(in_page(answers), describe(answers))]


def test_the_description_is_plain_data() -> None:
    for answers in ANSWERED[:3]:
        assert json.loads(json.dumps(describe(answers).to_json()))["entries"]
