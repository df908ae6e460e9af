// The laboratory: one state, controls that change it, views that show it. README.md tells how to add to it.
import { decode } from "./data.js";
import { axes, h, line, list, radios, s, slider } from "./elements.js";
import { chipsView, claimsView, paintView, percent, placeWords, two } from "./grids.js";
import { consequences, isSoft, read, writtenScene } from "./state.js";

const TAUS = [0.003, 0.005, 0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3];
const READINGS = [
  ["paper", "paper"],
  ["released", "released"],
  ["soft", "soft (ours)"],
];
const MARKS = ["○", "●", "◆", "■"];
const INKS = ["first", "second", "third", "fourth"];
const three = value => value.toFixed(3);
const fifths = ([low, high]) => [0, 0.25, 0.5, 0.75, 1].map(share => low + share * (high - low));

// ---- views of numbers

/** What each model tells at this moment, in words. */
function sharesInWords(lab) {
  const told = lab.results().map(found => {
    const { overlap, missing } = lab.now.told(found);
    const name = lab.now.shown().length > 1 ? `${lab.now.models()[found.model]}: ` : "";
    return `${name}overlap ${percent(overlap)}, missing ${percent(missing)}`;
  });
  return told.join("; ");
}

/** Overlap against missing places for every γ, one curve a model, with a dot at the γ that is set. */
function tradeView(lab) {
  const share = name => ({ name, range: [0, 1], ticks: fifths, show: value => String(Math.round(100 * value)) });
  const chart = axes({ x: share("missing, %"), y: share("overlap, %") });
  const place = found => chart.place(lab.now.told(found).missing, lab.now.told(found).overlap);
  const draw = results => {
    const shown = lab.now.shown();
    const curves = lab.now.models().map((_, model) => {
      const kind = `pcl-line ${lab.ink(model)} ${shown.includes(model) ? "" : "pcl-faint"}`;
      return s("path", { d: line(lab.now.curve(model).map(place)), class: kind });
    });
    const dots = results.map(found => {
      const [cx, cy] = place(found);
      return s("circle", { cx, cy, r: 5.5, class: `pcl-dot ${lab.ink(found.model)}` });
    });
    const [x, y] = chart.place(0.02, 0.03);
    chart.body.replaceChildren(...curves, ...dots, s("text", { x, y, class: "pcl-name" }, "↙ better"));
    chart.say(`Overlap against missing places. At γ ${two(lab.state.gamma)}, ${sharesInWords(lab)}`);
  };
  const caption = h("div", { class: "pcl-caption" }, h("strong", {}, "Every γ at once,"), " the dot at yours");
  return { node: h("div", { class: "pcl-figure" }, caption, chart.node), draw };
}

/** The separation loss over γ: the printed one, a staircase, and the soft one. Dragging sets γ. */
function lossView(lab) {
  const shown = value => (value === 0 ? "0" : value < 0.1 ? three(value).replace(/0$/, "") : two(value));
  const chart = axes({
    x: { name: "γ", range: [0, 1], ticks: fifths, show: two },
    y: { name: "separation loss", range: [0, 0.1], ticks: fifths, show: shown },
  });
  const follow = event => {
    if (event.type === "pointermove" && !(event.buttons & 1)) return;
    lab.set({ gamma: Math.min(0.98, Math.max(0.02, Math.round(100 * chart.under(event)) / 100)) });
  };
  for (const kind of ["pointerdown", "pointermove"]) chart.node.addEventListener(kind, follow);
  const draw = results => {
    const curves = results.map(({ model }) => ({ ink: lab.ink(model), points: lab.now.curve(model) }));
    const top = Math.max(0.01, ...curves.flatMap(({ points }) => points.flatMap(one => [one.printed, one.smoothed])));
    const unit = 0.4 * 10 ** Math.floor(Math.log10(top));
    chart.stretchTo(Math.ceil(top / unit) * unit);
    const curve = ({ ink, points }, name, stairs, kind) => {
      const path = line(
        points.map(one => chart.place(one.gamma, one[name])),
        stairs,
      ); // prettier-ignore
      return s("path", { d: path, class: `pcl-line ${ink} ${kind}` });
    };
    const dot = (value, kind) => {
      const [cx, cy] = chart.place(lab.state.gamma, value);
      return s("circle", { cx, cy, r: 4, class: `pcl-dot ${kind}` });
    };
    const [x, bottom] = chart.place(lab.state.gamma, 0);
    chart.body.replaceChildren(
      s("path", { d: `M${x} ${bottom}V10`, class: "pcl-rule" }),
      ...curves.flatMap(one => [curve(one, "printed", true, ""), curve(one, "smoothed", false, "pcl-soft")]),
      ...results.flatMap(found => [
        dot(found.printed, lab.ink(found.model)),
        dot(found.smoothed, `pcl-soft ${lab.ink(found.model)}`),
      ]),
    );
    const values = ({ model, printed, smoothed }) =>
      `${lab.now.models()[model]}: printed ${three(printed)}, soft ${three(smoothed)}`;
    chart.say(`Separation loss over γ. At γ ${two(lab.state.gamma)}, ${results.map(values).join("; ")}`);
  };
  const keys = ["printed", "soft"].map(name => h("span", { class: `pcl-key pcl-${name}` }, name));
  const caption = h("div", { class: "pcl-caption" }, h("strong", {}, "Separation loss:"), " ", keys[0], ", ", keys[1]);
  return { node: h("div", { class: "pcl-figure" }, caption, chart.node), draw };
}

