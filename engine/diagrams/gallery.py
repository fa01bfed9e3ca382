"""The pictures that reviewers look at: a folder described by its own `gallery.toml`, made again by one command.

Pathway, rule map, and for each listed patient the patient view, a proof and a refusal, as SVG with a text outline; PNG
for those that the README shows. The same guideline gives the same files, so that an edit of a rule is a picture to
review.
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from guidelog.compiled import Compiled
from guidelog.diagnostics import InputError
from guidelog.explain.answers import Answers
from guidelog.explain.description import describe
from guidelog.wording import STATUS

from .interchange import Picture
from .pathway.derive import infer
from .pathway.overlay import Links
from .pictures import pathway_picture, patient_picture, proof_picture, refusal_picture, rendered, rules_picture

CONFIG = "gallery.toml"
README = "README.md"
_KEYS = {"name", "file", "title", "proof", "why_not", "png"}


@dataclass(frozen=True, slots=True)
class Entry:
    """A patient of the gallery: the record's path from the folder, and what to prove and to refuse."""

    name: str
    file: str
    title: str
    proof: str
    why_not: str
    png: bool = False


@dataclass(frozen=True, slots=True)
class Gallery:
    """What a folder of pictures shows; `rules` is the path from it to the rule files, for links."""

    rules: str | None
    entries: tuple[Entry, ...]


def read_gallery(folder: Path) -> Gallery:
    """The description of a folder. Raises InputError (GL620)."""
    path = folder / CONFIG
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError.of(
            "GL620",
            f"`{path}` cannot be read: {(error.strerror or 'error').lower()}",
            hint="it lists the patients to show; docs/diagrams.md has an example",
        ) from None
    except ValueError as error:
        raise InputError.of("GL620", f"`{path}` is not TOML: {error}") from None
    entries = []
    for item in data.get("patients", []):
        unknown = sorted(set(item) - _KEYS)
        missing = sorted(_KEYS - {"png"} - set(item))
        if unknown or missing:
            words = [f"no key `{k}`" for k in unknown] + [f"`{k}` is missing" for k in missing]
            raise InputError.of("GL620", f"`{path}`: a patient has {', '.join(words)}")
        texts = {k: str(v) for k, v in item.items() if k != "png"}
        entries.append(Entry(**texts, png=bool(item.get("png", False))))
    return Gallery(data.get("rules"), tuple(entries))


def gallery_files(
    compiled: Compiled, gallery: Gallery, answers_of: Callable[[str], Answers]
) -> Iterator[tuple[str, bytes]]:
    """All files of the folder, by name; `answers_of` answers for a record by its path. Raises PaintError."""
    links = Links(gallery.rules)
    found = infer(compiled)
    shown: list[tuple[str, Picture, bool]] = [
        ("", pathway_picture(compiled, links, found), True),
        ("", rules_picture(compiled.guideline, compiled.program, compiled.names, links), True),
    ]
    texts: list[tuple[Entry, Answers]] = []
    for entry in gallery.entries:
        answers = answers_of(entry.file)
        texts.append((entry, answers))
        by_name = {a.intervention: a for a in answers.answers}
        for name in (entry.proof, entry.why_not):
            if name not in by_name:
                raise InputError.of("GL620", f"`{entry.name}`: there is no intervention `{name}`")
        shown += [
            (f"{entry.name}-", patient_picture(compiled, answers, links, found), entry.png),
            (f"{entry.name}-", proof_picture(compiled, answers, by_name[entry.proof], links), entry.png),
            (f"{entry.name}-", refusal_picture(compiled, answers, by_name[entry.why_not], links), entry.png),
        ]
    for prefix, picture, png in shown:
        for format_ in ("svg", "text", *(("png",) if png else ())):
            for name, content in rendered(picture, format_):
                yield prefix + name, content
    yield README, _readme(compiled, gallery, texts, shown).encode()


def _readme(
    compiled: Compiled, gallery: Gallery, texts: list[tuple[Entry, Answers]], shown: list[tuple[str, Picture, bool]]
) -> str:
    guideline = compiled.guideline
    pages = {prefix + picture.name: [prefix + scene.name for scene in picture.scenes] for prefix, picture, _ in shown}

    def files(name: str) -> str:
        words = [f"[{'SVG' if i == 0 else f'page {i + 1}'}]({page}.svg)" for i, page in enumerate(pages[name])]
        return ", ".join([*words, f"[text]({name}.txt)"])

    out = [
        f"# {guideline.title}: pictures",
        "",
        (
            f"Guideline {guideline.id} {guideline.version}, review status: {guideline.review}. "
            "Every picture is derived from the rules; none is drawn. "
            "Do not edit these files: `guidelog diagram all --out diagrams` makes them again, and a test compares. "
            "Which patients are shown is in [gallery.toml](gallery.toml); how to read the pictures is in "
            "[docs/diagrams.md](../docs/diagrams.md)."
        ),
        "",
        f"## The pathway ({files('pathway')})",
        "",
        "![The pathway; the text outline says the same in words](pathway.png)",
        "",
        f"## The rule map, for authors ({files('rules')})",
        "",
        "![The rule map; the text outline says the same in words](rules.png)",
        "",
        "## Patients",
        "",
        "| patient | in one sentence | on the pathway | proof | why not |",
        "|---|---|---|---|---|",
    ]
    for entry, answers in texts:
        by_name = {a.intervention: a for a in answers.answers}
        proof = f"{by_name[entry.proof].label}: {STATUS[by_name[entry.proof].status]}. {files(entry.name + '-proof')}"
        refusal = (
            f"{by_name[entry.why_not].label}: {STATUS[by_name[entry.why_not].status]}. {files(entry.name + '-why-not')}"
        )
        out.append(
            f"| {entry.title} | {describe(answers).headline} | {files(entry.name + '-patient')} | {proof} | {refusal} |"
        )
    for entry in (e for e in gallery.entries if e.png):
        out += ["", f"### {entry.title}", ""]
        for kind, words in (("patient", "on the pathway"), ("proof", "a proof"), ("why-not", "a refusal")):
            for page in pages[f"{entry.name}-{kind}"]:
                out += [f"![{entry.title}: {words}; the text outline says the same in words]({page}.png)", ""]
    return "\n".join(out).rstrip() + "\n"
