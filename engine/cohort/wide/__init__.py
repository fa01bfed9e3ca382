"""Long tables and FHIR exports made into one wide table."""
