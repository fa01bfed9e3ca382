"""What a cohort run leaves behind, and what is read from it again."""
