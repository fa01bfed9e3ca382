"""The command line: presentation only. `main` is the entry point of `guidelog`."""

from .main import main

__all__ = ["main"]
