// From the data that figures/laboratory.py embeds to scenes with maps. README.md tells the format.

const LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%:()*+-;.=,?@^_/{|}~";

/** The bytes of a text in base85: five letters for four bytes. */
function unpack(text) {
  const bytes = new DataView(new ArrayBuffer((text.length / 5) * 4));
  for (let i = 0; i < text.length; i += 5) {
    let value = 0;
    for (let j = i; j < i + 5; j++) value = 85 * value + LETTERS.indexOf(text[j]);
    bytes.setUint32((i / 5) * 4, value);
  }
  return bytes;
}

/** The bytes that zlib's form of them, in base85, stands for. */
async function inflate(text, length) {
  const packed = new Blob([new Uint8Array(unpack(text).buffer, 0, length)]);
  const stream = packed.stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** Arrays [rows][columns] of numbers of one byte, or of two: all lower bytes first, then all upper ones. */
function table(bytes, at, rows, columns, twoBytes = false) {
  const count = rows * columns;
  const value = i => bytes[at + i] + (twoBytes ? 256 * bytes[at + count + i] : 0);
  return Array.from({ length: rows }, (_, row) =>
    Float64Array.from({ length: columns }, (_, column) => value(row * columns + column)),
  );
}

/** Maps [heads][K][N] of one decoder block; the release has half of a sum over the part's corner pixels. */
function block(bytes, { bits, at }, heads, scene, reading) {
  const [parts, places] = [scene.parts.length, scene.side ** 2];
  const ends = table(bytes, at[0], heads * parts, 2, true);
  const codes = table(bytes, at[1], heads * parts, places, bits > 8);
  const factor = k => (reading === "released" ? scene.corners[k] / (2 * places) : 1);
  return Array.from({ length: heads }, (_, h) =>
    Array.from({ length: parts }, (_, k) => {
      const [low, high] = ends[h * parts + k].map(end => (end / 32767.5) * factor(k));
      return codes[h * parts + k].map(code => low + (code / (2 ** bits - 1)) * (high - low));
    }),
  );
}

function gaze(bytes, packed, scene) {
  const blocks = reading => packed[reading].map(one => block(bytes, one, packed.heads, scene, reading));
  return {
    step: packed.step,
    paper: blocks("paper"),
    released: blocks("released"),
    rows: packed.rows === undefined ? null : table(bytes, packed.rows, scene.side ** 2, scene.side ** 2),
  };
}

/** The embedded data with their arrays in place of the addresses in the blob. */
export async function decode(data) {
  const bytes = await inflate(data.blob, data.bytes);
  const scenes = data.scenes.map(scene => {
    const places = scene.side ** 2;
    return {
      ...scene,
      own: table(bytes, scene.own, scene.parts.length, places),
      onObject: table(bytes, scene.onObject, 1, places)[0],
      within: table(bytes, scene.within, 1, places)[0],
      holder: [...table(bytes, scene.holder, 1, places)[0]].map(part => part - 1),
      gazes: scene.gazes.map(steps => steps.map(one => gaze(bytes, one, scene))),
    };
  });
  return { ...data, scenes };
}

/** What is known of a model at a step of its training: of that step, else of the last one before it. */
export function gazeAt(scene, model, step) {
  const steps = scene.gazes[model];
  return steps.filter(other => other.step <= step).at(-1) ?? steps[0];
}

/** Maps [K][N] that a model has at a step: of one head, or the mean of all (`head` null). */
export function mapsOf(scene, model, { step, block: chosen, head, reading }) {
  const one = gazeAt(scene, model, step);
  const heads = one[reading].at(one[reading].length === 1 ? -1 : chosen);
  if (heads.length === 1) return heads[0];
  if (head !== null) return heads[head];
  return heads[0].map((map, k) =>
    map.map((_, n) => heads.reduce((total, maps) => total + maps[k][n], 0) / heads.length),
  );
}
