"""Draw the rooms of both packages as a house, from the contract on imports in pyproject.toml.

    python book/tools/house_picture.py             write book/assets/house.svg
    python book/tools/house_picture.py --check     change nothing; status 1 if the picture is stale

Takes no time. A floor is a layer of the contract: what stands on it imports only from below. A room
that moves there moves here by itself; a new one needs a line in WHAT.
"""

import argparse
import sys
from html import escape
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
PICTURE = ROOT / "book" / "assets" / "house.svg"

#: What each room is for, in a line that fits beside its name.
WHAT = {
    "cli": "the commands: segment, train, evaluate, compare …",
    "experiments": "presets, runs, records, results",
    "release.recorded": "its record, opened and counted",
    "release.benchmark": "what it costs",
    "release.comparison": "beside its numbers",
    "release.gpu": "what it costs on a GPU",
    "release.workloads": "what is timed",
    "release.roofline": "how fast a device could be",
    "release.evaluator": "scores as it does",
    "release.rereading": "one set of weights, read both ways",
    "release.peer": "Hugging Face's CLIPSeg with our weights",
    "evaluation": "predictions → mIoU, recall, boundary IoU",
    "inference": "a picture and some names → masks",
    "training": "prompts, loop, checkpoints",
    "figures": "one palette, panels, charts, the laboratory",
    "weights": "files, converters, the tiny CLIP",
    "release.departures": "what it does otherwise, a function each",
    "losses": "masks, attention control: the paper's equations",
    "network": "backbone, decoder, models: the paper's equations",
    "datasets": "Sample, and every dataset that yields it",
    "settings": "everything that can be set, validated",
    "reading": "paper or release, option by option",
    "vocabulary": "names of object parts, and index maps",
    "files": "files written whole or not at all",
}
#: The same for the rooms of the drawn world; three share a floor there.
DRAWN_WHAT = {
    "contact_sheet": "all kinds on one sheet",
    "world": "splits and pictures",
    "composer": "puts a picture together",
    "captions": "words",
    "scenes": "places",
    "objects": "things",
    "picture": "what is in it",
    "workers": "draw side by side",
    "renderer": "pixels, exact masks",
    "names": "objects and parts",
}

# Colours of walls: what one runs, one uses, the paper says, all stand on; and the release.
RUN, USE, PAPER, GROUND, RELEASE = "#e8eef7", "#dbe7f3", "#d3ead9", "#ece7dc", "#f8dccb"
COLOURS = (
    {"cli": RUN, "experiments": RUN}
    | dict.fromkeys(("losses", "network"), PAPER)
    | dict.fromkeys(("datasets", "settings", "reading", "vocabulary", "files"), GROUND)
)
INK, FAINT, WALL = "#22303c", "#5b6b78", "#8a9aa8"
WIDTH, TOP, FLOOR, LEFT, RIGHT, BALCONY = 1000, 140, 36, 74, 664, 26
SMALL_LEFT, SMALL_RIGHT, SMALL_FLOOR = 726, 972, 58


def layers(contract_id: str) -> list[list[str]]:
    """Floors of a layer contract from top to bottom, each the names of its rooms."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    for contract in project["tool"]["importlinter"]["contracts"]:
        if contract["id"] == contract_id:
            return [
                [name.strip(" ()") for name in layer.replace(":", "|").split("|")]
                for layer in contract["layers"]
            ]
    sys.exit(f"error: pyproject.toml has no contract '{contract_id}'")


def text(x: float, y: float, words: str, size: int, **attributes: str) -> str:
    """A line of text whose baseline begins at `x`, `y` (pixels)."""
    more = "".join(f' {name.replace("_", "-")}="{value}"' for name, value in attributes.items())
    return f'<text x="{x:g}" y="{y:g}" font-size="{size}"{more}>{escape(words)}</text>'


def box(x: float, y: float, width: float, height: float, fill: str) -> str:
    """A room: a rectangle with walls."""
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" '
        f'fill="{fill}" stroke="{WALL}"/>'
    )


def roof(left: float, right: float, y: float, height: float, name: str) -> list[str]:
    """A gable over a house from `left` to `right`, with the package's name in it."""
    middle = (left + right) / 2
    points = f"{left - 26:g},{y:g} {middle:g},{y - height:g} {right + 26:g},{y:g}"
    return [
        f'<polygon points="{points}" fill="#b5523b" stroke="{WALL}"/>',
        text(middle, y - 14, name, 18, text_anchor="middle", fill="#ffffff", font_weight="bold"),
    ]


