// What the playground paints over a picture: masks, where a patch looks, claims; and the numbers and frames on top.

import { deepest, pixelsOf } from "./answers.js";
import { atMost, context } from "./pictures.js";

const SHOWN = [384, 512]; // pixels of the longer side on the page: small pictures are enlarged, large ones reduced
const VIRIDIS = [
  [68, 1, 84],
  [59, 82, 139],
  [33, 145, 140],
  [94, 201, 98],
  [253, 231, 37],
];

/** A colour of CSS as [red, green, blue]. */
export const rgb = colour => {
  const ink = context(1, 1);
  ink.fillStyle = colour;
  ink.fillRect(0, 0, 1, 1);
  return [...ink.getImageData(0, 0, 1, 1).data.slice(0, 3)];
};

/** A picture ready to be asked about: its pixels, what the page shows of it, its truth if it was drawn with one. */
export function prepared(image, title, example = null) {
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
export function paintMasks(picture, masks, colours, strengths) {
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

/** How much a patch looks at each place: bright is much. */
export function paintGaze(picture, row, grid) {
  const image = copied(picture, true);
  const most = Math.max(...row, 1e-12);
  const inks = [...row].map(value => viridis(value / most));
  overCells(picture, grid, (n, cell) => blend(image.data, 4 * n, inks[cell], 0.35 + (0.5 * row[cell]) / most));
  return image;
}

/** Claimed by one part: its colour. By several: hatched. By none, though on the object: dark. */
export function paintClaims(picture, claimed, onObject, colours, grid) {
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

/** The number of a name, deep inside its mask; not on a mask that it would hide, unless it is the chosen one. */
export function numberOf(ink, number, mask, chosen) {
  const size = Math.max(ink.canvas.width, ink.canvas.height) / 15;
  const at = chosen || pixelsOf(mask) > size ** 2 ? deepest(mask, ink.canvas.width) : null;
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

/** A frame around a patch. */
export function framePatch(ink, patch, grid) {
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
