"""What /explain says of each topic, in plain words: facts measured on Linux, each with its reference."""
