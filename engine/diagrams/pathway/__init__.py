"""The pathway of a guideline."""
