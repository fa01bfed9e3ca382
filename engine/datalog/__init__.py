"""Engines that evaluate a stratified program: pyDatalog for one patient, clingo beside it."""
