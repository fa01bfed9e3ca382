"""Results as plain text: for a terminal, a notebook, and whoever prints them."""
