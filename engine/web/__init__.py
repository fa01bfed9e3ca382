"""Answers over HTTP: pages for people, CDS Hooks for record systems. Presentation only."""
