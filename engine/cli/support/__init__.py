"""Options, assignments and progress that commands share."""
