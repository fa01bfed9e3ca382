"""What a person wants to know about an answer: the questions that would settle it, the reasons, the wording."""
