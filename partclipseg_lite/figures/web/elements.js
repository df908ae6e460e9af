// Elements of the laboratory's page that know nothing of attention: nodes, controls with labels, axes.

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element: properties that begin with "on" are listeners, the rest are attributes. */
export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
export function s(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter(child => child !== null));
  return node;
}

/** Choices side by side, one of them taken. `options`: [value, label or node, what a screen reader says]. */
export function radios(name, legend, options, chosen, choose, shape = "pcl-choice") {
  const inputs = options.map(([value, label, spoken]) => {
    const input = h("input", { type: "radio", name, "aria-label": spoken ?? null });
    input.checked = value === chosen;
    input.addEventListener("change", () => choose(value));
    return { value, input, label: h("label", {}, input, h("span", { class: shape }, label)) };
  });
  const node = h("fieldset", { class: "pcl-radios" }, h("legend", {}, legend));
  node.append(h("div", {}, ...inputs.map(one => one.label)));
  const take = value => {
    for (const one of inputs) one.input.checked = one.value === value;
  };
  return { node, take };
}

/** A slider with its label and its value beside it. `say` tells the value in words. */
export function slider(id, label, { min, max, step, value, show, say }, change) {
  const output = h("output", { for: id }, show(value));
  const input = h("input", { type: "range", id, min, max, step });
  input.value = value;
  const speak = () => {
    output.textContent = show(Number(input.value));
    input.setAttribute("aria-valuetext", say(Number(input.value)));
  };
  input.addEventListener("input", () => change(Number(input.value)));
  const node = h("div", { class: "pcl-slider" }, h("label", { for: id }, label), input, output);
  const take = number => {
    if (Number(input.value) !== number) input.value = number;
    speak();
  };
  return { node, input, take };
}

/** A list to choose from. `options`: [value, label]. */
export function list(id, label, options, choose) {
  const input = h("select", { id, onchange: event => choose(event.target.value) });
  const offer = (others, value = null) => {
    input.replaceChildren(...others.map(([each, text]) => h("option", { value: each }, text)));
    if (value !== null) input.value = value;
  };
  offer(options);
  const node = h("div", { class: "pcl-list" }, h("label", { for: id }, label), input);
  return { node, input, offer };
}

/** A square for each place of a grid. */
export function cellsOf(side, kind = null) {
  const square = n => ({ x: n % side, y: Math.floor(n / side), width: 1, height: 1, class: kind });
  return Array.from({ length: side * side }, (_, n) => s("rect", square(n)));
}

/** The lines around the places of a grid that are marked: a path in units of places. */
export function outline(marked, side) {
  const inside = (row, column) =>
    row >= 0 && row < side && column >= 0 && column < side && marked[row * side + column] > 0;
  let path = "";
  for (let row = 0; row < side; row++) {
    for (let column = 0; column < side; column++) {
      if (!inside(row, column)) continue;
      if (!inside(row - 1, column)) path += `M${column} ${row}h1`;
      if (!inside(row + 1, column)) path += `M${column} ${row + 1}h1`;
      if (!inside(row, column - 1)) path += `M${column} ${row}v1`;
      if (!inside(row, column + 1)) path += `M${column + 1} ${row}v1`;
    }
  }
  return path;
}

/** Squares of the places that pass a test, as one path. */
export function squares(side, test) {
  let path = "";
  for (let n = 0; n < side * side; n++) {
    if (test(n)) path += `M${n % side} ${Math.floor(n / side)}h1v1h-1z`;
  }
  return path;
}

const FRAME = { left: 46, right: 10, top: 10, bottom: 34, width: 270, height: 200 };

/** Axes with ticks and names; `place` gives the point of a pair of values, `lines` draws into them. */
export function axes({ x, y }) {
  const inner = [FRAME.width - FRAME.left - FRAME.right, FRAME.height - FRAME.top - FRAME.bottom];
  const range = { x: [...x.range], y: [...y.range] };
  const at = (value, [low, high], length) => ((value - low) / (high - low || 1)) * length;
  const place = (a, b) => [FRAME.left + at(a, range.x, inner[0]), FRAME.top + inner[1] - at(b, range.y, inner[1])];
  const grid = s("g", { class: "pcl-grid" });
  const body = s("g");
  const node = s(
    "svg",
    {
      viewBox: `0 0 ${FRAME.width} ${FRAME.height}`,
      class: "pcl-chart",
      role: "img",
    },
    grid,
    body,
  );
  const text = (content, attributes) => s("text", attributes, content);
  const redraw = () => {
    const [left, bottom] = place(range.x[0], range.y[0]);
    const [right, top] = place(range.x[1], range.y[1]);
    grid.replaceChildren(
      ...x
        .ticks(range.x)
        .flatMap(value => [
          s("path", { d: `M${place(value, 0)[0]} ${bottom}V${top}` }),
          text(x.show(value), { x: place(value, 0)[0], y: bottom + 13, "text-anchor": "middle" }),
        ]),
      ...y
        .ticks(range.y)
        .flatMap(value => [
          s("path", { d: `M${left} ${place(0, value)[1]}H${right}` }),
          text(y.show(value), { x: left - 5, y: place(0, value)[1] + 4, "text-anchor": "end" }),
        ]),
      text(x.name, {
        x: (left + right) / 2,
        y: FRAME.height - 4,
        "text-anchor": "middle",
        class: "pcl-name",
      }),
      text(y.name, {
        transform: `translate(10 ${(top + bottom) / 2}) rotate(-90)`,
        "text-anchor": "middle",
        class: "pcl-name",
      }),
    );
  };
  redraw();
  return {
    node,
    body,
    place,
    stretchTo(high) {
      if (high === range.y[1]) return;
      range.y[1] = high;
      redraw();
    },
    /** The x value under a pointer. */
    under(event) {
      const box = node.getBoundingClientRect();
      const point = ((event.clientX - box.left) / box.width) * FRAME.width;
      return range.x[0] + ((point - FRAME.left) / inner[0]) * (range.x[1] - range.x[0]);
    },
    say: words => node.setAttribute("aria-label", words),
  };
}

/** A path through points, or a staircase that holds each value until the next. */
export function line(points, stairs = false) {
  return points
    .map(([x, y], i) => {
      const point = `${x.toFixed(1)} ${y.toFixed(1)}`;
      if (i === 0) return `M${point}`;
      return stairs ? `H${x.toFixed(1)}V${y.toFixed(1)}` : `L${point}`;
    })
    .join("");
}
