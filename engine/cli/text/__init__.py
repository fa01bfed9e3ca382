"""How a result is written for a terminal."""
