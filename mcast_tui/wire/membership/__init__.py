"""IGMP and MLD on the wire: `message` has the values, `igmp` and `mld` read the octets."""
