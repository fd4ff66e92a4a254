"""The only floor that opens sockets, talks netlink and reads /proc."""
