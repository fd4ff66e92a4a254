"""What we keep of what arrived: bounded, one writer, many readers."""
