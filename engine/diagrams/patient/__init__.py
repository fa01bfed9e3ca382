"""The pathway as one patient goes through it."""
