"""`guidelog release`: a signed bundle of an approved guideline, and its check by somebody who has only the bundle."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

import click

from guidelog.diagnostics import InputError
from guidelog.files import scratch, write_bytes

from .groups import CommandGroup
from .support.files import writing
from .support.options import guideline_option, load, write_json


@click.group(cls=CommandGroup, invoke_without_command=True)
@guideline_option
@click.option(
    "--key", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="The private key to sign with."
)
@click.option(
    "--out", "-o", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="The bundle to write."
)
@click.option("--against", metavar="OLD", help="Add what changes from this version: a folder or a git revision.")
@click.option("--dry-run", is_flag=True, help="Say what stands in the way, and write nothing.")
@click.option(
    "--seconds",
    default=300.0,
    show_default=True,
    type=click.FloatRange(1, 86_400),
    help="Time to prove the properties in.",
)
@click.pass_context
def release(
    context: click.Context,
    guideline: str | None,
    key: Path | None,
    out: Path | None,
    against: str | None,
    seconds: float,
    *,
    dry_run: bool,
) -> None:
    """Make a signed release of a guideline; refused, with exit code 1, while anything is missing.

    Every statement must be accepted as it is now by everybody who is required, nothing queried or rejected, every
    property proved, every vignette as expected, and guideline.toml must say review = "approved".

    \b
    Examples:
      guidelog release --dry-run
      guidelog release key --out signing.key
      guidelog release --key signing.key --out guideline.zip
      guidelog release verify guideline.zip --key signing.key.pub
    """
    if context.invoked_subcommand is not None:
        return
    from guidelog.editions.release import bundle, read_private, refusals

    if not dry_run and (key is None or out is None):
        raise InputError.of(
            "GL645", "a release needs --key and --out", hint="`guidelog release key --out FILE` makes a key"
        )
    signer = read_private(key) if key is not None else None
    compiled = load(guideline)
    found = refusals(compiled, seconds)
    if found:
        click.echo("No release. What stands in the way:")
        for kind, listed in found.reasons:
            click.echo(f"\n{kind[:1].upper()}{kind[1:]} ({len(listed)}):")
            for line in listed:
                click.echo(f"  {line}")
        sys.exit(1)
    if dry_run or signer is None or out is None:
        click.echo("Nothing stands in the way of a release.")
        return
    with scratch("guidelog-release-") as folder:
        content = bundle(compiled, signer, date.today().isoformat(), against, folder)  # noqa: DTZ011 - the day here
    with writing(out):
        write_bytes(out, content, private=False)
    click.echo(f"{out}: {len(content):,} bytes, {compiled.guideline.id} {compiled.guideline.version}, signed")


@release.command()
@click.option(
    "--out",
    "-o",
    "path",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The key.",
)
def key(path: Path) -> None:
    """Make a key to sign with: FILE for its owner alone, and FILE.pub to give away.

    \b
    Example:
      guidelog release key --out signing.key
    """
    from guidelog.editions.release import new_key

    if path.exists():
        raise InputError.of("GL645", f"`{path}` is there already, and a key is never written over")
    with writing(path):
        public = new_key(path)
    click.echo(f"{path} and {path}.pub: {public}")


@release.command()
@click.argument("bundle", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--key",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The public key you trust.",
)
@click.option("--format", "format_", type=click.Choice(["text", "json"]), default="text", show_default=True)
def verify(bundle: Path, key: Path, format_: str) -> None:
    """Check a bundle cold: signature, every file, every certificate by the independent checker, the sign-offs.

    Exit code 2 when anything does not hold, with what.

    \b
    Examples:
      guidelog release key --out signing.key
      guidelog release --key signing.key --out guideline.zip
      guidelog release verify guideline.zip --key signing.key.pub
    """
    from guidelog.editions.bundle_check import verify_bundle
    from guidelog.editions.release import read_public

    with scratch("guidelog-release-") as folder:
        found = verify_bundle(bundle, read_public(key), folder)
    if format_ == "json":
        write_json({name: getattr(found, name) for name in found.__dataclass_fields__})
        return
    click.echo(
        f"{found.id} {found.version}, approved, made on {found.made_on}: the signature and {found.files} files hold"
    )
    click.echo(
        f"{found.certificates} certificates with {found.claims:,} claims, each accepted by the independent checker"
    )
    click.echo(f"signed off by {', '.join(found.reviewers)}")
