"""What holds for every possible patient: properties, dead rules and gaps, semantic difference, generated patients."""
