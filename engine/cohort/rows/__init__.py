"""Rows of a table as records."""
