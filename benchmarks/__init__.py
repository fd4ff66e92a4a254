"""What the project must hold, measured beside a reference in the same run: ``python -m benchmarks``."""