def room(x: float, y: float, width: float, name: str) -> list[str]:
    """One room of the large house: its name, and what it is for."""
    released = name.startswith("release.")
    fill = RELEASE if released else COLOURS.get(name, USE)
    shown = name.replace(".", "/")
    beside = x + 12 + 8.5 * len(shown) + 12 if released else x + 130
    return [
        box(x, y, width, FLOOR, fill),
        text(x + 12, y + 23, shown, 14, fill=INK, font_weight="bold", font_family="monospace"),
        text(beside, y + 23, WHAT[name], 13, fill=FAINT),
    ]


def large_house() -> tuple[list[str], dict[str, float]]:
    """`partclipseg_lite`, the release on balconies; and the height of each room (pixels)."""
    drawn, height = roof(LEFT, RIGHT, TOP, 84, "partclipseg_lite"), {}
    for number, names in enumerate(layers("one-direction")):
        y = TOP + number * FLOOR
        end = RIGHT + BALCONY if names[0].startswith("release.") else RIGHT
        width = (end - LEFT) / len(names)
        for place, name in enumerate(names):
            drawn += room(LEFT + place * width, y, width, name)
            height[name] = y
    return drawn, height


def small_house(ground: float) -> tuple[list[str], float]:
    """`drawn_world` on the same ground; and where its roof ends (pixels)."""
    floors = layers("world-in-order")
    top, drawn = ground - len(floors) * SMALL_FLOOR, []
    for number, names in enumerate(floors):
        width = (SMALL_RIGHT - SMALL_LEFT) / len(names)
        for place, name in enumerate(names):
            x, y = SMALL_LEFT + place * width, top + number * SMALL_FLOOR
            middle = x + width / 2
            drawn += [
                box(x, y, width, SMALL_FLOOR, "#f4ecc8"),
                text(
                    middle,
                    y + 25,
                    name,
                    14,
                    text_anchor="middle",
                    fill=INK,
                    font_weight="bold",
                    font_family="monospace",
                ),
                text(middle, y + 44, DRAWN_WHAT[name], 13, text_anchor="middle", fill=FAINT),
            ]
    return roof(SMALL_LEFT, SMALL_RIGHT, top, 62, "drawn_world") + drawn, top


def picture() -> str:
    """The whole picture as SVG."""
    house, height = large_house()
    ground = max(height.values()) + FLOOR
    beside, roof_end = small_house(ground)
    door = height["datasets"] + FLOOR / 2
    arrow = f'stroke="{INK}" stroke-width="2" fill="none" marker-end="url(#tip)"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {ground + 40:g}" '
        'font-family="system-ui, Segoe UI, Helvetica, Arial, sans-serif" role="img" '
        'aria-label="The house: a room uses only rooms below it">',
        '<defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" '
        f'markerHeight="7" orient="auto"><path d="M0 0 L10 5 L0 10 z" fill="{INK}"/></marker>'
        "</defs>",
        f'<rect width="{WIDTH}" height="{ground + 40:g}" rx="10" fill="#fbfaf7"/>',
        text(30, 34, "A room uses only rooms below it.", 17, fill=INK, font_weight="bold"),
        *house,
        *beside,
        f'<path d="M48 {TOP + 16} V{ground - 10:g}" {arrow}/>',
        text(
            30,
            (TOP + ground) / 2,
            "imports",
            14,
            fill=INK,
            text_anchor="middle",
            transform=f"rotate(-90 30 {(TOP + ground) / 2:g})",
        ),
        f'<path d="M{RIGHT} {door:g} H{SMALL_LEFT - 2}" {arrow}/>',
        f'<path d="M20 {ground:g} H{WIDTH - 12}" stroke="{INK}" stroke-width="3"/>',
    ]
    notes = [
        (RUN, "what one runs"),
        (USE, "what one uses"),
        (RELEASE, "the release, apart"),
        (PAPER, "the paper, bare"),
        (GROUND, "what all stand on"),
        ("#f4ecc8", "knows no model, nor torch"),
    ]
    for number, (colour, words) in enumerate(notes):
        y = TOP + 6 + number * 28
        lines += [box(SMALL_LEFT + 10, y, 20, 16, colour)]
        lines += [text(SMALL_LEFT + 40, y + 13, words, 14, fill=INK)]
    assert TOP + 6 + len(notes) * 28 < roof_end - 62, "the legend would stand in the small roof"
    return "\n".join([*lines, "</svg>", ""])


def main() -> None:
    """Reads the command line; writes the picture, or compares it with the contract."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="only compare")
    check, drawn = parser.parse_args().check, picture()
    if not check:
        PICTURE.write_text(drawn, encoding="utf-8")
        print(f"wrote {PICTURE}")
    elif not PICTURE.is_file() or PICTURE.read_text(encoding="utf-8") != drawn:
        sys.exit(f"{PICTURE} is not what the contract says; run python book/tools/house_picture.py")


if __name__ == "__main__":
    main()
