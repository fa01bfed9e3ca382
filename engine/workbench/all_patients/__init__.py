"""Coverage over all patients."""
