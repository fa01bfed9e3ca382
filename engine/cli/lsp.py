"""`guidelog lsp`: the language server for editors."""

from __future__ import annotations

import logging

import click

from guidelog.diagnostics import InputError


@click.command()
@click.option("--tcp", type=click.IntRange(1, 65535), metavar="PORT", help="Serve on this port of the local host.")
@click.option("--verbose", is_flag=True, help="Log on standard error.")
def lsp(tcp: int | None, *, verbose: bool) -> None:
    """Serve an editor over standard input and output.

    \b
    Example:
      guidelog lsp --help
    """
    try:
        from guidelog.workbench.lsp.server import make_server
    except ImportError as error:
        raise InputError.of(
            "GL607",
            f"the language server needs `{error.name}`, which is not installed",
            hint="pip install 'guidelog[lsp]'",
        ) from None
    logging.basicConfig(level=logging.INFO if verbose else logging.ERROR)
    server = make_server()
    if tcp:
        server.start_tcp("127.0.0.1", tcp)
    else:
        server.start_io()
