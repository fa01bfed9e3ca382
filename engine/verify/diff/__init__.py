"""The semantic difference of two versions."""
