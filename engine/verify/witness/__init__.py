"""Small records that show what was found."""
