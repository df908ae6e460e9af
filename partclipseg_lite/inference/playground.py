"""The playground: any picture, any words, several models beside each other.

In the rendered book it is a page's own JavaScript (`figures/web`), which needs no kernel; in a live
notebook, Jupyter's, VS Code's or Colab's, widgets that compute with PyTorch and take any weights.
"""

from __future__ import annotations

import base64
import html
import io
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from PIL import Image

from ..datasets.images import read_image
from ..figures.base import to_png_bytes
from ..network.models import CLIPSeg, PartCLIPSeg
from ..vocabulary import Vocabulary
from ..weights.models import load_model
from .asking import ask, question
from .gallery import MODELS, START
from .panels import VIEWS, Scene, example_scene, examples, panels

if TYPE_CHECKING:  # it comes with the notebooks, not with the package
    import ipywidgets as widgets

IN_BOOK = "PARTCLIPSEG_BOOK"  # in the environment while the book is made
STATIC = "../_static/playground/"  # where render_pages.py puts the page's files
MOST_MODELS, MOST_NAMES = 4, 24
Model = PartCLIPSeg | CLIPSeg


def playground(weights: Iterable[str] | Mapping[str, Model] = ()):
    """The playground as the last value of a notebook's cell.

    Args:
        weights: names or paths, as `load_model` takes them, or models by their titles; without
            them, the three that ship. While the book is made they are not asked for: the page
            brings its own.

    Returns:
        ipywidgets' VBox (7.7 or newer); while the book is made, HTML for the page.
    """
    if os.environ.get(IN_BOOK, "0") not in ("", "0"):
        return BookPlayground()
    if isinstance(weights, Mapping):
        return LivePlayground(dict(weights)).box
    names = dict.fromkeys(weights) or MODELS
    return LivePlayground({MODELS.get(n) or str(n): load_model(n)[0] for n in names}).box


def _first() -> str:
    return next(label for label, example in examples().items() if example.title == START)


# ---- in the book ---------------------------------------------------------------------------------


class BookPlayground:
    """HTML that shows the page's own playground; printed, and without scripts, a picture of it."""

    def _repr_html_(self) -> str:
        label = _first()
        scene = example_scene(label)
        for name, title in MODELS.items():
            scene.answers[title] = ask(load_model(name)[0], scene.image, scene.questions)
        with Image.open(io.BytesIO(to_png_bytes(panels(scene), 2))) as opened:
            buffer = io.BytesIO()
            opened.convert("RGB").save(buffer, format="webp", quality=85, method=6)
        address = "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
        names = [f"{number} {one.name}" for number, one in enumerate(scene.questions, start=1)]
        told = html.escape(
            f"The playground at its first picture ({label}). Left the masks as they were drawn, "
            f"then what three models find when nothing is told: {', '.join(MODELS.values())}. "
            f"{', '.join(names)}. On a screen, and with JavaScript, it takes any picture and words."
        )
        return (
            '<div class="pcl-lab" data-playground>\n'
            f'<figure class="pcl-static"><img src="{address}" alt="{told}">'
            f"<figcaption>{told}</figcaption></figure>\n</div>\n"
            f'<link rel="stylesheet" href="{STATIC}playground.css">\n'
            f'<script src="{STATIC}playground.js" defer></script>'
        )


# ---- in a live notebook --------------------------------------------------------------------------


