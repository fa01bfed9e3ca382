"""Checks of what a guideline declares."""
