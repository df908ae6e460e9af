// From logits and attention to masks, scores and maps: what Python's segmenter and evaluator make of them.
// Pure functions. Planes are arrays [side * side], row by row; labels are numbers of names, -1 for background.

const sigmoid = x => 1 / (1 + Math.exp(-x));
const largest = plane => plane.reduce((most, value) => Math.max(most, value), Number.NEGATIVE_INFINITY);

/** Where the pixels of a line of `to` lie in a line of `from`: half-pixel centres, as PyTorch has it. */
function places(from, to) {
  return Array.from({ length: to }, (_, i) => {
    const at = Math.max(0, ((i + 0.5) * from) / to - 0.5);
    const low = Math.min(from - 1, Math.floor(at));
    return { low, high: Math.min(from - 1, low + 1), share: at - low };
  });
}

/** A plane of logits at another size, bilinear, Float32Array [width * height]. */
export function enlarged(plane, side, width, height) {
  const across = places(side, width);
  const result = new Float32Array(width * height);
  const row = new Float32Array(side);
  places(side, height).forEach(({ low, high, share }, y) => {
    for (let x = 0; x < side; x++) {
      const upper = plane[low * side + x];
      row[x] = upper + share * (plane[high * side + x] - upper);
    }
    for (let x = 0; x < width; x++) {
      const { low: left, high: right, share: part } = across[x];
      result[y * width + x] = row[left] + part * (row[right] - row[left]);
    }
  });
  return result;
}

/** The highest of several planes at each place: its number. One plane is held at a time, if they are made one by one. */
export function highest(planes) {
  let [best, winner, i] = [null, null, 0];
  for (const plane of planes) {
    best ??= Float32Array.from(plane);
    winner ??= new Int16Array(plane.length);
    for (let n = 0; n < plane.length; n++) {
      if (plane[n] > best[n]) {
        best[n] = plane[n];
        winner[n] = i;
      }
    }
    i++;
  }
  return winner;
}

/** Where a map of labels has this one, Uint8Array. (Typed arrays' own `from` with a function takes ten times as long.) */
export function maskOf(labels, number) {
  const mask = new Uint8Array(labels.length);
  for (let n = 0; n < labels.length; n++) if (labels[n] === number) mask[n] = 1;
  return mask;
}

/** How many pixels a mask has. */
export function pixelsOf(mask) {
  let count = 0;
  for (let n = 0; n < mask.length; n++) count += mask[n];
  return count;
}

/** A decoder's outputs in one form for both kinds: logits of each question, background, attention of its words. */
export function inOneForm(outputs, questions, words) {
  const background = outputs.object_part_logits.at(-1);
  if (outputs.part_logits === undefined) {
    const logits = questions.map((_, i) => outputs.object_part_logits[i]);
    return { logits, background: [background, background], tables: questions.map((_, i) => [outputs.attention[i]]) };
  }
  let pair = 0;
  const rowOf = object => words.parts.length + words.objects.indexOf(object);
  const logits = [];
  const tables = [];
  for (const { object, part, word } of questions) {
    if (part === undefined) {
      logits.push(outputs.object_logits[words.objects.indexOf(word)]);
      tables.push([outputs.attention[rowOf(word)]]);
    } else {
      logits.push(outputs.object_part_logits[pair++]);
      tables.push([outputs.attention[words.parts.indexOf(part)], outputs.attention[rowOf(object)]]);
    }
  }
  return { logits, background: [background, outputs.background_logits[0]], tables };
}

/** Which object part wins at each pixel, and where each single word beats background.
 * With the objects told, background is out of the race, and only pixels of `within` count, where that is known. */
export function decide({ logits, background }, questions, side, width, height, { told = false, within = null } = {}) {
  const pairs = questions.flatMap(({ part }, i) => (part === undefined ? [] : [i]));
  const large = plane => enlarged(plane, side, width, height);
  let labels = new Int16Array(width * height).fill(-1);
  if (pairs.length) {
    const numbers = told ? pairs : [-1, ...pairs];
    const race = function* () {
      for (const i of numbers) yield large(i < 0 ? background[0] : logits[i]);
    };
    labels = highest(race()).map(winner => numbers[winner]);
    if (told && within) labels = labels.map((label, n) => (within[n] ? label : -1));
  }
  const behind = pairs.length < questions.length ? large(background[1]) : null;
  const masks = questions.map(({ part }, i) => {
    if (part !== undefined) return maskOf(labels, i);
    return maskOf(highest([behind, large(logits[i])]), 1);
  });
  const sizes = masks.map(mask => pixelsOf(mask) / mask.length);
  return { labels, masks, sizes, scores: logits.map(plane => sigmoid(largest(plane))) };
}

/** How well two masks agree: the pixels of both over the pixels of either; null where neither has any. */
export function agreement(mask, truth) {
  let [both, either] = [0, 0];
  for (let n = 0; n < mask.length; n++) {
    both += Number(mask[n] > 0 && truth[n] > 0);
    either += Number(mask[n] > 0 || truth[n] > 0);
  }
  return either ? both / either : null;
}

/** The share of each cell of a grid that a mask covers, [grid * grid]. */
export function areaOnGrid(mask, width, height, grid) {
  const edges = (length, i) => [Math.floor((i * length) / grid), Math.ceil(((i + 1) * length) / grid)];
  return Float64Array.from({ length: grid * grid }, (_, cell) => {
    const [top, bottom] = edges(height, Math.floor(cell / grid));
    const [left, right] = edges(width, cell % grid);
    let sum = 0;
    for (let y = top; y < bottom; y++) for (let x = left; x < right; x++) sum += mask[y * width + x];
    return sum / ((bottom - top) * (right - left));
  });
}

/** Where one patch looks for a question: its row in the part's table and in the object's, added. */
export function gaze(tables, patch, places) {
  return Float64Array.from({ length: places }, (_, n) =>
    tables.reduce((sum, table) => sum + table[patch * places + n], 0),
  );
}

/** Eq. 6 with the mask that was found: the mean gaze of its patches; null if nothing was found. */
export function mapOf(tables, area) {
  const places = area.length;
  const total = area.reduce((sum, share) => sum + share, 0);
  if (!total) return null;
  const map = new Float64Array(places);
  for (let patch = 0; patch < places; patch++) {
    if (!area[patch]) continue;
    const weight = area[patch] / total;
    for (const table of tables) {
      for (let n = 0; n < places; n++) map[n] += weight * table[patch * places + n];
    }
  }
  return map;
}

/** A pixel [x, y] that lies as deep inside a mask as any, for the mask's number; null for an empty mask. */
export function deepest(mask, width) {
  const height = mask.length / width;
  const depth = new Int32Array(mask.length);
  const at = (x, y) => (x < 0 || y < 0 || x >= width || y >= height ? 0 : depth[y * width + x]);
  for (let n = 0; n < mask.length; n++) {
    const [x, y] = [n % width, Math.floor(n / width)];
    if (mask[n]) depth[n] = 1 + Math.min(at(x - 1, y), at(x, y - 1));
  }
  let best = -1;
  for (let n = mask.length - 1; n >= 0; n--) {
    const [x, y] = [n % width, Math.floor(n / width)];
    if (mask[n]) depth[n] = Math.min(depth[n], 1 + Math.min(at(x + 1, y), at(x, y + 1)));
    if (depth[n] && (best < 0 || depth[n] >= depth[best])) best = n;
  }
  return best < 0 ? null : [best % width, Math.floor(best / width)];
}
