"""Headless commands: the only writer of stdout."""
