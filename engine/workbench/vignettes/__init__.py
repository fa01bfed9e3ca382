"""Vignettes: patients with the answers expected of them."""
