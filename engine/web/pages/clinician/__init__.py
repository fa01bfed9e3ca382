"""Pages for the clinician."""
