"""Conflicts and gaps: records that get no answer or two."""
