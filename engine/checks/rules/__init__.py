"""Checks of rules and denials."""
