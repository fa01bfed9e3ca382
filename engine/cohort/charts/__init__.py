"""Charts of a cohort: shares of statuses, the funnel, transitions between versions."""
