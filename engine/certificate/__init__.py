"""Certificates: proofs of answers, and the independent checker that accepts or rejects them."""
