"""What the public release computes otherwise, each departure by itself, and the comparison with its numbers."""
