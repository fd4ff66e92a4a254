"""Widgets: they show values and post messages; no logic of the network, no I/O."""
