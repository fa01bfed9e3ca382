"""Codes, and what a guideline takes them to mean."""
