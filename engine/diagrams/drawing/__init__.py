"""Boxes, lines and text on a page, and the formats they are painted in."""
