"""What send and query have in common: how a datagram leaves, when, and what is said of it."""
