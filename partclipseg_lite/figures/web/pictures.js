// Pictures of the playground: read from whatever a reader has, made smaller as Pillow does it, stored as files.

const MOST = 2048; // pixels of the longer side that is kept: larger pictures do not fit a phone's memory
const BITS = 22; // of the whole numbers in which Pillow keeps a filter's weights

/** The weights with which each pixel of a line of `to` pixels is made of a line of `from`: Pillow's bilinear filter. */
function filterWeights(from, to) {
  const scale = from / to;
  const reach = Math.max(scale, 1);
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - reach + 0.5));
    const last = Math.min(from, Math.trunc(centre + reach + 0.5));
    const raw = Array.from({ length: last - first }, (_, k) =>
      Math.max(0, 1 - Math.abs((k + first - centre + 0.5) / reach)),
    );
    const sum = raw.reduce((total, weight) => total + weight, 0);
    return { first, weights: raw.map(weight => Math.trunc(0.5 + (weight / sum) * 2 ** BITS)) };
  });
}

/** Lines of `from` pixels made `to` pixels long. Pixel i of a line lies at `step` * i, channel c at + c. */
function filtered(source, from, to, { lines, lineStep, step, target, targetLine, targetStep }) {
  const plan = filterWeights(from, to);
  for (let line = 0; line < lines; line++) {
    for (let i = 0; i < to; i++) {
      const { first, weights } = plan[i];
      for (let channel = 0; channel < 3; channel++) {
        let sum = 2 ** (BITS - 1);
        let at = line * lineStep + first * step + channel;
        for (const weight of weights) {
          sum += source[at] * weight;
          at += step;
        }
        target[line * targetLine + i * targetStep + channel] = sum / 2 ** BITS; // a byte: cut to a whole number
      }
    }
  }
  return target;
}

/** An RGBA picture at `side` x `side` pixels, RGB: bit for bit Pillow's bilinear filter.
 * Of tall pictures, Pillow 13 makes the columns shorter first, which moves a value by one at most. */
export function resizedLikePillow({ data, width, height }, side) {
  const narrow = filtered(data, width, side, {
    ...{ lines: height, lineStep: 4 * width, step: 4 },
    ...{ target: new Uint8Array(3 * side * height), targetLine: 3 * side, targetStep: 3 },
  });
  return filtered(narrow, height, side, {
    ...{ lines: side, lineStep: 3, step: 3 * side },
    ...{ target: new Uint8Array(3 * side * side), targetLine: 3, targetStep: 3 * side },
  });
}

/** Width and height no longer than `most`. */
export function atMost(width, height, most = MOST) {
  const scale = Math.min(1, most / Math.max(width, height));
  return [width, height].map(length => Math.max(1, Math.round(length * scale)));
}

/** A picture of a file, upright, on white, at most `MOST` pixels long: {image: ImageData, width, height}, its own size. */
export async function readPicture(blob) {
  if (!blob.size) throw new Error("the file is empty; choose another picture");
  const bitmap = await bitmapOf(blob);
  const { width, height } = bitmap;
  if (!width || !height) throw new Error("the picture has no pixels; choose another one");
  const [w, h] = atMost(width, height);
  const ink = context(w, h);
  ink.fillStyle = "#fff";
  ink.fillRect(0, 0, w, h);
  ink.imageSmoothingQuality = "high";
  ink.drawImage(bitmap, 0, 0, w, h);
  bitmap.close?.();
  return { image: ink.getImageData(0, 0, w, h), width, height };
}

async function bitmapOf(blob) {
  try {
    return await createImageBitmap(blob, { imageOrientation: "from-image", colorSpaceConversion: "none" });
  } catch {
    const name = blob.name ? `“${blob.name}”` : "the file";
    throw new Error(`this browser cannot read ${name} as a picture; save it as PNG or JPEG and try again`);
  }
}

/** A picture of a data address, as it is stored. */
export async function pictureAt(address) {
  const bytes = Uint8Array.from(atob(address.split(",")[1]), letter => letter.charCodeAt(0));
  const type = address.slice(5, address.indexOf(";"));
  return (await readPicture(new Blob([bytes], { type }))).image;
}

/** What draws on a new canvas. */
export function context(width, height) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [width, height];
  return canvas.getContext("2d", { willReadFrequently: true });
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
