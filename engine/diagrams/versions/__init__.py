"""Two versions of a guideline side by side."""
