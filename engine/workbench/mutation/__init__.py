"""Mutation of rules."""
