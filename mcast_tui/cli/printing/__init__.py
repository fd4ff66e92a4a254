"""Packets as lines: what is printed of each, how fast it goes, and what was lost on the way."""
