"""A Sphinx extension: KaTeX sets formulas while the book is rendered, not in a reader's browser.

    python book/tools/render_pages.py     loads it, as _config.yml says

Takes seconds. One Node.js answers line by line through its pipes. (sphinxcontrib-katex asks through
a socket, which now and then refuses the first call on a busy machine.)
"""

from __future__ import annotations

import html
import json
import subprocess

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number
from sphinx.writers.html5 import HTML5Translator

from book_pages import BUILD
from javascript import node

KATEX = BUILD / "javascript" / "node_modules" / "katex" / "dist" / "katex.min.js"
ANSWERS = """
const katex = require(process.argv[1]);
require("node:readline").createInterface({ input: process.stdin }).on("line", line => {
  const [formula, displayMode] = JSON.parse(line);
  let answer;
  try {
    answer = { set: katex.renderToString(formula, { displayMode, strict: "ignore" }) };
  } catch (error) {
    answer = { fault: error.message };
  }
  console.log(JSON.stringify(answer));
});
"""
logger = logging.getLogger(__name__)


class Setter:
    """Node.js with KaTeX, started when the first formula is met."""

    def __init__(self):
        self.process: subprocess.Popen | None = None

    def __call__(self, formula: str, display: bool) -> str:
        """The HTML of a formula.

        Raises:
            ValueError: KaTeX does not understand it.
            RuntimeError: Node.js ended.
        """
        if self.process is None:
            command = [node(), "--input-type=commonjs", "--eval", ANSWERS, str(KATEX)]
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
            self.process = subprocess.Popen(command, **pipes, text=True, encoding="utf-8")
        try:
            self.process.stdin.write(json.dumps([formula, display]) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise RuntimeError(f"Node.js ended, asked for {formula!r}; is {KATEX} there?")
        answer = json.loads(line)
        if "fault" in answer:
            raise ValueError(answer["fault"])
        return answer["set"]

    def close(self) -> None:
        """Ends Node.js, if it was started."""
        if self.process:
            self.process.stdin.close()
            self.process.stdout.close()
            self.process.wait()
            self.process = None


setter = Setter()


def formula_of(element: nodes.math | nodes.math_block, display: bool) -> str:
    """A formula's HTML; one that KaTeX does not understand is a warning and stays text."""
    try:
        return setter(element.astext(), display)
    except ValueError as error:
        logger.warning("%s", error, location=element)
        return html.escape(element.astext())


def inline(translator: HTML5Translator, element: nodes.math) -> None:
    """A formula within a line."""
    translator.body.append(translator.starttag(element, "span", "", CLASS="math"))
    translator.body.append(formula_of(element, display=False) + "</span>")
    raise nodes.SkipNode


def block(translator: HTML5Translator, element: nodes.math_block) -> None:
    """A formula on its own, with its number where it has one."""
    translator.body.append(translator.starttag(element, "div", CLASS="math"))
    if element["number"]:
        number = get_node_equation_number(translator, element)
        translator.body.append(f'<span class="eqno">({number})')
        translator.add_permalink_ref(element, "Link to this equation")
        translator.body.append("</span>")
    translator.body.append(formula_of(element, display=True) + "</div>\n")
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Called by Sphinx; offers the renderer that _config.yml names."""
    app.add_html_math_renderer("katex", (inline, None), (block, None))
    app.add_css_file("katex/katex.min.css")
    app.connect("build-finished", lambda *_: setter.close())
    return {"parallel_read_safe": True, "parallel_write_safe": False}
