"""Whole screens; each keeps its stylesheet beside it."""
