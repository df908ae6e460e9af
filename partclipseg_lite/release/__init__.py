"""The public release: what it computes otherwise, and the comparison with its numbers."""