/** The equations with the numbers of this moment, a line a model. */
function numbersView(lab) {
  const names = ["overlap", "missing", "separation, printed", "separation, soft", "enhancement"];
  const header = ["", ...names].map(name => h("th", { scope: "col", role: "columnheader" }, name));
  const body = h("tbody", { role: "rowgroup" });
  const head = h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, ...header));
  const row = found => {
    const { scene, told, models } = lab.now;
    const { overlap, missing, any, many, absent } = told(found);
    const count = value => (isSoft(lab.state) ? value.toFixed(1) : String(value));
    const over = read(lab.state) === "paper" ? ` ÷ ${scene().parts.length}` : "";
    const cells = [
      [`${count(many)} of ${count(any)}`, percent(overlap)],
      [`${count(absent)} of ${count(any + absent)}`, percent(missing)],
      [`${two(found.counted.overlap)}${over}`, three(found.printed)],
      [`${two(found.expected.overlap)}${over}`, three(found.smoothed)],
      [`1 − ${two(Math.min(...found.peaks))}`, two(found.enhancement)],
    ];
    const name = h("th", { scope: "row", role: "rowheader" }, `${lab.mark(found.model)} ${models()[found.model]}`);
    const cell = ([how, value], i) => {
      return h("td", { role: "cell", "data-name": names[i] }, h("small", {}, `${how} = `), h("b", {}, value));
    };
    return h("tr", { role: "row" }, name, ...cells.map(cell));
  };
  const draw = results => body.replaceChildren(...results.map(row));
  return { node: h("table", { class: "pcl-table", role: "table" }, head, body), draw };
}

function gradientWords(state) {
  if (!state.gradient) return "";
  if (isSoft(state)) {
    return "Arrows: training lowers (↓) or raises (↑) the map of the part that the soft loss pulls at most there. Choose a part to see its own.";
  }
  return "No arrow anywhere: the printed loss counts places, and a count stays when a map changes a little. Choose “soft”.";
}

// ---- controls

