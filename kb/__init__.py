"""The guidelines that come with guidelog; data only."""
