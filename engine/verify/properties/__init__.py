"""Properties and their proofs."""
