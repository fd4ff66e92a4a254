"""Run a command for each datagram: bounded in number, in time and in memory; what it prints is the answer."""
