"""Runs: from settings to a folder with weights and scores, and the records that the book reads."""
