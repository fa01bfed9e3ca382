"""The proof of an answer as a tree."""
