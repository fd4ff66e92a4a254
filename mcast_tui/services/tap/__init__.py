"""The tap: what passes an interface, seen without joining anything."""
