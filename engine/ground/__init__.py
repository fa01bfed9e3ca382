"""The rules of a guideline over its vocabulary, the patient left open."""
