// The three views of an answer: what is painted of one model, and what is said of it.

import { gaze } from "./answers.js";
import { h } from "./elements.js";
import { framePatch, numberOf, paintClaims, paintGaze, paintMasks, rgb } from "./painting.js";
import { colourOf, question } from "./words.js";

export const VIEWS = [
  ["masks", "Masks"],
  ["gaze", "Where a patch looks"],
  ["claims", "Claims at γ"],
];
export const RACES = [
  [false, "nothing told"],
  [true, "objects told"],
];
/** A share in words. */
export const percent = share => `${(100 * share).toFixed(share > 0 && share < 0.0995 ? 1 : 0)}\u00a0%`;
/** A number with two places. */
export const two = value => value.toFixed(2);

/** A picture with its caption. A click on it picks a patch. */
export function panel(title, onPick) {
  const canvas = h("canvas", { class: "pcp-picture", role: "img" });
  const told = h("span", { class: "pcp-told" });
  const node = h("figure", { class: "pcp-panel" }, h("figcaption", {}, h("strong", {}, title), told), canvas);
  canvas.addEventListener("click", event => {
    const box = canvas.getBoundingClientRect();
    onPick((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
  });
  return {
    ...{ node, canvas },
    /** What a painter of below gives. */
    draw({ image: painted, words, marks = () => {} }) {
      const image = painted();
      [canvas.width, canvas.height] = [image.width, image.height];
      const ink = canvas.getContext("2d");
      ink.putImageData(image, 0, 0);
      marks(ink);
      told.textContent = words;
      canvas.setAttribute("aria-label", `${title}: ${words}`);
    },
  };
}

/** What a view says of one model, what it paints, and what stands on top. */
export const PAINTERS = {
  masks(lab, model) {
    const { picture, names, chosen, strength } = lab.state;
    const found = lab.decided(model);
    const strengths = names.map(name => (strength[name] ?? 1) * (chosen && chosen !== name ? 0.12 : 1));
    const image = () => paintMasks(picture, found.masks, lab.colours().map(rgb), strengths);
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
    const image = () => paintGaze(picture, row, grid);
    return { image, words: patch ? `looks most at ${where}` : "", marks: ink => framePatch(ink, at, grid) };
  },
  claims(lab, model) {
    const { picture } = lab.state;
    const { claimed, onObject, colours, told } = lab.claimed(model);
    const image = () => paintClaims(picture, claimed, onObject, colours.map(rgb), model.grid);
    const missed = told.absentParts ? `, ${told.absentParts} of ${told.parts} parts not found` : "";
    return { image, words: `overlap ${percent(told.overlap)}, missing ${percent(told.missing)}${missed}` };
  },
};

/** The true masks, where the picture was drawn with them. */
export function paintTruth(lab) {
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
  const strengths = names.map(() => 1);
  return { image: () => paintMasks(picture, masks, colours, strengths), words: "as it was drawn", marks };
}

/** What all models say in the view that is shown. */
export function summary(lab) {
  if (!lab.ready()) return "";
  const { names, gamma } = lab.state;
  const start = { claims: `γ ${two(gamma)}, `, gaze: `${names[lab.chosenNumber()]}, `, masks: "" }[lab.view()];
  const of = model => `${model.title}: ${PAINTERS[lab.view()](lab, model).words}`;
  return start + lab.contents.models.map(of).join("; ");
}

/** What the view that is shown shows, in a sentence or two. */
export function explained(lab) {
  if (!lab.ready()) return "Type a word above: what shall the models look for?";
  if (lab.view() === "gaze") {
    const name = lab.state.names[lab.chosenNumber()];
    return `“${name}”: where the framed patch looks, bright is much; in the part's and the object's map together. Click another place, or another name in the table.`;
  }
  if (lab.view() === "claims") {
    return `A part of the ${lab.owner()} claims the places where its map (Eq. 6, with the mask found) reaches γ. Attention control is to lower overlap without missing more.`;
  }
  return lab.state.told
    ? "Objects told: the best of these names wins at every place; background does not compete. Scored are only places of the object, so on drawn pictures the others stay bare."
    : "Nothing told: the best of these names wins, or background. Single words stand for themselves: they are shown where they are likelier than background.";
}
