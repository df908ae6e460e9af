// Where a reader's picture comes from: the gallery, a file, the camera, a drawing of one's own.

import { scribbleBoard } from "./board.js";
import { h, radios } from "./elements.js";

const DRAWINGS = "This tiny CLIP has seen drawings only: on a photograph all three models fail.";

/** The gallery, and beside it what takes a picture of the reader's own. */
export function picker(lab) {
  const { gallery, start } = lab.contents;
  const offered = gallery.map((example, i) => [i, thumbnail(example), `${example.title}, ${example.kind}`]);
  const examples = radios(`${lab.id}-picture`, "Pictures", offered, start, number => lab.choose(number), "pcl-scene");
  const board = scribbleBoard(lab);
  board.hidden = true;
  const pen = h("button", { type: "button", "aria-expanded": "false" }, "Draw one");
  pen.addEventListener("click", () => {
    board.hidden = !board.hidden;
    pen.setAttribute("aria-expanded", String(!board.hidden));
  });
  const title = h("b", { class: "pcp-mine" });
  const own = h(
    "div",
    { class: "pcl-bar", role: "group", "aria-label": "Your own picture" },
    opener(lab, "Open a picture …", {}, ""),
    opener(lab, "Take a picture", { capture: "environment" }, "pcp-camera"),
    pen,
    h("span", { class: "pcp-title" }, DRAWINGS, title),
  );
  const draw = () => {
    const { picture } = lab.state;
    title.textContent = picture?.example ? "" : (picture?.title ?? "");
    if (picture) examples.take(gallery.indexOf(picture.example));
  };
  return { nodes: [examples.node, own, board], draw };
}

function thumbnail({ image, title, kind }) {
  const small = h("b", { class: "pcl-thumb", style: `background-image:url(${image})` });
  return h("span", {}, small, h("em", {}, title), h("small", {}, kind));
}

/** A button that opens a picture: of the disk, or on a phone the camera's. */
function opener(lab, label, attributes, shape) {
  const input = h("input", { type: "file", accept: "image/*", ...attributes });
  input.addEventListener("change", () => {
    const [file] = input.files;
    input.value = ""; // the same one may be chosen again
    if (file) lab.open(file, file.name);
  });
  return h("label", { class: `pcp-button ${shape}` }, input, h("span", {}, label));
}

/** Pictures that are dropped or pasted onto a node are opened. */
export function openDropped(lab, node) {
  for (const kind of ["dragover", "drop"]) {
    node.addEventListener(kind, event => {
      event.preventDefault();
      const [file] = event.dataTransfer?.files ?? [];
      if (kind === "drop" && file) lab.open(file, file.name);
    });
  }
  node.addEventListener("paste", event => {
    const file = [...(event.clipboardData?.files ?? [])].find(({ type }) => type.startsWith("image/"));
    if (file) lab.open(file, "pasted picture");
  });
}
