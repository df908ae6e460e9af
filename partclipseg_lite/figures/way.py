"""The way from a picture and words to a score, a box a chapter: where in the book am I?"""

from __future__ import annotations

from html import escape

from .base import FAINT, SEEN

#: Chapter -> (column, row, the two lines in its box). The upper row is the way of an answer.
BOXES = {
    1: (0, 0, ("picture", "and names")),
    2: (1, 0, ("CLIP,", "frozen")),
    3: (2, 0, ("decoder,", "word by word")),
    4: (3, 0, ("part × object", "= object part")),
    7: (4, 0, ("scores", "and settings")),
    6: (2, 1, ("attention", "control")),
    5: (3, 1, ("masks and", "losses teach")),
    8: (4, 1, ("what a piece", "is worth")),
}
#: From chapter to chapter.
ARROWS = ((1, 2), (2, 3), (3, 4), (4, 7), (6, 3), (5, 4), (7, 8))
#: What chapters without a box of their own are about.
ABOUT = {0: tuple(BOXES), 9: (3, 4, 5, 6), 10: (2, 3, 4), 11: (1, 4)}
WIDTH, HEIGHT, GAP = 112, 46, 24


class Way:
    """The diagram with the boxes of one chapter lit; shows itself in a notebook, in either theme.

    Args:
        chapter: its number, 0 to 11.

    Raises:
        ValueError: there is no such chapter.
    """

    def __init__(self, chapter: int):
        if chapter not in BOXES and chapter not in ABOUT:
            raise ValueError(f"chapter {chapter!r} is not one of 0 to 11")
        self.chapter = chapter
        self.lit = ABOUT.get(chapter, (chapter,))

    def __repr__(self) -> str:
        lit = ", ".join(" ".join(BOXES[box][2]) for box in self.lit)
        return f"chapter {self.chapter} is about: {lit}"

    def _repr_html_(self) -> str:
        columns, rows = (1 + max(box[axis] for box in BOXES.values()) for axis in (0, 1))
        width, height = columns * (WIDTH + GAP) - GAP + 4, rows * (HEIGHT + GAP) - GAP + 4
        parts = [_arrow(*pair) for pair in ARROWS]
        parts += [_box(chapter, chapter in self.lit) for chapter in BOXES]
        return (
            f'<svg class="way" role="img" aria-label="{escape(self._said())}" '
            f'viewBox="-2 -2 {width} {height}" style="display: block; width: 100%; '
            f'max-width: {width}px; height: auto; margin: 0.5rem 0" '
            'xmlns="http://www.w3.org/2000/svg" font-family="sans-serif" font-size="13">'
            '<defs><marker id="way-tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
            'markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z" fill="currentColor"/></marker>'
            f"</defs>{''.join(parts)}</svg>"
        )

    def _said(self) -> str:
        answer = ", ".join(" ".join(b[2]) for b in BOXES.values() if b[1] == 0)
        return f"The way of an answer: {answer}. This {self!r}."


def _corner(chapter: int) -> tuple[int, int]:
    column, row, _ = BOXES[chapter]
    return column * (WIDTH + GAP), row * (HEIGHT + GAP)


def _box(chapter: int, lit: bool) -> str:
    x, y = _corner(chapter)
    upper, lower = BOXES[chapter][2]
    face, ink = (SEEN, "#ffffff") if lit else ("none", "currentColor")
    middle = x + WIDTH / 2
    return (
        f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="6" fill="{face}" '
        f'stroke="{SEEN if lit else FAINT}" stroke-width="1.5"/>'
        f'<g fill="{ink}"><text x="{x + 6}" y="{y + 13}" font-size="10">{chapter}</text>'
        f'<g text-anchor="middle"><text x="{middle}" y="{y + 20}">{escape(upper)}</text>'
        f'<text x="{middle}" y="{y + 36}">{escape(lower)}</text></g></g>'
    )


def _arrow(start: int, end: int) -> str:
    (x0, y0), (x1, y1) = _corner(start), _corner(end)
    if y0 == y1:
        line = x0 + WIDTH, y0 + HEIGHT / 2, x1 - 2, y1 + HEIGHT / 2
    elif y0 > y1:
        line = x0 + WIDTH / 2, y0, x1 + WIDTH / 2, y1 + HEIGHT + 2
    else:
        line = x0 + WIDTH / 2, y0 + HEIGHT, x1 + WIDTH / 2, y1 - 2
    names = ("x1", "y1", "x2", "y2")
    ends = " ".join(f'{name}="{value:g}"' for name, value in zip(names, line, strict=True))
    return f'<line {ends} stroke="currentColor" stroke-width="1.3" marker-end="url(#way-tip)"/>'
