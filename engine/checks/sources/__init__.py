"""Checks of annotations, references and citations."""
