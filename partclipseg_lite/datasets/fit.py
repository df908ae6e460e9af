"""How a picture comes to the network's square, in training."""

from .sample import Sample


class Fit:
    """In one step, squashed, as every picture is at test time."""

    def __call__(self, sample: Sample, side: int) -> Sample:
        """The sample at `side` by `side` pixels; one that has this size already as it is."""
        return sample if sample.image.shape[:2] == (side, side) else sample.resized(side)


def enlarged(height: int, width: int, short: int = 800, longest: int = 1333) -> tuple[int, int]:
    """(height, width) with a short side of `short`, or less where `longest` would be exceeded.

    Every size of the benchmark's loaders is this one before it is another (D:100-105).
    """
    scale = min(short / min(height, width), longest / max(height, width))
    return int(height * scale + 0.5), int(width * scale + 0.5)
