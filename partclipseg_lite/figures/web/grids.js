// Views on grids of patches: the claims over the picture, the grid that is painted, the parts with their small maps.
import { cellsOf, h, list, outline, radios, s, squares } from "./elements.js";
import { EXAMPLES, isSoft, sharesOf } from "./state.js";

export const percent = share => `${Math.round(100 * share)}\u00a0%`;
export const two = value => value.toFixed(2);
const where = (n, side) => `row ${Math.floor(n / side) + 1}, column ${(n % side) + 1}`;
const and = words => (words.length > 1 ? `${words.slice(0, -1).join(", ")} and ${words.at(-1)}` : words[0]);
const centre = (n, side) => [(n % side) + 0.5, Math.floor(n / side) + 0.5];

function number(n, side, text, kind = "") {
  const [x, y] = centre(n, side);
  return s("text", { x, y, "font-size": side > 4 ? 0.5 : 0.26, class: kind }, String(text));
}

/** Arrows take the place of the discs and numbers. */
const isPulled = state => state.gradient && isSoft(state);

/** A grid on which places are pointed at, with the mouse, a finger or the arrow keys. */
function pointedGrid(side, layers) {
  const about = { tabindex: 0, role: "application", "aria-roledescription": "grid of patches" };
  const node = s("svg", { viewBox: `0 0 ${side} ${side}`, class: "pcl-picture", ...about }, ...layers);
  const clip = value => Math.min(side - 1, Math.max(0, Math.floor(value * side)));
  const under = event => {
    const box = node.getBoundingClientRect();
    return clip((event.clientY - box.top) / box.height) * side + clip((event.clientX - box.left) / box.width);
  };
  /** The place that an arrow key leads to from n; null for other keys. */
  const led = (n, key) => {
    const [row, column] = [Math.floor(n / side), n % side];
    const to = { ArrowLeft: [row, column - 1], ArrowRight: [row, column + 1], ArrowUp: [row - 1, column] };
    const next = { ...to, ArrowDown: [row + 1, column] }[key];
    if (!next) return null;
    return next.every(value => value >= 0 && value < side) ? next[0] * side + next[1] : n;
  };
  return { node, under, led };
}

/** The picture with the claims of one model. */
export function claimsView(lab, model) {
  const { state } = lab;
  const scene = lab.now.scene();
  const { side, colours, own, onObject, written } = scene;
  const frame = { width: side, height: side, preserveAspectRatio: "none" };
  const image = written ? [] : [s("image", { href: scene.image, ...frame })];
  const cells = cellsOf(side);
  const [counts, gazes, arrows] = Array.from({ length: 3 }, () => s("g"));
  const paths = { hatched: null, missing: "pcl-missing", mask: "pcl-outline", cursor: "pcl-cursor" };
  const path = Object.fromEntries(Object.entries(paths).map(([name, kind]) => [name, s("path", { class: kind })]));
  path.hatched.setAttribute("fill", `url(#${lab.id}-hatch)`);
  counts.setAttribute("class", "pcl-numbers");
  const marks = [path.hatched, path.missing, path.mask, counts, gazes, arrows, path.cursor];
  const grid = pointedGrid(side, [...image, s("g", {}, ...cells), ...marks]);
  const title = `${lab.mark(model)} ${lab.now.models()[model]}`;
  grid.node.setAttribute("aria-label", `Claims ${title}; arrow keys move over the patches`);
  const hover = cell => event => {
    if (event.pointerType !== "touch" && !state.pinned) lab.set({ cell: cell(event) });
  };
  grid.node.addEventListener("pointermove", hover(grid.under));
  grid.node.addEventListener(
    "pointerleave",
    hover(() => null),
  );
  grid.node.addEventListener("click", event => {
    const again = state.pinned && state.cell === grid.under(event);
    lab.set({ cell: again ? null : grid.under(event), pinned: !again });
  });
  grid.node.addEventListener("keydown", event => {
    const next = state.cell === null ? grid.led(0, event.key) && 0 : grid.led(state.cell, event.key);
    if (event.key === "Escape") lab.set({ cell: null, pinned: false });
    if (next === null) return;
    event.preventDefault();
    lab.set({ cell: next, pinned: true });
  });
  const caption = h("div", { class: "pcl-caption" });
  const draw = found => {
    const { part, cell } = state;
    const [claimed, told] = [lab.now.claimed(found), lab.now.told(found)];
    const strength = (k, n) => claimed[k][n] * found.normalised[k][n];
    const strongest = n => claimed.reduce((best, _, k) => (strength(k, n) > strength(best, n) ? k : best), 0);
    const total = n => claimed.reduce((sum, map) => sum + map[n], 0);
    cells.forEach((rect, n) => {
      const k = part ?? strongest(n);
      rect.setAttribute("fill", colours[k]);
      rect.setAttribute("fill-opacity", (0.78 * claimed[k][n]).toFixed(3));
    });
    const framed = part === null ? (written ? own : []) : [own[part]];
    const drawn = {
      hatched: squares(side, n => total(n) > 1.5 && (part === null || claimed[part][n] > 0.5)),
      missing: squares(side, n => part === null && onObject[n] > 0 && total(n) < 0.5),
      mask: framed.map(places => outline(places, side)).join(""),
      cursor: squares(side, n => n === cell),
    };
    for (const [name, d] of Object.entries(drawn)) path[name].setAttribute("d", d);
    const text = n => number(n, side, isSoft(state) ? two(total(n)) : total(n));
    const pulled = isPulled(state);
    counts.replaceChildren(...(written && !pulled ? cells.map((_, n) => text(n)) : []));
    arrows.replaceChildren(...(pulled ? arrowsOf(lab, model) : []));
    gazes.replaceChildren(...discs(cell === null || pulled ? null : lab.now.gaze(model, cell), side));
    const shares = ` overlap ${percent(told.overlap)}, missing ${percent(told.missing)}`;
    caption.replaceChildren(h("strong", {}, title), shares);
  };
  return { node: h("div", { class: "pcl-figure" }, caption, grid.node), draw };
}

