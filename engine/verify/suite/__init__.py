"""Generated vignettes that reach every rule."""
