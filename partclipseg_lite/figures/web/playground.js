// The playground: three networks in the page, any picture, any words of their dictionary. README.md tells how to add to it.

import { agreement, areaOnGrid, decide, deepest, gaze, inOneForm, mapOf } from "./answers.js";
import { claims, normalise, shares } from "./attention.js";
import { h, list, radios, slider } from "./elements.js";
import { openNetworks, shelf, startRuntime } from "./network.js";
import {
  atMost,
  context,
  fileName,
  fileOf,
  pictureAt,
  pngOf,
  readPicture,
  resizedLikePillow,
  zipOf,
} from "./pictures.js";
import { asked, colourOf, completions, near, question, strangers, tidied, tokensOf } from "./words.js";

const VIEWS = [
  ["masks", "Masks"],
  ["gaze", "Where a patch looks"],
  ["claims", "Claims at γ"],
];
const RACES = [
  [false, "nothing told"],
  [true, "objects told"],
];
const SHOWN = [384, 512]; // pixels of the longer side on the page: small pictures are enlarged, large ones reduced
const MOST_NAMES = 24;
const INKS = "#111111 #ffffff #8a8a8a #7a4a21 #d9b98c #e6812f #c62828 #2b64c8 #2e8b3a #f2c530 #e48fb1".split(" ");
const INK_NAMES = "black white grey brown tan orange red blue green yellow pink".split(" ");
const VIRIDIS = [
  [68, 1, 84],
  [59, 82, 139],
  [33, 145, 140],
  [94, 201, 98],
  [253, 231, 37],
];
const percent = share => `${(100 * share).toFixed(share > 0 && share < 0.0995 ? 1 : 0)}\u00a0%`;
const two = value => value.toFixed(2);
const rgb = colour => {
  const ink = context(1, 1);
  ink.fillStyle = colour;
  ink.fillRect(0, 0, 1, 1);
  return [...ink.getImageData(0, 0, 1, 1).data.slice(0, 3)];
};

// ---- the picture

/** A picture ready to be asked about: its pixels, what the page shows of it, its truth if it was drawn with one. */
function prepared(image, title, example = null) {
  const longest = Math.max(image.width, image.height);
  const factor = longest < SHOWN[0] ? Math.ceil(SHOWN[0] / longest) : 1;
  const [width, height] =
    factor > 1 ? [image.width * factor, image.height * factor] : atMost(image.width, image.height, SHOWN[1]);
  const own = context(image.width, image.height);
  own.putImageData(image, 0, 0);
  const ink = context(Math.max(1, width), Math.max(1, height));
  ink.imageSmoothingQuality = "high";
  ink.drawImage(own.canvas, 0, 0, width, height);
  const truth = example?.truth ? nearest(example.truth, width, height) : null;
  return { image, title, example, width, height, truth, base: ink.getImageData(0, 0, width, height), activations: {} };
}

/** Labels at another size: each pixel takes that of the place it lies in. */
function nearest({ labels, width, height }, w, h) {
  return Int16Array.from({ length: w * h }, (_, n) => {
    const [x, y] = [n % w, Math.floor(n / w)];
    return labels[Math.floor(((y + 0.5) * height) / h) * width + Math.floor(((x + 0.5) * width) / w)];
  });
}

// ---- what is drawn on a picture

const blend = (data, at, colour, share) => {
  for (let c = 0; c < 3; c++) data[at + c] += share * (colour[c] - data[at + c]);
};

function copied({ base }, grey) {
  const copy = new ImageData(new Uint8ClampedArray(base.data), base.width, base.height);
  if (!grey) return copy;
  for (let at = 0; at < copy.data.length; at += 4) {
    const light = 255 - 0.6 * (255 - (copy.data[at] + copy.data[at + 1] + copy.data[at + 2]) / 3);
    copy.data.fill(light, at, at + 3);
  }
  return copy;
}

/** Masks in their colours, each as strong as its name's opacity, with a dark line between them. */
function paintMasks(picture, masks, colours, strengths) {
  const { width } = picture;
  const image = copied(picture, false);
  masks.forEach((mask, i) => {
    if (!strengths[i]) return;
    for (let n = 0; n < mask.length; n++) {
      if (!mask[n]) continue;
      const edge = mask[n + 1] !== 1 || mask[n - 1] !== 1 || mask[n + width] !== 1 || mask[n - width] !== 1;
      blend(image.data, 4 * n, edge ? [17, 17, 17] : colours[i], (edge ? 0.75 : 0.66) * strengths[i]);
    }
  });
  return image;
}