function controls(lab, data) {
  const { state, id } = lab;
  const picture = scene => {
    const thumb = scene.written
      ? h("b", { class: "pcl-thumb" }, "4 × 4")
      : h("b", { class: "pcl-thumb", style: `background-image:url(${scene.image})` });
    const words = scene.written ? ["paint", "yours"] : [scene.title, scene.kind];
    return h("span", {}, thumb, h("em", {}, words[0]), h("small", {}, words[1]));
  };
  const away = { part: null, cell: null, pinned: false, word: 0, query: null };
  const pictures = data.scenes.map((scene, i) => [i, picture(scene), `${scene.title}, ${scene.kind}`]);
  const count = data.models.length;
  const names = data.models.map((name, i) => [i, `${MARKS[i]} ${name}`]);
  const all = count > 1 ? [[count, count > 2 ? "all" : "both"]] : [];
  const chosen = {
    scene: radios(
      `${id}-scene`,
      "Picture",
      pictures,
      state.scene,
      value => lab.set({ ...away, scene: value }),
      "pcl-scene",
    ),
    model: radios(`${id}-model`, "Model", [...names, ...all], state.model, value => lab.set({ model: value })),
    reading: radios(`${id}-reading`, "Reading", READINGS, state.reading, value => lab.set({ reading: value })),
  };
  const taus = [...new Set([...TAUS, data.tau])].sort((a, b) => a - b);
  const last = data.scenes[0].gazes[0].at(-1);
  const blocks = last.paper.map((_, i) => [i, i === last.paper.length - 1 ? `${i + 1}, the last` : String(i + 1)]);
  const heads = last.paper[0].map((_, i) => [i, `head ${i + 1}`]);
  const { steps } = lab;
  const along = (values, name) => ({
    min: 0,
    max: values.length - 1,
    step: 1,
    value: values.indexOf(state[name]),
    show: i => String(values[i]),
  });
  const say = gamma => `γ ${two(gamma)}, ${sharesInWords(lab)}`;
  const trained = data.models.filter((_, i) => data.scenes[0].gazes[i].length > 1);
  const stepsOf = `Training step${trained.length < count ? `, ${trained.join(", ")}` : ""}`;
  const range = { min: 0.02, max: 0.98, step: 0.01, value: state.gamma, show: two, say };
  const slid = {
    gamma: slider(`${id}-gamma`, "γ", range, value => lab.set({ gamma: value })),
    tau: slider(`${id}-tau`, "τ", { ...along(taus, "tau"), say: i => `τ ${taus[i]}` }, i => lab.set({ tau: taus[i] })),
    step: slider(
      `${id}-step`,
      stepsOf,
      { ...along(steps, "step"), say: i => `step ${steps[i]} of ${steps.at(-1)}` },
      i => lab.set({ step: steps[i] }),
    ),
  };
  slid.gamma.node.classList.add("pcl-gamma");
  const block = list(`${id}-block`, "Decoder block", blocks, value => lab.set({ block: Number(value) }));
  const head = list(`${id}-head`, "Attention", [["mean", "mean of the heads"], ...heads], value => {
    lab.set({ head: value === "mean" ? null : Number(value) });
  });
  const box = h("input", { type: "checkbox", onchange: () => lab.set({ gradient: box.checked }) });
  const gradient = h("label", { class: "pcl-check" }, box, "Show the gradient");
  const bars = [
    [chosen.model.node, chosen.reading.node],
    [slid.gamma.node, slid.tau.node],
    [block.node, head.node, steps.length > 1 ? slid.step.node : null, gradient],
  ];
  const node = h(
    "div",
    { class: "pcl-controls" },
    chosen.scene.node,
    ...bars.map(bar => h("div", { class: "pcl-bar" }, ...bar)),
  );
  const draw = () => {
    const written = Boolean(lab.now.scene().written);
    const early = state.step !== steps.at(-1); // only the last step knows all blocks and heads
    for (const [name, one] of Object.entries(chosen)) one.take(state[name]);
    chosen.model.node.disabled = written || count === 1;
    block.input.disabled = head.input.disabled = written || early;
    slid.step.input.disabled = written;
    block.input.value = early ? blocks.length - 1 : state.block;
    head.input.value = early ? "mean" : (state.head ?? "mean");
    box.checked = state.gradient;
    slid.gamma.take(state.gamma);
    slid.tau.take(taus.indexOf(state.tau));
    slid.step.take(steps.indexOf(state.step));
  };
  return { node, draw };
}

// ---- all together

