"""What an author of a guideline works with: formatter, vignettes, coverage, mutants, trace, scaffold, language server.

Reads and runs guidelines; changes no answer. What is shown to people and to programs is made in `cli`.
"""