/** A disc in each place that a patch looks at, its area the share of its attention. */
function discs(row, side) {
  if (!row) return [];
  const most = Math.max(...row);
  const looked = [...row.keys()].filter(n => row[n] > 0.04 * most);
  return looked.map(n => {
    const [cx, cy] = centre(n, side);
    return s("circle", { cx, cy, r: 0.46 * Math.sqrt(row[n] / most), class: "pcl-gaze" });
  });
}

/** An arrow in each place that the soft loss pulls at: up where training raises the map, down where it lowers it. */
function arrowsOf(lab, model) {
  const { side } = lab.now.scene();
  const slopes = lab.now.gradient(model).filter((_, k) => lab.state.part === null || lab.state.part === k);
  const most = Math.max(1e-12, ...slopes.flatMap(map => [...map].map(Math.abs)));
  return [...slopes[0].keys()].flatMap(n => {
    const slope = slopes.reduce((best, map) => (Math.abs(map[n]) > Math.abs(best) ? map[n] : best), 0);
    const size = Math.sqrt(Math.abs(slope) / most);
    if (size < 0.2) return [];
    const [x, y] = centre(n, side);
    const reach = 0.12 + 0.34 * size;
    const turn = slope > 0 ? 180 : 0; // training goes down the slope
    const d = `M0 ${-reach}L${0.6 * reach} 0H${0.22 * reach}V${reach}H${-0.22 * reach}V0H${-0.6 * reach}z`;
    return [s("path", { d, transform: `translate(${x} ${y}) rotate(${turn})`, class: "pcl-arrow" })];
  });
}

/** What the place that is pointed at tells. */
export function placeWords(lab, results) {
  const { cell } = lab.state;
  const { side, parts, holder, onObject, written } = lab.now.scene();
  if (cell === null) return "Point at a patch of the claims, or tap it: who claims it, and where does it look?";
  const off = onObject[cell] ? "on the object" : "off the object";
  const is = holder[cell] < 0 ? off : `a patch of the ${parts[holder[cell]]}`;
  const claims = results.map(found => {
    const who = parts.filter((_, k) => lab.now.claimed(found)[k][cell] > 0.5);
    const name = results.length > 1 ? `${lab.now.models()[found.model]}: ` : "";
    return `${name}claimed by ${who.length ? and(who) : "no part"}`;
  });
  const looks = !isPulled(lab.state) && results.some(({ model }) => lab.now.gaze(model, cell));
  const discsTell = looks ? ` Discs: where it looks${written ? "" : ", in the mean of the last block's heads"}.` : "";
  return `${where(cell, side)}, ${is}; ${claims.join("; ")}.${discsTell}`.replace(/^r/, "R");
}

