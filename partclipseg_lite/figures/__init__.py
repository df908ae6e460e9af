"""Pictures of samples, predictions, attention maps and scores.

Each function returns a figure or an array. Figures never touch matplotlib's global state, look the
same wherever they are drawn, bring their own white background (so that they are readable on dark
pages), and show themselves when they are the last value of a notebook cell.
"""

from .agreement import agreement
from .base import Picture, to_png_bytes, upscale_nearest
from .charts import curves, object_part_matrix, score_bars, score_table
from .maps import attention_panel, coverage, coverage_image, heatmaps
from .palette import object_palette, part_palette
from .samples import compare, contact_sheet, overlay, show_sample

__all__ = [
    "Picture",
    "agreement",
    "attention_panel",
    "compare",
    "contact_sheet",
    "coverage",
    "coverage_image",
    "curves",
    "heatmaps",
    "object_palette",
    "object_part_matrix",
    "overlay",
    "part_palette",
    "score_bars",
    "score_table",
    "show_sample",
    "to_png_bytes",
    "upscale_nearest",
]