/** Calls `each` for every pixel with the cell of the grid that it lies in. */
function overCells({ width, height }, grid, each) {
  for (let y = 0; y < height; y++) {
    const row = Math.min(grid - 1, Math.floor((y * grid) / height));
    for (let x = 0; x < width; x++) each(y * width + x, row * grid + Math.floor((x * grid) / width), x, y);
  }
}

function viridis(value) {
  const at = Math.min(VIRIDIS.length - 1.001, Math.max(0, value * (VIRIDIS.length - 1)));
  const low = Math.floor(at);
  return VIRIDIS[low].map((channel, c) => channel + (at - low) * (VIRIDIS[low + 1][c] - channel));
}

function paintGaze(picture, row, grid) {
  const image = copied(picture, true);
  const most = Math.max(...row, 1e-12);
  const inks = [...row].map(value => viridis(value / most));
  overCells(picture, grid, (n, cell) => blend(image.data, 4 * n, inks[cell], 0.35 + (0.5 * row[cell]) / most));
  return image;
}

/** Claimed by one part: its colour. By several: hatched. By none, though on the object: dark. */
function paintClaims(picture, claimed, onObject, colours, grid) {
  const image = copied(picture, true);
  const count = onObject.map((_, cell) => claimed.reduce((sum, map) => sum + map[cell], 0));
  const first = onObject.map((_, cell) => claimed.findIndex(map => map[cell]));
  overCells(picture, grid, (n, cell, x, y) => {
    if (count[cell] > 1 && (x + y) % 8 < 3) blend(image.data, 4 * n, [17, 17, 17], 0.9);
    else if (count[cell]) blend(image.data, 4 * n, colours[first[cell]], 0.78);
    else if (onObject[cell]) blend(image.data, 4 * n, [43, 43, 43], 0.8);
  });
  return image;
}

