"""Text to tree and back: `parse` reads rule files, `print_program` writes them in one canonical layout."""

from .parser import parse, parse_statement
from .printer import print_element, print_program, print_statement

__all__ = ["parse", "parse_statement", "print_element", "print_program", "print_statement"]
