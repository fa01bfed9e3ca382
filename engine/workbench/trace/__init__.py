"""From statements to rules to vignettes."""
