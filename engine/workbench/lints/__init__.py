"""Lints: what is correct and better written otherwise."""
