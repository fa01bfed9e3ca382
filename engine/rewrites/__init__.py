"""Rewrites of checked programs, one a file; each rule keeps the author's rule it came from."""
