"""Things that run. No Textual, no printing, no configuration file."""
