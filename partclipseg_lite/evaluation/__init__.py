"""From scores to labels, from labels to numbers."""
