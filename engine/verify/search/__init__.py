"""The search over all records."""
