"""Answers and guidelines as FHIR resources."""
