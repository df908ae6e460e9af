"""Datasets. Every one of them yields `Sample`; all maps use IGNORE where nothing is labelled."""

from partclipseg_lite.datasets.sample import IGNORE, Sample

__all__ = ["IGNORE", "Sample"]
