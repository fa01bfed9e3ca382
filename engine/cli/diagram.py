"""`guidelog diagram`: pathway, patient, proof, why-not, rules, diff, and all of a gallery."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from guidelog.diagnostics import InputError, Severity
from guidelog.diagrams.drawing.paint import BUNDLED, SYSTEM, PaintError
from guidelog.diagrams.interchange import Picture
from guidelog.diagrams.pathway.overlay import Links
from guidelog.diagrams.pictures import (
    FORMATS,
    pathway_picture,
    patient_picture,
    proof_picture,
    refusal_picture,
    rendered,
    rules_picture,
)
from guidelog.files import scratch, write_bytes
from guidelog.language.guideline import load_guideline
from guidelog.pipeline import ask, choose_interventions, compile_guideline
from guidelog.pipeline import check as run_checks

from .groups import CommandGroup
from .support.files import writing
from .support.options import guideline_option, load, patient_argument, read, reading_option

F = TypeVar("F", bound=Callable[..., Any])


@click.group(cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"]})
def diagram() -> None:
    """Draw a guideline, a patient on it, a proof, a refusal, the rules, or two versions.

    \b
    Examples:
      guidelog diagram pathway --out pathway.svg
      guidelog diagram patient kb/lumbar_radiculopathy/vignettes/seed.yaml --format text
    """


def drawing_options(function: F) -> F:
    """Add `--format`, `--out`, `--links`, `--painter`."""
    options = (
        click.option(
            "--format", "-f", "format_", type=click.Choice(FORMATS), help="[default: by the ending of --out, else svg]"
        ),
        click.option(
            "--out", "-o", type=click.Path(dir_okay=False, path_type=Path), help="Write to a file instead of stdout."
        ),
        click.option(
            "--links", metavar="BASE", help="Where the rule files can be read: rules are linked to BASE/FILE#L<line>."
        ),
        click.option(
            "--painter",
            type=click.Choice([BUNDLED, SYSTEM]),
            default=BUNDLED,
            show_default=True,
            help="The Graphviz that comes with guidelog, or the `dot` command of this machine.",
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


@diagram.command()
@guideline_option
@reading_option
@drawing_options
def pathway(guideline: str | None, readings: tuple[str, ...], **how: Any) -> None:
    """The pathway that the rules describe.

    \b
    Example:
      guidelog diagram pathway --format text
    """
    _write(pathway_picture(load(guideline, readings), Links(how["links"])), how)


@diagram.command()
@patient_argument
@guideline_option
@reading_option
@drawing_options
def patient(patient: str, guideline: str | None, readings: tuple[str, ...], **how: Any) -> None:
    """PATIENT on the pathway: reached, do now, not known, blocked.

    \b
    Example:
      guidelog diagram patient kb/lumbar_radiculopathy/vignettes/seed.yaml --out patient.svg
    """
    compiled = load(guideline, readings)
    _write(patient_picture(compiled, ask(compiled, read(compiled, patient)), Links(how["links"])), how)


@diagram.command()
@patient_argument
@click.argument("intervention", metavar="INTERVENTION")
@guideline_option
@reading_option
@drawing_options
def proof(patient: str, intervention: str, guideline: str | None, readings: tuple[str, ...], **how: Any) -> None:
    """Why the answer on INTERVENTION is what it is, down to the record.

    \b
    Example:
      guidelog diagram proof kb/lumbar_radiculopathy/vignettes/seed.yaml nerve_root_injection --out proof.svg
    """
    compiled = load(guideline, readings)
    (name,) = choose_interventions(compiled.names, [intervention])
    answers = ask(compiled, read(compiled, patient))
    answer = next(a for a in answers.answers if a.intervention == name)
    _write(proof_picture(compiled, answers, answer, Links(how["links"])), how)


@diagram.command(name="why-not")
@patient_argument
@click.argument("intervention", metavar="INTERVENTION")
@guideline_option
@reading_option
@drawing_options
def why_not(patient: str, intervention: str, guideline: str | None, readings: tuple[str, ...], **how: Any) -> None:
    """Which criteria stand between PATIENT and INTERVENTION.

    \b
    Example:
      guidelog diagram why-not kb/lumbar_radiculopathy/vignettes/seed.yaml surgical_referral --out why-not.svg
    """
    compiled = load(guideline, readings)
    (name,) = choose_interventions(compiled.names, [intervention])
    answers = ask(compiled, read(compiled, patient))
    answer = next(a for a in answers.answers if a.intervention == name)
    _write(refusal_picture(compiled, answers, answer, Links(how["links"])), how)


@diagram.command()
@guideline_option
@drawing_options
def rules(guideline: str | None, **how: Any) -> None:
    """The rule map, for authors: strata, negation, recursion, unused and undefined names. Drawn in spite of errors.

    \b
    Example:
      guidelog diagram rules --out rules.svg
    """
    from guidelog.language.names import names_of

    loaded = load_guideline(guideline)
    program, report = run_checks(loaded)
    if report.errors:
        count = sum(d.severity is Severity.ERROR for d in report.sorted())
        click.echo(f"the guideline has {count} {'error' if count == 1 else 'errors'}: see guidelog check", err=True)
    _write(rules_picture(loaded, program, names_of(program), Links(how["links"])), how)


@diagram.command()
@click.argument("old", metavar="OLD")
@click.argument("new", metavar="NEW")
@drawing_options
def diff(old: str, new: str, **how: Any) -> None:
    """Two versions on one pathway, with a change list and the proven effect of each edit.

    OLD and NEW are guideline folders, names in kb/, or git revisions `REV[:folder]`.

    \b
    Example:
      guidelog diagram diff kb/lumbar_radiculopathy kb/lumbar_radiculopathy --format text
    """
    from guidelog.diagrams.versions.page import diff_picture
    from guidelog.verify.diff.compare import compare
    from guidelog.verify.diff.revisions import read_version

    with scratch() as folder:
        versions = [read_version(what, folder / str(index)) for index, what in enumerate((old, new))]
        first, second = (compile_guideline(v.guideline) for v in versions)
        _write(diff_picture(first, second, compare(first, second, ask), Links(how["links"])), how)


@diagram.command(name="all")
@guideline_option
@click.option(
    "--out", "-o", type=click.Path(file_okay=False, path_type=Path), required=True, help="The folder with gallery.toml."
)
def all_(guideline: str | None, out: Path) -> None:
    """Make all pictures of a gallery again: the folder's gallery.toml says of which patients.

    Pictures and outlines in the folder that are no longer made are removed.

    \b
    Example:
      guidelog diagram all --out diagrams
    """
    from guidelog.diagrams.gallery import gallery_files, read_gallery

    gallery = read_gallery(out)
    compiled = load(guideline)
    made: set[str] = set()
    try:
        with writing(out):
            for name, content in gallery_files(
                compiled, gallery, lambda file: ask(compiled, read(compiled, str(out / file)))
            ):
                path = out / name
                if not path.is_file() or path.read_bytes() != content:
                    write_bytes(path, content, private=False)
                made.add(name)
            for path in sorted(out.iterdir()):
                if path.suffix in (".svg", ".png", ".txt") and path.name not in made:
                    path.unlink()
    except PaintError as error:
        raise _not_painted(error) from None
    click.echo(f"{len(made)} files in {out}", err=True)


def _write(picture: Picture, how: dict[str, Any]) -> None:
    """Every page into its file, or the picture to stdout."""
    out: Path | None = how["out"]
    format_ = how["format_"] or _by_ending(out)
    try:
        files = list(rendered(picture, format_, how["painter"]))
    except PaintError as error:
        raise _not_painted(error) from None
    if out is None:
        if len(files) > 1:
            click.echo(f"page 1 of {len(files)}; --out FILE writes them all", err=True)
        if format_ in ("png", "pdf") and sys.stdout.isatty():
            raise click.UsageError(f"a {format_.upper()} is not text: write it to a file with --out")
        click.echo(files[0][1], nl=False)
        return
    for number, (_, content) in enumerate(files, 1):
        path = out if number == 1 else out.with_name(f"{out.stem}-{number}{out.suffix}")
        with writing(path):
            write_bytes(path, content)
        click.echo(f"{path} written", err=True)


def _by_ending(out: Path | None) -> str:
    ending = out.suffix.removeprefix(".").lower() if out else "svg"
    format_ = {"mmd": "mermaid", "txt": "text", "gv": "dot"}.get(ending, ending or "svg")
    if format_ not in FORMATS:
        raise click.UsageError(f"no format has the ending `.{ending}`: name one with --format ({', '.join(FORMATS)})")
    return format_


def _not_painted(error: PaintError) -> InputError:
    return InputError.of("GL621", f"the picture could not be painted: {error}")
