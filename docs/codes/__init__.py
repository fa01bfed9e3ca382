"""What each code means, a page each: the one source of `guidelog explain`, of docs/codes.md and of the tests."""
