// Pictures of the playground: read from whatever a reader has, made smaller as Pillow does it.

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
