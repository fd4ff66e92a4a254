"""socat's own words: its addresses read into values, and the line a peer or we ourselves would run."""
