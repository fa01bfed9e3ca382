"""Sign-offs: who accepted which statement, as it is written now; what is missing, stale or queried."""
