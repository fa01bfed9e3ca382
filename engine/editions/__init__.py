"""Editions of a guideline that leave the machine: the signed release, and pages that need no server."""
