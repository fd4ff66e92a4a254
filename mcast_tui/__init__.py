"""mcast-tui: join a multicast or broadcast group, see every packet, talk back.

Importing the package costs nothing; every front end imports what it needs.
"""

__version__ = "0.1.0"
