"""Pages for the author."""
