"""Groups of commands as this program shows them: a mistyped name gets the nearest one, no line of help is cut.

For the program itself and for every group in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import click

from guidelog.diagnostics import nearest

_CLOSE_ENOUGH = 0.6  # names of commands are short: two swapped letters of `ask` leave two thirds alike
_FEW = 10
_EXTRA = re.compile(r"Got unexpected extra argument \((.*)\)")


class CommandGroup(click.Group):
    """A group with a hint for a mistyped command and whole sentences in its list."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command named. Raises UsageError, with the nearest name, where there is none."""
        name = args[0] if args else ""
        if name and not name.startswith("-") and name not in self.list_commands(ctx):
            raise click.UsageError(no_such_command(name, self.list_commands(ctx)), ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Names with the first sentence of what each does, wrapped rather than cut."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, self.sentence(ctx, name)) for name in self.list_commands(ctx)])

    def sentence(self, ctx: click.Context, name: str) -> str:
        """What a command does, in a sentence."""
        command = self.get_command(ctx, name)
        return "" if command is None else command.get_short_help_str(limit=1000)


def no_such_command(name: str, known: Sequence[str]) -> str:
    """The message for a name that no command has, or for a file where a command belongs."""
    if "/" in name or "." in name:
        which = f": {', '.join(known)}" if len(known) <= _FEW else ", such as `ask`"
        return f"`{name}` is no command; a command comes before a file{which}"
    near = nearest_command(name, known)
    return f"no such command `{name}`" + (f"; did you mean `{near}`?" if near else "")


def nearest_command(name: str, known: Iterable[str]) -> str | None:
    """The command that was most likely meant, or None."""
    return nearest(name, known, _CLOSE_ENOUGH)


def with_hint(error: click.UsageError) -> click.UsageError:
    """The error, with what was most likely meant by an argument of a command that takes none but `--guideline`."""
    found = _EXTRA.fullmatch(error.message)
    parameters = error.ctx.command.params if error.ctx else []
    takes_none = not any(isinstance(p, click.Argument) for p in parameters)
    if found is None or not takes_none or not any(p.name == "guideline" for p in parameters):
        return error
    return click.UsageError(f"{error.message}; a guideline is given as `-g {found[1]}`", error.ctx)