/** The grid on which attention is painted, with what chooses the word, the patch and an example. */
export function paintView(lab) {
  const { state } = lab;
  const scene = lab.now.scene();
  const { side, parts, colours, own, onObject } = scene;
  const [words, inks] = [
    [...parts, scene.object],
    [...colours, "#7a7a7a"],
  ];
  const cells = cellsOf(side, "pcl-painted");
  const numbers = s("g", { class: "pcl-numbers" });
  const [asked, cursor] = ["pcl-outline", "pcl-cursor"].map(kind => s("path", { class: kind }));
  const grid = pointedGrid(side, [...cells, numbers, asked, cursor]);
  grid.node.classList.add("pcl-canvas");
  let [at, brush] = [0, null];
  const queries = () => (state.word === parts.length ? onObject : own[state.word]);
  // A query is a patch, "of 0" for those of the first part, or null for all.
  const isAsked = n => [null, String(n), `of ${scene.holder[n]}`].includes(state.query);
  const chosen = () => cells.flatMap((_, n) => (queries()[n] && isAsked(n) ? [n] : []));
  const table = () => scene.drops[state.word];
  const dropsAt = key => Math.max(...chosen().map(query => table()[query][key]));
  const mean = key => {
    const rows = sharesOf(table());
    return chosen().reduce((sum, query) => sum + rows[query][key], 0) / chosen().length;
  };
  const tell = () => `${words[state.word]}, ${where(at, side)}: ${percent(mean(at))} of its attention`;
  const pour = (key, drops) => {
    at = key;
    for (const query of chosen()) table()[query][key] = drops;
    lab.paint(tell());
  };
  const touch = (key, less = false) => pour(key, (dropsAt(key) + (less ? 4 : 1)) % 5);
  grid.node.addEventListener("pointerdown", event => {
    touch(grid.under(event), event.shiftKey);
    brush = dropsAt(at);
  });
  grid.node.addEventListener("pointermove", event => {
    if (brush !== null && event.buttons & 1 && grid.under(event) !== at) pour(grid.under(event), brush);
  });
  grid.node.addEventListener("keydown", event => {
    const painted = { " ": false, Enter: false, "+": false, "-": true, Backspace: true };
    const next = grid.led(at, event.key);
    if (next === null && !(event.key in painted)) return;
    event.preventDefault();
    if (next === null) return touch(at, painted[event.key]);
    at = next;
    lab.announce(tell());
    draw();
  });
  const take = value => lab.set({ word: value, query: null });
  const word = radios(`${lab.id}-word`, "Paint where", [...words.entries()], state.word, take);
  const from = value => lab.set({ query: value === "all" ? null : value });
  const query = list(`${lab.id}-query`, "looks, from", [], from);
  const start = ([name, make]) => {
    const onclick = () => {
      scene.drops = make(scene.cells);
      lab.paint(`Painted: ${name}`);
    };
    return h("button", { type: "button", onclick }, name);
  };
  const hint =
    "Each tap adds a drop of attention, a fifth takes them all away; what a patch gives adds up to 100\u00a0%. " +
    "Keys: arrows, Enter, and minus to take away. Or begin with:";
  const draw = () => {
    word.take(state.word);
    const each = cells.flatMap((_, n) => (queries()[n] ? [[n, where(n, side)]] : []));
    const ofParts = state.word === parts.length ? parts.map((part, k) => [`of ${k}`, `those of the ${part}`]) : [];
    query.offer([["all", "all its patches"], ...ofParts, ...each], state.query ?? "all");
    cells.forEach((rect, n) => {
      rect.setAttribute("fill", inks[state.word]);
      rect.setAttribute("fill-opacity", (0.85 * Math.min(1, 2 * mean(n))).toFixed(3));
    });
    numbers.replaceChildren(...cells.flatMap((_, n) => (mean(n) > 0 ? [number(n, side, percent(mean(n)))] : [])));
    const asking = chosen();
    const marked = cells.map((_, n) => Number(asking.includes(n)));
    asked.setAttribute("d", outline(marked, side));
    cursor.setAttribute(
      "d",
      squares(side, n => n === at),
    );
    grid.node.setAttribute("aria-label", `Attention of ${words[state.word]}: paint where its patches look`);
  };
  const examples = h("div", { class: "pcl-examples" }, ...EXAMPLES.map(start));
  const below = h("p", { class: "pcl-hint" }, hint);
  return { node: h("div", { class: "pcl-paint" }, word.node, query.node, grid.node, below, examples), draw };
}

