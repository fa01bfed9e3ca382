"""FHIR resources as findings and measures."""
