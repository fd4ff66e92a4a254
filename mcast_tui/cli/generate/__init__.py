"""Texts made of the command definitions: the manual page, and completions for three shells."""