/** A chip for each part: its normalised map in each model shown, its peak inside its own mask, the weakest flagged. */
export function chipsView(lab) {
  const { state } = lab;
  const scene = lab.now.scene();
  const chips = scene.parts.map((part, k) => {
    const [maps, peaks] = ["pcl-minis", "pcl-peaks"].map(kind => h("span", { class: kind }));
    const name = h("span", { class: "pcl-part" }, h("i", { style: `background:${scene.colours[k]}` }), part);
    const onclick = () => lab.set({ part: state.part === k ? null : k });
    const about = h("span", { class: "pcl-about" }, name, peaks);
    return { node: h("button", { type: "button", class: "pcl-chip", onclick }, maps, about), maps, peaks };
  });
  const peakOf = (found, k) => {
    const bar = h("b", { style: `width:${(100 * Math.min(1, found.peaks[k])).toFixed(0)}%` });
    const flag = found.weakest === k ? h("em", {}, "weakest") : null;
    return h("span", {}, bar, `${lab.mark(found.model)} ${two(found.peaks[k])}`, flag);
  };
  const draw = results => {
    chips.forEach(({ node, maps, peaks }, k) => {
      node.setAttribute("aria-pressed", String(state.part === k));
      maps.replaceChildren(...results.map(found => (scene.written ? numbered : mini)(scene, k, found, state.gamma)));
      peaks.replaceChildren(...results.map(found => peakOf(found, k)));
    });
  };
  const shape = scene.written ? "pcl-chips pcl-large" : "pcl-chips";
  const group = h("div", { class: shape, role: "group", "aria-label": "Parts" }, ...chips.map(chip => chip.node));
  const caption = h("div", { class: "pcl-caption" }, h("strong", {}, "Parts"), " with their peak in the own mask");
  return { node: h("div", { class: "pcl-figure pcl-parts" }, caption, group), draw };
}

/** A map in the colour of its part, one pixel a patch. */
function mini({ side, colours, own }, k, found) {
  const canvas = h("canvas", { width: side, height: side });
  const ink = canvas.getContext("2d");
  const pixels = ink.createImageData(side, side);
  const colour = [1, 3, 5].map(i => Number.parseInt(colours[k].slice(i, i + 2), 16));
  found.normalised[k].forEach((value, n) => {
    pixels.data.set([...colour, 255 * Math.max(0, Math.min(1, value)) ** 0.7], 4 * n);
  });
  ink.putImageData(pixels, 0, 0);
  const mask = s("path", { d: outline(own[k], side), class: "pcl-outline" });
  const over = s("svg", { viewBox: `0 0 ${side} ${side}`, "aria-hidden": "true" }, mask);
  return h("span", { class: "pcl-mini" }, canvas, over);
}

/** The map of Eq. 6 and the normalised one, with their numbers; those that do not reach γ are faint. */
function numbered({ side, colours, own }, k, found, gamma) {
  const grid = (values, text, least) => {
    const cells = cellsOf(side).map((rect, n) => {
      rect.setAttribute("fill", colours[k]);
      rect.setAttribute("fill-opacity", (0.85 * Math.min(1, values[n])).toFixed(3));
      return rect;
    });
    const shown = cells.flatMap((_, n) =>
      values[n] > 0.004 ? [number(n, side, two(values[n]), values[n] >= least ? "" : "pcl-below")] : [],
    );
    const mask = s("path", { d: outline(own[k], side), class: "pcl-outline" });
    const numbers = s("g", { class: "pcl-numbers" }, ...shown);
    const drawn = s("svg", { viewBox: `0 0 ${side} ${side}`, "aria-hidden": "true" }, ...cells, numbers, mask);
    return h("span", {}, drawn, h("small", {}, text));
  };
  const maps = [grid(found.maps[k], "map, Eq. 6", 0), grid(found.normalised[k], `scaled, smoothed`, gamma)];
  return h("span", { class: "pcl-pair" }, ...maps);
}
