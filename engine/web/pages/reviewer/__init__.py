"""Pages for the reviewer."""
