"""Bytes to values and back: no socket, clock, randomness, logging, thread or asyncio."""