function build(root, data) {
  const gazes = data.scenes[0].gazes;
  const steps = [...new Set(gazes.flatMap(one => one.map(gaze => gaze.step)))].sort((a, b) => a - b);
  if (data.written) data.scenes.push(writtenScene(data.written));
  const { gamma, tau, start: scene } = data;
  const state = {
    ...{ scene, model: data.models.length, reading: "paper", gamma, tau, step: steps.at(-1) },
    ...{ block: gazes[0].at(-1).paper.length - 1, head: null, gradient: false },
    ...{ part: null, cell: null, pinned: false, word: 0, query: null },
  };
  const live = h("p", { class: "pcl-live", role: "status" });
  let waiting = null;
  const lab = {
    id: `pcl${Math.random().toString(36).slice(2, 9)}`,
    ...{ state, steps, now: consequences(data, state) },
    /** The sign and the ink that a model has in every view. */
    mark: model => (lab.now.models().length > 1 ? MARKS[model] : ""),
    ink: model => (lab.now.models().length > 1 ? INKS[model] : "second"),
    results: () => lab.now.shown().map(model => lab.now.now(model)),
    /** Has a screen reader say it, once the reader rests. */
    announce(words) {
      clearTimeout(waiting);
      waiting = setTimeout(() => {
        live.textContent = words;
      }, 400);
    },
    set(changes) {
      Object.assign(state, changes);
      if ("scene" in changes || "model" in changes) arrange();
      draw();
      const placed = "cell" in changes && state.cell !== null;
      lab.announce(placed ? placeWords(lab, lab.results()) : `γ ${two(state.gamma)}, ${sharesInWords(lab)}`);
    },
    paint(words) {
      lab.now.forget();
      draw();
      lab.announce(words);
    },
  };
  const stripe = s("path", { d: "M.09 0V.36", stroke: "#111", "stroke-width": 0.17 });
  const tile = { width: 0.36, height: 0.36, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" };
  const hatch = s(
    "svg",
    { "aria-hidden": "true", class: "pcl-defs" },
    s("pattern", { id: `${lab.id}-hatch`, ...tile }, stripe),
  );
  const bar = controls(lab, data);
  const legend = [
    ["one", "claimed by one part"],
    ["two", "by several: overlap"],
    ["none", "by none, though on the object: missing"],
  ].map(([kind, words]) => h("span", {}, h("i", { class: `pcl-${kind}` }), words));
  const [key, place, why] = ["pcl-legend", "pcl-place", "pcl-why"].map(kind => h("p", { class: kind }));
  key.append(...legend);
  const [numbers, main] = [h("div"), h("div")];
  let views = [];
  function arrange() {
    const { written } = lab.now.scene();
    const claims = lab.now.shown().map(model => claimsView(lab, model));
    const [chips, trade, loss, table] = [chipsView, tradeView, lossView, numbersView].map(view => view(lab));
    const paint = written ? paintView(lab) : null;
    const area = (name, ...nodes) => h("div", { class: `pcl-${name}` }, ...nodes);
    const pictures = area("pictures", ...claims.map(view => view.node));
    const notes = area("notes", key, place, why);
    const curves = area("curves", trade.node, loss.node);
    main.className = written ? "pcl-main pcl-writing" : "pcl-main";
    main.replaceChildren(...(paint ? [paint.node] : []), pictures, notes, chips.node, curves);
    numbers.replaceChildren(table.node);
    views = [
      ...claims.map((view, i) => results => view.draw(results[i])),
      ...[chips, trade, loss, table, ...(paint ? [paint] : [])].map(view => view.draw),
    ];
  }
  function draw() {
    const results = lab.results();
    for (const view of views) view(results);
    place.textContent = placeWords(lab, results);
    why.textContent = gradientWords(state);
    bar.draw();
  }
  arrange();
  draw();
  const about = { class: "pcl-app", role: "group", "aria-label": "Laboratory of attention control" };
  root.append(h("div", about, hatch, bar.node, numbers, main, live));
  root.laboratory = lab; // for tests, and for the curious
  root.dataset.ready = "true";
}

/** Brings to life every laboratory of this mark that is not yet. */
export function mountAll(mark) {
  for (const root of document.querySelectorAll(`[data-laboratory="${mark}"]:not([data-ready])`)) {
    root.dataset.ready = "soon";
    const data = JSON.parse(root.querySelector('script[type="application/json"]').textContent);
    // Where the data cannot be unpacked, the static figure stays.
    decode(data).then(
      decoded => build(root, decoded),
      () => root.removeAttribute("data-ready"),
    ); // prettier-ignore
  }
}
