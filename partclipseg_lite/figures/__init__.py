"""Pictures of samples, predictions, attention maps and scores.

Each function returns a figure or an array. Figures never touch matplotlib's global state, look the
same wherever they are drawn, bring their own white background (so that they are readable on dark
pages), and show themselves when they are the last value of a notebook cell.
"""

from .agreement import agreement
from .base import Picture, to_png_bytes, upscale_nearest
from .charts import curves, object_part_matrix, score_bars, score_table
from .maps import attention_panel, coverage, coverage_image, heatmaps, map_table, three_colours
from .measured import dumbbells, grouped_bars, grouped_discs, likeness_matrix, size_boxes
from .palette import object_palette, part_palette
from .records import best_and_worst, summary_table
from .samples import close_up, compare, contact_sheet, overlay, show_sample
from .text import columns, source, table

__all__ = [
    "Picture",
    "agreement",
    "attention_panel",
    "best_and_worst",
    "close_up",
    "columns",
    "compare",
    "contact_sheet",
    "coverage",
    "coverage_image",
    "curves",
    "dumbbells",
    "grouped_bars",
    "grouped_discs",
    "heatmaps",
    "likeness_matrix",
    "map_table",
    "object_palette",
    "object_part_matrix",
    "overlay",
    "part_palette",
    "score_bars",
    "score_table",
    "show_sample",
    "size_boxes",
    "source",
    "summary_table",
    "table",
    "three_colours",
    "to_png_bytes",
    "upscale_nearest",
]
