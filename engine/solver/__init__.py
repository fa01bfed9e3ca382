"""A ground program over every record, as literals of clingo."""
