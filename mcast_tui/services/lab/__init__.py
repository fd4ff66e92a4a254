"""The virtual LAN: hosts in network namespaces, a bridge between them, and bots that talk."""
