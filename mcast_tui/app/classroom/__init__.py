"""The classroom: the virtual LAN as a live picture, keys that change it, and lessons beside it."""
