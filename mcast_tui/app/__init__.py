"""The terminal application (Textual)."""
