"""Predicates and the rules between them."""
