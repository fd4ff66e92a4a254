"""The classroom: a LAN that is changed while it runs, seen as one picture, and lessons played on it."""
