"""The server: every request that it answers, by kind, each in a module of its own.

Nothing an editor sends stops the server: a request that fails is answered with an error, and the next one is served.
"""

from __future__ import annotations

from . import on_documents, on_names, on_text, on_vignettes
from .folders import Server

FEATURES = (*on_documents.FEATURES, *on_names.FEATURES, *on_text.FEATURES, *on_vignettes.FEATURES)
COMMANDS = on_vignettes.COMMANDS


def make_server() -> Server:
    """A server with all features, not yet started."""
    server = Server()
    for method, answer, options in FEATURES:
        server.feature(method, options)(answer)
    for name, command in COMMANDS:
        server.command(name)(command)
    return server
