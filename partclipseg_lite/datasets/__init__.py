"""Datasets. Every one of them yields `Sample`; all maps use IGNORE where nothing is labelled."""

from .sample import IGNORE, Sample

__all__ = ["IGNORE", "Sample"]
