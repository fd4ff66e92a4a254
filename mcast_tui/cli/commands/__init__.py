"""One file per verb; ``cli.main`` lists them."""
