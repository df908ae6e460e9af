// Files that a reader takes away: PNG pictures, and a ZIP file that holds them.

import { h } from "./elements.js";
import { context } from "./pictures.js";

/** Offers the picture, the masks of all models, their scores and what the page shows of them as one ZIP file. */
export async function saveMasks(lab, canvases) {
  const { picture, names } = lab.state;
  const { width, height } = picture.image;
  const own = context(width, height);
  own.putImageData(picture.image, 0, 0);
  const files = { "picture.png": await fileOf(own.canvas) };
  const scores = {};
  for (const [m, model] of lab.contents.models.entries()) {
    const found = lab.decidedAt(model, width, height);
    scores[model.name] = Object.fromEntries(names.map((name, i) => [name, found.scores[i]]));
    for (const [i, name] of names.entries()) {
      const values = Uint8Array.from(found.masks[i], value => 255 * value);
      files[`${model.name}/${i + 1}-${fileName(name)}.png`] = await pngOf(values, width, height);
    }
    files[`${model.name}/shown.png`] = await fileOf(canvases[m]);
  }
  files["scores.json"] = new TextEncoder().encode(JSON.stringify(scores, null, 1));
  const link = h("a", { download: "masks.zip", href: URL.createObjectURL(new Blob([zipOf(files)])) });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** A grey PNG file of values 0..255. */
export async function pngOf(values, width, height) {
  const ink = context(width, height);
  const image = ink.createImageData(width, height);
  for (const [i, value] of values.entries()) image.data.set([value, value, value, 255], 4 * i);
  ink.putImageData(image, 0, 0);
  return fileOf(ink.canvas);
}

/** The bytes of a canvas as PNG. */
export async function fileOf(canvas) {
  const blob = await new Promise(resolve => canvas.toBlob(resolve, "image/png"));
  return new Uint8Array(await blob.arrayBuffer());
}

// ---- a ZIP file, stored without compression: PNG files are compressed already

const TABLE = Array.from({ length: 256 }, (_, n) => {
  let code = n;
  for (let bit = 0; bit < 8; bit++) code = code & 1 ? 0xedb88320 ^ (code >>> 1) : code >>> 1;
  return code >>> 0;
});

/** CRC-32 of bytes. */
export function checksum(bytes) {
  let code = 0xffffffff;
  for (const byte of bytes) code = TABLE[(code ^ byte) & 255] ^ (code >>> 8);
  return (code ^ 0xffffffff) >>> 0;
}

/** A ZIP file of {name: bytes}. */
export function zipOf(files) {
  const [parts, index] = [[], []];
  let offset = 0;
  for (const [name, bytes] of Object.entries(files)) {
    const label = new TextEncoder().encode(name);
    // version 2.0, names in UTF-8, stored, 1 January 1980
    const shared = [20, 0, 0, 8, 0, 0, 0, 0, 33, 0, ...word(checksum(bytes)), ...word(bytes.length)];
    const common = [...shared, ...word(bytes.length), ...half(label.length), 0, 0];
    const local = Uint8Array.from([80, 75, 3, 4, ...common]);
    parts.push(local, label, bytes);
    index.push(Uint8Array.from([80, 75, 1, 2, 20, 0, ...common, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ...word(offset)]), label);
    offset += local.length + label.length + bytes.length;
  }
  const size = index.reduce((sum, piece) => sum + piece.length, 0);
  const count = half(index.length / 2);
  const end = [80, 75, 5, 6, 0, 0, 0, 0, ...count, ...count, ...word(size), ...word(offset), 0, 0];
  return joined([...parts, ...index, Uint8Array.from(end)]);
}

const half = value => [value & 255, (value >>> 8) & 255];
const word = value => [...half(value), ...half(value >>> 16)];

function joined(pieces) {
  const all = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

/** "dog's head" as "dog-head": letters, digits, "-" and "_" alone. */
export function fileName(name) {
  const plain = text => text.toLowerCase().replace(/[^a-z0-9]+/g, "_");
  return name.split(/'s /i).map(plain).join("-") || "name";
}