/** A picture with its caption. A click on it picks a patch. */
function panel(title, onPick) {
  const canvas = h("canvas", { class: "pcp-picture", role: "img" });
  const told = h("span", { class: "pcp-told" });
  const node = h("figure", { class: "pcp-panel" }, h("figcaption", {}, h("strong", {}, title), told), canvas);
  canvas.addEventListener("click", event => {
    const box = canvas.getBoundingClientRect();
    onPick((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
  });
  return {
    ...{ node, canvas },
    draw(image, words, marks = () => {}) {
      [canvas.width, canvas.height] = [image.width, image.height];
      const ink = canvas.getContext("2d");
      ink.putImageData(image, 0, 0);
      marks(ink);
      told.textContent = words;
      canvas.setAttribute("aria-label", `${title}: ${words}`);
    },
  };
}

/** The number of a name, deep inside its mask; not on a mask that it would hide, unless it is the chosen one. */
function numberOf(ink, number, mask, chosen) {
  const size = Math.max(ink.canvas.width, ink.canvas.height) / 15;
  const at = chosen || mask.reduce((sum, one) => sum + one, 0) > size ** 2 ? deepest(mask, ink.canvas.width) : null;
  if (at) writeNumber(ink, String(number + 1), at, size);
}

function writeNumber(ink, text, [x, y], size) {
  ink.font = `700 ${size}px system-ui, sans-serif`;
  [ink.textAlign, ink.textBaseline, ink.lineJoin] = ["center", "middle", "round"];
  const [across, down] = [
    Math.min(ink.canvas.width - size / 2, Math.max(size / 2, x)),
    Math.min(ink.canvas.height - size / 2, Math.max(size / 2, y)),
  ];
  [ink.lineWidth, ink.strokeStyle, ink.fillStyle] = [size / 3.2, "#fff", "#111"];
  ink.strokeText(text, across, down);
  ink.fillText(text, across, down);
}

function framePatch(ink, patch, grid) {
  const [w, h] = [ink.canvas.width / grid, ink.canvas.height / grid];
  const box = [(patch % grid) * w, Math.floor(patch / grid) * h, w, h];
  for (const [width, colour] of [
    [5, "#111"],
    [2.5, "#fff"],
  ]) {
    [ink.lineWidth, ink.strokeStyle] = [width, colour];
    ink.strokeRect(...box);
  }
}

// ---- controls

/** Where a name is typed, with what completes it; for words that the dictionary lacks, near ones. */
function wordBox(lab) {
  const id = `${lab.id}-word`;
  const input = h("input", {
    ...{ id, type: "text", role: "combobox", autocomplete: "off", autocapitalize: "none", spellcheck: "false" },
    ...{ "aria-expanded": "false", "aria-controls": `${id}-list`, "aria-autocomplete": "list" },
    ...{ placeholder: "dog's head, wheel, puppy …", "aria-describedby": `${id}-hint` },
  });
  const options = h("ul", { id: `${id}-list`, role: "listbox", "aria-label": "Names", hidden: true });
  const fault = h("p", { class: "pcp-fault", role: "alert" });
  let [offered, at] = [[], -1];
  const mark = index => {
    at = index;
    [...options.children].forEach((node, i) => {
      node.setAttribute("aria-selected", String(i === at));
    });
    if (at >= 0) input.setAttribute("aria-activedescendant", `${id}-${at}`);
    else input.removeAttribute("aria-activedescendant");
    options.children[at]?.scrollIntoView?.({ block: "nearest" });
  };
  const close = () => {
    options.hidden = true;
    input.setAttribute("aria-expanded", "false");
    mark(-1);
  };
  const enter = text => {
    const added = lab.add(text);
    fault.replaceChildren();
    if (added === true) {
      input.value = "";
      close();
      return;
    }
    const better = added.near.map(word => {
      const mend = () => {
        input.value = tidied(text, lab.contents).toLowerCase().replace(added.word, word);
        input.focus();
        enter(input.value);
      };
      return h("button", { type: "button", onclick: mend }, word);
    });
    fault.append(added.message, ...better);
    close();
  };
  const offer = () => {
    offered = completions(input.value, lab.contents);
    options.replaceChildren(
      ...offered.map(({ text, note }, i) => {
        const node = h(
          "li",
          { id: `${id}-${i}`, role: "option", "aria-selected": "false" },
          text,
          h("small", {}, note),
        );
        node.addEventListener("pointerdown", event => {
          event.preventDefault(); // the box keeps the focus
          enter(text);
        });
        return node;
      }),
    );
    options.hidden = !offered.length;
    input.setAttribute("aria-expanded", String(offered.length > 0));
    mark(-1);
  };
  input.addEventListener("input", offer);
  input.addEventListener("blur", close);
  input.addEventListener("keydown", event => {
    if (event.key === "ArrowDown" && options.hidden) return offer();
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && offered.length) {
      event.preventDefault();
      mark((at + step + offered.length) % offered.length);
    } else if (event.key === "Enter") {
      event.preventDefault();
      enter(at >= 0 ? offered[at].text : input.value);
    } else if (event.key === "Escape") close();
  });
  const add = h("button", { type: "button", onclick: () => enter(input.value) }, "Ask");
  const box = h("div", { class: "pcp-box" }, input, options);
  const hint = h(
    "p",
    { id: `${id}-hint`, class: "pcl-hint" },
    "An object (“dog”), a part (“wheel”) or an object's part (“dog's head”), in any combination.",
  );
  const line = h("div", { class: "pcl-bar" }, box, add, ...lab.moreForWords);
  return h("div", { class: "pcp-words" }, h("label", { for: id }, "Words"), line, fault, hint);
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

/** A canvas to draw on, with the mouse, a finger or the keyboard; each stroke is a new picture. */
function scribbleBoard(lab) {
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

// ---- the views

/** A line a name: its number and colour, how strongly it is shown, and what each model says. */
function namesTable(lab) {
  const head = ["Name", "Shown", ...lab.contents.models.map(({ title }) => title)];
  const body = h("tbody", { role: "rowgroup" });
  const header = head.map(name => h("th", { scope: "col", role: "columnheader" }, name));
  const table = h(
    "table",
    { class: "pcp-table", role: "table" },
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, ...header)),
    body,
  );
  let [rows, written] = [[], null];
  const row = (name, i) => {
    const colour = lab.colours()[i];
    const number = h("b", { class: "pcp-number", style: `background:${colour}` }, String(i + 1));
    const only = h(
      "button",
      {
        type: "button",
        class: "pcp-name",
        onclick: () => lab.set({ chosen: lab.state.chosen === name ? null : name }),
      },
      number,
      name,
    );
    const drop = h(
      "button",
      { type: "button", class: "pcp-drop", "aria-label": `Ask no more for ${name}`, onclick: () => lab.drop(name) },
      "×",
    );
    const input = h("input", {
      type: "range",
      min: 0,
      max: 100,
      step: 5,
      "aria-label": `How strongly ${name} is shown`,
    });
    input.value = 100 * (lab.state.strength[name] ?? 1);
    input.addEventListener("input", () => lab.show(name, Number(input.value) / 100));
    const cells = lab.contents.models.map(({ short }) => h("td", { role: "cell", "data-name": short }));
    const first = h("th", { scope: "row", role: "rowheader" }, h("span", { class: "pcp-first" }, only, drop));
    const node = h("tr", { role: "row" }, first, h("td", { role: "cell", class: "pcp-shown" }, input), ...cells);
    return { node, cells, only, input };
  };
  const draw = () => {
    const { names, chosen, strength } = lab.state;
    if (written !== names) {
      rows = names.map(row);
      body.replaceChildren(...rows.map(({ node }) => node));
      written = names;
    }
    rows.forEach(({ cells, only, input }, i) => {
      only.setAttribute("aria-pressed", String(chosen === names[i]));
      const shown = Math.round(100 * (strength[names[i]] ?? 1));
      input.setAttribute("aria-valuetext", `${shown} percent`);
      lab.contents.models.forEach((model, m) => {
        cells[m].replaceChildren(...lab.cellOf(model, i));
      });
    });
  };
  return { node: table, draw };
}

/** What a view says of one model, and its image. */
const PAINTERS = {
  masks(lab, model) {
    const { picture, names, chosen, strength } = lab.state;
    const found = lab.decided(model);
    const strengths = names.map(name => (strength[name] ?? 1) * (chosen && chosen !== name ? 0.12 : 1));
    const image = paintMasks(picture, found.masks, lab.colours().map(rgb), strengths);
    const number = found.sizes.filter(size => size > 0).length;
    const marks = ink => {
      found.masks.forEach((mask, i) => {
        if (strengths[i] > 0.3) numberOf(ink, i, mask, chosen === names[i]);
      });
    };
    return { image, words: `${number} of ${names.length} found`, marks };
  },
  gaze(lab, model) {
    const { picture, patch } = lab.state;
    const { grid } = model;
    const at = lab.patchOn(grid);
    const row = gaze(lab.answer(model).tables[lab.chosenNumber()], at, grid * grid);
    const most = row.indexOf(Math.max(...row));
    const where = `row ${Math.floor(most / grid) + 1}, column ${(most % grid) + 1}`;
    const image = paintGaze(picture, row, grid);
    return { image, words: patch ? `looks most at ${where}` : "", marks: ink => framePatch(ink, at, grid) };
  },
  claims(lab, model) {
    const { picture } = lab.state;
    const { claimed, onObject, colours, told } = lab.claimed(model);
    const image = paintClaims(picture, claimed, onObject, colours, model.grid);
    const missed = told.absentParts ? `, ${told.absentParts} of ${told.parts} parts not found` : "";
    return { image, words: `overlap ${percent(told.overlap)}, missing ${percent(told.missing)}${missed}` };
  },
};

/** The true masks, where the picture was drawn with them. */
function paintTruth(lab) {
  const { picture } = lab.state;
  const names = picture.example.names;
  const masks = names.map((_, i) => picture.truth.map(label => Number(label === i + 1)));
  const colours = names.map(name => rgb(colourOf(question(name), lab.contents)));
  const marks = ink => {
    masks.forEach((mask, i) => {
      const number = lab.state.names.indexOf(names[i]);
      if (number >= 0) numberOf(ink, number, mask, lab.state.chosen === names[i]);
    });
  };
  const image = paintMasks(
    picture,
    masks,
    colours,
    names.map(() => 1),
  ); // prettier-ignore
  return { image, words: "as it was drawn", marks };
}

// ---- all together

function build(root, contents, nets) {
  const live = h("p", { class: "pcl-live", role: "status" });
  const busy = h("p", { class: "pcp-busy", "aria-hidden": "true" });
  const fault = h("p", { class: "pcp-fault", role: "alert" });
  const state = {
    ...{ picture: null, names: [], edited: false, strength: {}, chosen: null },
    ...{ view: "masks", told: false, patch: null, gamma: 0.3, object: null },
  };
  const embedded = new Map();
  let [turn, waiting, decisions] = [0, null, new Map()];
  let work = Promise.resolve();
  let answers = {};
  const id = `pcp${Math.random().toString(36).slice(2, 9)}`;
  const model = contents.models;

  const lab = {
    ...{ id, contents, state, nets, moreForWords: [] },
    questions: () => state.names.map(question),
    colours: () => lab.questions().map(one => colourOf(one, contents)),
    answer: ({ name }) => answers[name],
    /** Has a screen reader say it, once the reader rests. */
    announce(words) {
      clearTimeout(waiting);
      waiting = setTimeout(() => {
        live.textContent = words;
      }, 400);
    },
    set(changes) {
      Object.assign(state, changes);
      draw();
      lab.announce(lab.summary());
    },
    show(name, strength) {
      state.strength[name] = strength;
      draw();
    },

    // names
    /** Adds a name: true, or what is wrong with it: {message, word, near}. */
    add(text) {
      const name = tidied(text, contents);
      const refuse = (message, word = "", others = []) => ({ message, word, near: others });
      if (!name) return refuse("Type a word first, such as “dog's head”.");
      if (state.names.some(known => known.toLowerCase() === name.toLowerCase())) {
        return refuse(`“${name}” is asked for already.`);
      }
      if (state.names.length >= MOST_NAMES) return refuse(`At most ${MOST_NAMES} names; take one away first.`);
      const [word] = strangers(name, contents.tokens);
      if (word) {
        const others = near(word, Object.keys(contents.tokens.words));
        const hint = others.length ? " Near ones: " : " Real CLIP weights know any word.";
        return refuse(`The tiny CLIP of the drawn world has no word “${word}”.${hint}`, word, others);
      }
      try {
        const words = asked([question(name)], contents);
        for (const each of [...words.partTexts, ...words.objectTexts, ...words.phrases])
          tokensOf(each, contents.tokens);
      } catch (error) {
        return refuse(`${error.message}.`);
      }
      lab.ask([...state.names, name], true);
      return true;
    },
    drop: name =>
      lab.ask(
        state.names.filter(known => known !== name),
        true,
      ), // prettier-ignore
    /** Asks for these names, of the picture that is there. */
    ask(names, edited) {
      if (names !== null) {
        const chosen = names.includes(state.chosen) ? state.chosen : null;
        Object.assign(state, { names, edited, chosen });
      }
      const mine = ++turn;
      busy.textContent = "computing …";
      work = work.then(() => compute(mine)).catch(error => say(`The models could not answer (${error.message}).`));
      return work;
    },

    // pictures
    take(image, title, example = null) {
      say("");
      state.picture = prepared(image, title, example);
      state.patch = null;
      const names = example && !state.edited ? example.names : null;
      if (!example && !state.names.length) lab.announce("picture taken; type a word to ask for");
      return lab.ask(names ? [...names] : null, state.edited && !names);
    },
    async open(blob, title) {
      try {
        const { image, width, height } = await readPicture(blob);
        const reduced = width > image.width ? `, used at ${image.width} × ${image.height}` : "";
        await lab.take(image, `${title}, ${width} × ${height} pixels${reduced}`);
      } catch (error) {
        say(`${error.message[0].toUpperCase()}${error.message.slice(1)}.`);
      }
    },
    async choose(number) {
      const example = contents.gallery[number];
      if (!example.truth && example.labels) {
        const { data, width, height } = await pictureAt(example.labels);
        example.truth = { labels: Uint8Array.from({ length: width * height }, (_, i) => data[4 * i]), width, height };
      }
      example.image ??= await pictureAt(example.address);
      return lab.take(example.image, `${example.title}, ${example.kind}`, example);
    },

    // what follows
    decided(one) {
      const key = `${one.name} ${state.told}`;
      if (!decisions.has(key)) {
        const { picture, told } = state;
        const within = picture.truth ? picture.truth.map(label => Number(label > 0)) : null;
        const how = { told, within };
        const found = decide(answers[one.name], lab.questions(), one.side, picture.width, picture.height, how);
        decisions.set(key, found);
      }
      return decisions.get(key);
    },
    truthOf(name) {
      const { picture } = state;
      const number = picture.example?.names.indexOf(name) ?? -1;
      return number < 0 ? null : picture.truth.map(label => Number(label === number + 1));
    },
    cellOf(one, i) {
      if (!answers[one.name]) return [h("small", {}, "…")];
      const { scores, sizes, masks } = lab.decided(one);
      const truth = lab.truthOf(state.names[i]);
      const overlap = truth ? agreement(masks[i], truth) : null;
      const size = sizes[i] ? percent(sizes[i]) : "not found";
      const agree = overlap === null || !sizes[i] ? "" : ` · IoU ${two(overlap)}`;
      return [h("b", {}, two(scores[i])), h("small", {}, `${size}${agree}`)];
    },
    /** The name that gazes are shown of. */
    chosenNumber: () => Math.max(0, state.names.indexOf(state.chosen)),
    patchOn(grid) {
      const [x, y] = state.patch ?? [0.5, 0.5];
      return Math.min(grid - 1, Math.floor(y * grid)) * grid + Math.min(grid - 1, Math.floor(x * grid));
    },
    /** Objects of which parts are asked for. */
    owners: () => [...new Set(lab.questions().flatMap(({ object }) => object ?? []))],
    owner: () => (lab.owners().includes(state.object) ? state.object : lab.owners()[0]),
    /** Eq. 7 and 8 for the parts of one object, with the masks that the model itself found. */
    claimed(one) {
      const { width, height } = state.picture;
      const { grid, name } = one;
      const mine = lab.questions().flatMap(({ object }, i) => (object && object === lab.owner() ? [i] : []));
      const { masks } = lab.decided(one);
      const areas = mine.map(i => areaOnGrid(masks[i], width, height, grid));
      const maps = mine.map((i, k) => mapOf(answers[name].tables[i], areas[k]));
      const found = mine.filter((_, k) => maps[k]);
      const norm = maps.filter(Boolean).map(map => normalise(map, grid));
      const claimed = claims(norm, state.gamma);
      const onObject = Array.from({ length: grid * grid }, (_, n) =>
        Number(areas.reduce((sum, area) => sum + area[n], 0) >= 0.5),
      );
      const told = { ...shares(claimed, onObject), parts: mine.length, absentParts: mine.length - found.length };
      return { claimed, onObject, told, colours: found.map(i => rgb(lab.colours()[i])) };
    },
    summary() {
      if (!model.every(({ name }) => answers[name])) return "";
      const of = one => `${one.title}: ${PAINTERS[lab.view()](lab, one).words}`;
      const start = { claims: `γ ${two(state.gamma)}, `, gaze: `${state.names[lab.chosenNumber()]}, `, masks: "" };
      return start[lab.view()] + model.map(of).join("; ");
    },
    view: () => (state.view === "claims" && !lab.owners().length ? "masks" : state.view),
    async download() {
      const { picture } = state;
      const { width, height } = picture.image;
      const own = context(width, height);
      own.putImageData(picture.image, 0, 0);
      const files = { "picture.png": await fileOf(own.canvas) };
      const scores = {};
      for (const [m, one] of model.entries()) {
        const found = decide(answers[one.name], lab.questions(), one.side, width, height, { told: state.told });
        scores[one.name] = Object.fromEntries(state.names.map((name, i) => [name, found.scores[i]]));
        for (const [i, name] of state.names.entries()) {
          const values = Uint8Array.from(found.masks[i], value => 255 * value);
          files[`${one.name}/${i + 1}-${fileName(name)}.png`] = await pngOf(values, width, height);
        }
        files[`${one.name}/shown.png`] = await fileOf(panels[m].canvas);
      }
      files["scores.json"] = new TextEncoder().encode(JSON.stringify(scores, null, 1));
      const link = h("a", { download: "masks.zip", href: URL.createObjectURL(new Blob([zipOf(files)])) });
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    },
  };

  function say(words) {
    fault.textContent = words;
    if (words) busy.textContent = "";
  }

  /** Asks all models; what was asked for meanwhile comes next, and this is left. */
  async function compute(mine) {
    const { picture } = state;
    if (mine !== turn || !picture) return;
    if (!state.names.length) {
      [answers, decisions, busy.textContent] = [{}, new Map(), ""];
      return draw();
    }
    const questions = lab.questions();
    const words = asked(questions, contents);
    const texts = [...words.partTexts, ...words.objectTexts, ...words.phrases];
    const fresh = [...new Set(texts)].filter(text => !embedded.has(text));
    if (fresh.length) {
      const rows = await nets.embed(fresh.map(text => tokensOf(text, contents.tokens)));
      for (const [i, text] of fresh.entries()) embedded.set(text, rows[i]);
    }
    const vectors = list => list.map(text => embedded.get(text));
    const started = performance.now();
    const found = {};
    for (const { name, encoder, side, phrases } of model) {
      picture.activations[encoder] ??= await nets.encode(encoder, resizedLikePillow(picture.image, side));
      const given = phrases
        ? { phrases: vectors(words.phrases) }
        : {
            parts: vectors(words.partTexts),
            objects: vectors(words.objectTexts),
            partOf: words.partOf,
            objectOf: words.objectOf,
          };
      const outputs = await nets.decode(name, picture.activations[encoder], given);
      await new Promise(resolve => setTimeout(resolve)); // the page may answer in between
      if (mine !== turn) return;
      found[name] = { ...inOneForm(outputs, questions, words), outputs };
    }
    [answers, decisions] = [found, new Map()];
    lab.seconds = (performance.now() - started) / 1000;
    busy.textContent = `three models in ${two(lab.seconds)} s`;
    draw();
    lab.announce(lab.summary());
  }

  // -- the page
  const pick = (x, y) => lab.set({ patch: [x, y], view: "gaze" });
  const panels = model.map(({ title }) => panel(title, pick));
  const truth = panel("Drawn truth", pick);
  const pictures = h("div", { class: "pcp-panels" }, truth.node, ...panels.map(({ node }) => node));
  const thumb = ({ address, title, kind }) =>
    h(
      "span",
      {},
      h("b", { class: "pcl-thumb", style: `background-image:url(${address})` }),
      h("em", {}, title),
      h("small", {}, kind),
    );
  for (const example of contents.gallery) [example.address, example.image] = [example.image, undefined];
  const gallery = radios(
    `${id}-picture`,
    "Pictures",
    contents.gallery.map((example, i) => [i, thumb(example), `${example.title}, ${example.kind}`]),
    contents.start,
    number => lab.choose(number),
    "pcl-scene",
  );
  const board = scribbleBoard(lab);
  board.hidden = true;
  const pen = h("button", { type: "button", "aria-expanded": "false" }, "Draw one");
  pen.addEventListener("click", () => {
    board.hidden = !board.hidden;
    pen.setAttribute("aria-expanded", String(!board.hidden));
  });
  const mine = h("b", { class: "pcp-mine" });
  const drawings = "This tiny CLIP has seen drawings only: on a photograph all three models fail.";
  const own = h(
    "div",
    { class: "pcl-bar", role: "group", "aria-label": "Your own picture" },
    opener(lab, "Open a picture …", {}, ""),
    opener(lab, "Take a picture", { capture: "environment" }, "pcp-camera"),
    pen,
    h("span", { class: "pcp-title" }, drawings, mine),
  );
  const itsParts = h("button", { type: "button" }, "Its parts");
  itsParts.addEventListener("click", () => lab.ask([...state.picture.example.names], false));
  const none = h("button", { type: "button", onclick: () => lab.ask([], true) }, "Clear");
  lab.moreForWords.push(itsParts, none);
  const words = wordBox(lab);
  const table = namesTable(lab);
  const view = radios(`${id}-view`, "View", VIEWS, state.view, value => lab.set({ view: value }));
  const told = radios(`${id}-told`, "Which names compete", RACES, false, value => lab.set({ told: value }));
  const sayGamma = () => lab.summary() || `γ ${two(state.gamma)}`;
  const range = { min: 0.02, max: 0.98, step: 0.01, value: state.gamma, show: two, say: sayGamma };
  const gamma = slider(`${id}-gamma`, "γ", range, value => lab.set({ gamma: value }));
  const object = list(`${id}-object`, "Object", [], value => lab.set({ object: value }));
  const grid = Math.max(...model.map(one => one.grid));
  const along = (axis, label) => {
    const now = () => (state.patch ?? [0.5, 0.5])[axis];
    const range1 = { min: 1, max: grid, step: 1, value: 1, show: String, say: at => `${label} ${at} of ${grid}` };
    const move = value => {
      const at = [...(state.patch ?? [0.5, 0.5])];
      at[axis] = (value - 0.5) / grid;
      lab.set({ patch: at });
    };
    const one = slider(`${id}-${axis}`, label, range1, move);
    return { node: one.node, follow: () => one.take(Math.min(grid, Math.floor(now() * grid) + 1)) };
  };
  const [column, row] = [along(0, "Column"), along(1, "Row")];
  const legend = h(
    "p",
    { class: "pcl-legend" },
    ...[
      ["one", "claimed by one part"],
      ["two", "by several: overlap"],
      ["none", "by none, though found: missing"],
    ].map(([kind, text]) => h("span", {}, h("i", { class: `pcl-${kind}` }), text)),
  );
  const why = h("p", { class: "pcp-why" });
  const options = {
    masks: h("div", { class: "pcl-bar" }, told.node),
    gaze: h("div", { class: "pcl-bar" }, row.node, column.node),
    claims: h("div", { class: "pcl-bar" }, gamma.node, object.node, legend),
  };
  const key = h(
    "p",
    { class: "pcl-hint" },
    "Score: the highest probability anywhere. Then the share of the picture that the mask covers and, where the truth is known, how well the two agree (intersection over union).",
  );
  const save = h("button", { type: "button", onclick: () => lab.download() }, "Download the masks (ZIP)");
  const end = h("div", { class: "pcl-bar" }, save, busy);
  const about = { class: "pcl-app pcp-app", role: "group", "aria-label": "Playground" };
  const bar = h("div", { class: "pcl-bar pcp-views" }, view.node, ...Object.values(options));
  const app = h("div", about, gallery.node, own, board, fault, words, bar, pictures, why, table.node, key, end, live);

  const explain = {
    masks: () =>
      state.told
        ? "Objects told: the best of these names wins at every place; background does not compete. Scored are only places of the object, so on drawn pictures the others stay bare."
        : "Nothing told: the best of these names wins, or background. Single words stand for themselves: they are shown where they are likelier than background.",
    gaze: () =>
      `“${state.names[lab.chosenNumber()]}”: where the framed patch looks, bright is much; in the part's and the object's map together. Click another place, or another name in the table.`,
    claims: () =>
      `A part of the ${lab.owner()} claims the places where its map (Eq. 6, with the mask found) reaches γ. Attention control is to lower overlap without missing more.`,
  };

  function draw() {
    const { picture, names, told: race } = state;
    const now = lab.view();
    view.take(now);
    told.take(race);
    for (const [name, node] of Object.entries(options)) node.hidden = name !== now;
    for (const one of [column, row]) one.follow();
    object.offer(
      lab.owners().map(each => [each, each]),
      lab.owner() ?? null,
    );
    object.node.hidden = lab.owners().length < 2;
    mine.textContent = picture?.example ? "" : (picture?.title ?? "");
    if (picture) gallery.take(contents.gallery.indexOf(picture.example));
    itsParts.disabled = !picture?.example;
    truth.node.hidden = !picture?.truth;
    const ready = names.length > 0 && model.every(({ name }) => answers[name]?.logits.length === names.length);
    save.disabled = !ready;
    why.textContent = ready ? explain[now]() : "Type a word above: what shall the models look for?";
    if (picture?.truth) {
      const drawn = paintTruth(lab);
      truth.draw(drawn.image, drawn.words, drawn.marks);
    }
    model.forEach((one, m) => {
      const plain = { image: picture?.base, words: "" };
      const found = ready ? PAINTERS[now](lab, one) : plain;
      if (found.image) panels[m].draw(found.image, found.words, found.marks);
    });
    gamma.take(state.gamma);
    table.draw();
  }

  for (const kind of ["dragover", "drop"]) {
    app.addEventListener(kind, event => {
      event.preventDefault();
      const [file] = event.dataTransfer?.files ?? [];
      if (kind === "drop" && file) lab.open(file, file.name);
    });
  }
  app.addEventListener("paste", event => {
    const file = [...(event.clipboardData?.files ?? [])].find(({ type }) => type.startsWith("image/"));
    if (file) lab.open(file, "pasted picture");
  });
  root.append(app);
  draw();
  root.playground = lab; // for tests, and for the curious
  return lab.choose(contents.start);
}

/** What stands there until a reader asks for the models. */
function invite(root, start, folder) {
  const bar = h("progress", { max: 1, value: 0, "aria-label": "Loading the models", hidden: true });
  const told = h("p", { class: "pcl-hint", role: "status" });
  const button = h("button", { type: "button", class: "pcp-load" }, `Load the models (${start.megabytes} MB)`);
  const node = h("div", { class: "pcl-app pcp-invite" }, button, bar, told);
  const step = (share, words) => {
    bar.value = share;
    told.textContent = words;
  };
  button.addEventListener("click", async () => {
    [button.disabled, bar.hidden] = [true, false];
    const begun = performance.now();
    try {
      const files = shelf(folder, start, share => step(0.6 * share, "loading …"));
      await files.fetch();
      const contents = JSON.parse(new TextDecoder().decode(await files.take("contents")));
      step(0.65, "starting the runtime …");
      const runtime = await startRuntime(files);
      const opened = share => step(0.65 + 0.35 * share, "opening the networks …");
      const nets = await openNetworks(files, runtime, contents.models, opened);
      await build(root, contents, nets);
      root.playground.loading = (performance.now() - begun) / 1000;
      node.remove();
      root.dataset.ready = "true";
      root.querySelector("input")?.focus({ preventScroll: true });
    } catch (error) {
      [button.disabled, bar.hidden] = [false, true];
      told.textContent = `The models could not be loaded: ${error.message}.`;
    }
  });
  root.append(node);
}

/** Puts the invitation into every place for a playground on the page. */
export function mountAll(start) {
  const folder = new URL(".", document.currentScript.src).href;
  for (const root of document.querySelectorAll("[data-playground]:not([data-ready])")) {
    root.dataset.ready = "soon";
    invite(root, start, folder);
  }
}
