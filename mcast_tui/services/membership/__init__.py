"""Who is a member of what: the kernel's tables, the wire, what healed, and what it means."""
