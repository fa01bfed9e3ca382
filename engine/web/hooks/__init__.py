"""CDS Hooks 2.0.1: discovery, answers as cards, feedback. Calls nobody; what is not sent is unknown."""
