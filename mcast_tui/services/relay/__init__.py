"""Two socat addresses run against each other: what comes in at one end goes out at the other."""
