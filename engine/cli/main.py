"""The `guidelog` command and what all its subcommands share: options, errors, exit codes.

Exit codes: 0 done; 1 the command's own finding is negative; 2 the input or the call was wrong. Results go to stdout,
messages to stderr. Subcommands are loaded only when they are used, because a command should start fast.
"""

from __future__ import annotations

import errno
import gc
import importlib
import os
import sys
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

import click

from guidelog import __version__
from guidelog.diagnostics import MOST_SHOWN, CertificateError, Diagnostic, InputError, render
from guidelog.files import end_on_signals

from .groups import CommandGroup, with_hint

COMMANDS = {
    "interview": ("interview", "Ask what is missing, one question at a time."),
    "missing": ("missing", "The smallest sets of questions that settle the answers."),
    "what-if": ("what_if", "Answers under changed facts, or what would change one."),
    "when": ("what_if", "The dates on which answers change by themselves."),
    "why": ("why", "Why an answer is what it is."),
    "why-not": ("why", "What stands between a patient and an intervention."),
    "ask": ("ask", "What the guideline says for a patient, certified."),
    "facts": ("facts", "What a FHIR record was taken to say, and what not."),
    "export": ("export", "Answers or the guideline as FHIR resources."),
    "explain": ("explain", "What a code such as GL203 means."),
    "certify": ("certify", "Write the certificate of a patient's answers."),
    "check": ("check", "Everything that is wrong or doubtful in a guideline."),
    "check-certificate": ("certify", "Check a certificate against rule text and patient file."),
    "verify": ("verify", "Prove or break properties for every possible patient."),
    "cohort": ("cohort", "The same answers for a whole table of patients."),
    "diagram": ("diagram", "Draw pathway, patient, proof, refusal, rules, versions."),
    "diff": ("diff", "What changes between two versions, for which patients."),
    "generate": ("generate", "Make a small suite of patients that reaches every rule."),
    "test": ("test", "Run a guideline's vignettes, with coverage and mutants."),
    "feedback": ("feedback", "Export what clinicians did with the service's cards."),
    "serve": ("serve", "Serve the pages and CDS Hooks over HTTP, on this machine."),
    "lsp": ("lsp", "The language server for editors."),
    "names": ("names", "The names that a patient file may use, and their meaning."),
    "new": ("new", "Write a small complete guideline to start from."),
    "readings": ("readings", "What each ambiguity switch changes, for whom."),
    "repl": ("repl", "Ask the rules about one patient, line by line."),
    "review": ("review", "Where the review stands; a sign-off on a statement."),
    "publish": ("publish", "One file that answers without a server, or a static site."),
    "release": ("release", "A signed bundle of an approved guideline, and its check."),
    "trace": ("trace", "Which rules and vignettes belong to each statement."),
    "fmt": ("fmt", "Bring rule files into the canonical layout."),
}


class _Commands(CommandGroup):
    """Subcommands by name, imported on demand."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"{__package__}.{COMMANDS[cmd_name][0]}")
        command: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return command

    def sentence(self, _ctx: click.Context, name: str) -> str:
        return COMMANDS[name][1]


@click.command(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="guidelog")
def _guidelog() -> None:
    """Computable clinical guidelines: answers for a patient, with proofs that anyone can check.

    For healthcare professionals. The guideline that comes with guidelog is a draft under review.

    \b
    Example:
      guidelog ask kb/lumbar_radiculopathy/vignettes/seed.yaml
    """


def relax_collection() -> None:
    """Look for cyclic garbage more rarely: rules live as long as a command; searching them is a fifth of a long one."""
    gc.set_threshold(200_000, 20, 50)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit."""
    relax_collection()
    end_on_signals()
    try:
        code = _guidelog.main(args=list(arguments) if arguments is not None else None, standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except InputError as error:
        show_errors(error)
        sys.exit(2)
    except CertificateError as error:
        click.echo(f"no answer: the independent checker rejected the certificate ({error})", err=True)
        click.echo("this is a defect of guidelog, not of the record; please report it", err=True)
        sys.exit(1)
    except click.exceptions.Exit as error:
        sys.exit(error.exit_code)
    except click.ClickException as error:
        (with_hint(error) if isinstance(error, click.UsageError) else error).show()
        sys.exit(2)
    except (KeyboardInterrupt, click.Abort):
        click.echo("interrupted", err=True)
        sys.exit(130)
    except BrokenPipeError:
        # The reader of our output went away: not an error of ours, and nobody is left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        if error.errno != errno.ENOSPC or error.filename is not None:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        click.echo("the output cannot be written: no space left on the device", err=True)
        sys.exit(2)


def show_errors(error: InputError) -> None:
    """All diagnostics of an error on stderr, in colour on a terminal."""
    show(error.diagnostics[:MOST_SHOWN])
    if len(error.diagnostics) > MOST_SHOWN:
        click.echo(f"and {len(error.diagnostics) - MOST_SHOWN:,} more", err=True)


def show(diagnostics: Iterable[Diagnostic]) -> None:
    """Diagnostics on stderr, in colour on a terminal."""
    colour = use_colour(sys.stderr)
    for diagnostic in diagnostics:
        click.echo(render(diagnostic, colour=colour) + "\n", err=True, color=colour)


def use_colour(stream: Any) -> bool:
    """Colour only on a terminal, and not where NO_COLOR says so; a stream that was closed is None."""
    if stream is None:
        return False
    return bool(stream.isatty()) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