class LivePlayground:
    """Widgets that ask models with PyTorch.

    Attributes:
        models: title -> model, in eval mode, on the processor.
        scene: what is shown.
        box: the widgets.
    """

    def __init__(self, models: Mapping[str, Model]):
        self.models = dict(models)
        self.scene = example_scene(_first())
        self.box = self._box()
        self._picture_chosen()

    def _box(self) -> widgets.VBox:
        try:
            import ipywidgets as widgets
        except ImportError as error:
            raise ImportError(
                "the playground in a notebook needs ipywidgets: "
                'pip install "partclipseg-lite[notebooks]"'
            ) from error

        def wide(width: str = "100%") -> widgets.Layout:
            return widgets.Layout(width=width)

        def described(kind: Callable, text: str, **more):
            style = {"description_width": "initial"}
            return kind(description=text, style=style, **more)

        self.example = described(
            widgets.Dropdown, "picture", options=list(examples()), value=_first()
        )
        self.upload = widgets.FileUpload(accept="image/*", multiple=False, description="your own")
        self.names = described(
            widgets.Textarea, "words", layout=wide(), continuous_update=False, rows=2
        )
        known = [*Vocabulary.load("drawn").object_parts]
        self.more = described(
            widgets.Combobox,
            "one more",
            options=known,
            ensure_option=False,
            placeholder="dog's head",
        )
        self.view = widgets.ToggleButtons(options=VIEWS, description="view")
        self.told = widgets.Checkbox(value=False, description="objects told", indent=False)
        self.opacity = described(widgets.FloatSlider, "opacity", value=0.7, min=0, max=1, step=0.05)
        self.gamma = described(widgets.FloatSlider, "γ", value=0.3, min=0.02, max=0.98, step=0.01)
        self.chosen = described(widgets.Dropdown, "of", options=[])
        self.row, self.column = (
            described(widgets.FloatSlider, text, value=0.5, min=0, max=1, step=0.02)
            for text in ("down", "across")
        )
        self.weights = described(
            widgets.Text,
            "other weights",
            placeholder="runs/mine, a .pth, CIDAS/clipseg-rd64-refined",
        )
        self.load = widgets.Button(description="add a model")
        self.said = widgets.HTML()
        self.image = widgets.Image(format="png", layout=widgets.Layout(max_width="100%"))
        self.table = widgets.HTML()
        self.of_view = {
            VIEWS[0]: widgets.HBox([self.told, self.opacity]),
            VIEWS[1]: widgets.HBox([self.chosen, self.row, self.column]),
            VIEWS[2]: widgets.HBox([self.gamma]),
        }
        self._listen()
        return widgets.VBox(
            [
                widgets.HTML(
                    "<p>This tiny CLIP has seen drawings only: on a photograph these three models "
                    "fail. Weights with a real CLIP can be added below.</p>"
                ),
                widgets.HBox([self.example, self.upload]),
                self.names,
                self.more,
                self.view,
                *self.of_view.values(),
                self.said,
                self.image,
                self.table,
                widgets.HBox([self.weights, self.load]),
            ]
        )

    def _listen(self) -> None:
        def on(widget, do: Callable[[], None]) -> None:
            widget.observe(lambda _: self._guarded(do), names="value")

        on(self.example, self._picture_chosen)
        on(self.upload, self._picture_uploaded)
        on(self.names, self._ask)
        on(self.more, self._one_more)
        for widget in (
            self.view,
            self.told,
            self.opacity,
            self.gamma,
            self.chosen,
            self.row,
            self.column,
        ):
            on(widget, self._draw)
        self.load.on_click(lambda _: self._guarded(self._add_model))

    def _guarded(self, do: Callable[[], None]) -> None:
        """Do it; what goes wrong is said in a sentence, as everywhere in the package."""
        self.said.value = ""
        try:
            do()
        except (ValueError, TypeError, OSError, ImportError, FloatingPointError) as error:
            self.said.value = f'<p role="alert"><b>{html.escape(str(error))}</b></p>'

    def _picture_chosen(self) -> None:
        self.scene = example_scene(self.example.value)
        self._write_names([one.name for one in self.scene.questions])

    def _picture_uploaded(self) -> None:
        if contents := uploaded(self.upload.value):
            try:
                opened = Image.open(io.BytesIO(contents))
            except OSError as error:
                raise ValueError(
                    "this file cannot be read as a picture; save it as PNG or JPEG and try again"
                ) from error
            self.scene = Scene(read_image(opened), self.scene.questions)
            self._ask()

    def _write_names(self, names: Sequence[str]) -> None:
        text = ", ".join(names)
        if text == self.names.value:  # no change, so nobody is told of one
            self._ask()
        self.names.value = text

    def _one_more(self) -> None:
        if name := self.more.value.strip():
            self.more.value = ""
            self._write_names([*(one.name for one in self.scene.questions), name])

    def _add_model(self) -> None:
        name = self.weights.value.strip()
        if len(self.models) >= MOST_MODELS:
            raise ValueError(f"at most {MOST_MODELS} models stand beside each other")
        self.models[name] = load_model(name)[0]
        self._ask()

    def _ask(self) -> None:
        """Ask every model for what is written, about the picture that is there."""
        scene = self.scene
        asked = [name for name in self.names.value.replace("\n", ",").split(",") if name.strip()]
        questions = tuple(dict.fromkeys(map(question, asked)))
        if len(questions) > MOST_NAMES:
            raise ValueError(f"at most {MOST_NAMES} names are asked for at once")
        answers = {}
        for title, model in self.models.items():
            try:
                answers[title] = ask(model, scene.image, questions)
            except ValueError as error:
                raise ValueError(f"{title}: {error}") from error
        scene.questions, scene.answers = questions, answers
        options = [(one.name, q) for q, one in enumerate(questions)]
        if list(self.chosen.options) != options:
            self.chosen.options = options
        self._draw()

    def _draw(self) -> None:
        scene = self.scene
        scene.view, scene.told, scene.opacity = self.view.value, self.told.value, self.opacity.value
        scene.gamma, scene.place = self.gamma.value, (self.row.value, self.column.value)
        scene.chosen = self.chosen.value or 0
        for view, controls in self.of_view.items():
            controls.layout.display = None if view == scene.view else "none"
        if scene.answers:
            self.image.value = to_png_bytes(panels(scene), 1.5)
            self.table.value = table_of(scene)


def uploaded(value) -> bytes | None:
    """The bytes of the last file in a FileUpload's value, of ipywidgets 7 or 8; None without."""
    files = list(value.values()) if isinstance(value, Mapping) else list(value)
    return bytes(files[-1]["content"]) if files else None


def table_of(scene: Scene) -> str:
    """An HTML table: what each model says of each name."""
    titles = "".join(f"<th>{html.escape(title)}</th>" for title in scene.answers)
    decisions = [scene.decision(title) for title in scene.answers]
    rows = []
    for q, one in enumerate(scene.questions):
        cells = "".join(
            f"<td><b>{decision.scores[q]:.2f}</b> {decision.masks[q].mean():.1%}</td>"
            for decision in decisions
        )
        rows.append(f"<tr><th>{q + 1} {html.escape(one.name)}</th>{cells}</tr>")
    return f"<table><tr><th>score, share of the picture</th>{titles}</tr>{''.join(rows)}</table>"
