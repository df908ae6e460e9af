// A canvas to draw on, with the mouse, a finger or the keyboard.

import { h, radios, slider } from "./elements.js";
import { context } from "./pictures.js";

const INKS = "#111111 #ffffff #8a8a8a #7a4a21 #d9b98c #e6812f #c62828 #2b64c8 #2e8b3a #f2c530 #e48fb1".split(" ");
const INK_NAMES = "black white grey brown tan orange red blue green yellow pink".split(" ");

/** A canvas to draw on, with the mouse, a finger or the keyboard; each stroke is a new picture. */
export function scribbleBoard(lab) {
  const side = 448;
  const canvas = h("canvas", {
    ...{ width: side, height: side, class: "pcp-board", tabindex: 0, role: "application" },
    ...{ "aria-label": "Board to draw on", "aria-describedby": `${lab.id}-board` },
  });
  const cross = h("i", { class: "pcp-cross", hidden: true });
  const ink = canvas.getContext("2d", { willReadFrequently: true });
  const state = { colour: 0, size: 22, at: [side / 2, side / 2], drawing: false, pen: false };
  let past = [];
  const keep = () => {
    past = [...past.slice(-19), ink.getImageData(0, 0, side, side)];
  };
  const show = () => lab.take(ink.getImageData(0, 0, side, side), "your drawing");
  const start = paint => {
    keep();
    paint();
    show();
  };
  const white = () => {
    ink.fillStyle = "#fff";
    ink.fillRect(0, 0, side, side);
  };
  const present = () => {
    const { base, width, height } = lab.state.picture;
    const small = context(width, height);
    small.putImageData(base, 0, 0);
    ink.drawImage(small.canvas, 0, 0, side, side);
  };
  const lineTo = ([x, y]) => {
    [ink.strokeStyle, ink.lineWidth, ink.lineCap] = [INKS[state.colour], state.size, "round"];
    ink.beginPath();
    ink.moveTo(...state.at);
    ink.lineTo(x + 0.01, y);
    ink.stroke();
    state.at = [x, y];
  };
  const under = event => {
    const box = canvas.getBoundingClientRect();
    return [((event.clientX - box.left) * side) / box.width, ((event.clientY - box.top) * side) / box.height];
  };
  canvas.addEventListener("pointerdown", event => {
    canvas.setPointerCapture(event.pointerId);
    keep();
    [state.at, state.drawing, state.pen, cross.hidden] = [under(event), true, false, true];
    lineTo(state.at);
  });
  canvas.addEventListener("pointermove", event => {
    if (state.drawing) lineTo(under(event));
  });
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, () => {
      if (state.drawing) show();
      state.drawing = false;
    });
  }
  canvas.addEventListener("keydown", event => {
    const step = event.shiftKey ? 2 : 12;
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (event.key === " " || event.key === "Enter") {
      event.preventDefault();
      state.pen = !state.pen;
      if (state.pen) {
        keep();
        lineTo(state.at);
      } else show();
      lab.announce(state.pen ? "pen down" : "pen up");
    }
    if (!way) return;
    event.preventDefault();
    const next = state.at.map((value, axis) => Math.min(side, Math.max(0, value + step * way[axis])));
    if (state.pen) lineTo(next);
    state.at = next;
    cross.hidden = false;
    [cross.style.left, cross.style.top] = next.map(value => `${(100 * value) / side}%`);
    lab.announce(`${Math.round((100 * next[0]) / side)} across, ${Math.round((100 * next[1]) / side)} down`);
  });
  canvas.addEventListener("blur", () => {
    cross.hidden = true;
    if (state.pen) show();
    state.pen = false;
  });
  const swatch = colour => h("b", { class: "pcp-ink", style: `background:${colour}` });
  const colours = radios(
    `${lab.id}-ink`,
    "Colour",
    INKS.map((colour, i) => [i, swatch(colour), INK_NAMES[i]]),
    0,
    value => {
      state.colour = value;
    },
    "pcp-swatch",
  );
  const range = { min: 2, max: 90, step: 2, value: state.size, show: String, say: size => `${size} pixels wide` };
  const width = slider(`${lab.id}-pen`, "Width", range, value => {
    state.size = value;
    width.take(value);
  });
  width.take(state.size);
  const undo = () => {
    const last = past.pop();
    if (last) ink.putImageData(last, 0, 0);
    show();
  };
  const tools = [
    ["White sheet", () => start(white)],
    ["On the picture", () => start(present)],
    ["Undo", undo],
  ].map(([label, onclick]) => h("button", { type: "button", onclick }, label));
  const hint = "Keys: arrows move, Shift in small steps, Space puts the pen down and lifts it.";
  white();
  return h(
    "div",
    { class: "pcp-scribble", role: "group", "aria-label": "Drawing" },
    h("div", { class: "pcp-sheet" }, canvas, cross),
    h(
      "div",
      {},
      colours.node,
      width.node,
      h("div", { class: "pcl-bar" }, ...tools),
      h("p", { id: `${lab.id}-board`, class: "pcl-hint" }, hint),
    ),
  );
}
