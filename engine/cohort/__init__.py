"""Guidelines on tables of patients: the same answers as `ask`, for millions.

Needs the extra `guidelog[cohort]` (NumPy, PyArrow, DuckDB, sqlglot); nothing outside this package imports them.
"""
