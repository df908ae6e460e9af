// What is true of the laboratory at a moment: its scenes, the grid that the reader paints, what follows from a choice.
import { look, normalise, objectPartMaps, softGradient } from "./attention.js";
import { gazeAt, mapsOf } from "./data.js";

export const GAMMAS = Array.from({ length: 97 }, (_, i) => (i + 2) / 100);
const rows = make =>
  Array.from({ length: 16 }, (_, query) => Array.from({ length: 16 }, (_, key) => Number(make(query, key))));

/** Drops of attention [word][query][key] of the chapter's example; a row's shares are its drops over their sum. */
function chapterDrops([head, torso]) {
  const whole = [...head, ...torso];
  const amount = key => 2 * head.includes(key) + 2 * torso.slice(0, 2).includes(key) + torso.slice(2).includes(key);
  return [
    rows((query, key) =>
      query === head[0] ? key === head[0] : query === head[1] && [head[1], torso[0]].includes(key),
    ),
    rows((query, key) => torso.includes(query) && torso.includes(key)),
    rows((query, key) => whole.includes(query) && amount(key)),
  ];
}

/** The same in every row: head, torso and object each look at these cells. */
const looksAt = (...cells) => cells.map(keys => rows((_, key) => keys.includes(key)));

/** What the reader may start to paint from: [name, drops from the cells of head and torso]. */
export const EXAMPLES = [
  ["the chapter's example", chapterDrops],
  ["each part at itself", ([head, torso]) => looksAt(head, torso, [...head, ...torso])],
  ["all at one spot", ([, torso]) => looksAt(...Array(3).fill([torso[0]]))],
  ["everywhere alike", () => looksAt([], [], [])],
];

/** The scene of the written grid of 4 x 4, from what is embedded of it. */
export function writtenScene(written) {
  const places = Array.from({ length: written.side ** 2 }, (_, n) => n);
  const own = written.own.map(cells => places.map(n => Number(cells.includes(n))));
  const holder = places.map(n => own.findIndex(part => part[n]));
  const onObject = holder.map(part => Number(part >= 0));
  const told = { kind: "yours to paint", written: true, drops: chapterDrops(written.own) };
  return { ...written, ...told, cells: written.own, own, holder, onObject, within: onObject };
}

/** Shares of attention [query][key] of drops; a row without drops looks everywhere alike. */
export const sharesOf = drops =>
  drops.map(row => {
    const total = row.reduce((sum, value) => sum + value, 0);
    return row.map(value => (total ? value / total : 1 / row.length));
  });

/** Eq. 6 of the painted grid. */
export function writtenMaps(scene, reading) {
  const tables = scene.drops.map(sharesOf);
  return objectPartMaps(tables.slice(0, -1), tables.at(-1), scene.own, reading);
}

/** The reading of the maps: the soft form is the paper's reading with another count. */
export const read = state => (state.reading === "released" ? "released" : "paper");
export const isSoft = state => state.reading === "soft";

/** What follows from the state, computed when asked for and kept; models by their number. */
export function consequences(data, state) {
  const kept = new Map();
  const remember = (key, make) => {
    if (!kept.has(key)) kept.set(key, make());
    return kept.get(key);
  };
  const key = model => [state.scene, model, state.step, state.block, state.head, read(state)].join("|");
  const scene = () => data.scenes[state.scene];
  const models = () => (scene().written ? ["your attention"] : data.models);
  const maps = model =>
    remember(`maps ${key(model)}`, () => {
      const asked = { ...state, reading: read(state) };
      const found = scene().written ? writtenMaps(scene(), asked.reading) : mapsOf(scene(), model, asked);
      return { found, normalised: found.map(map => normalise(map, scene().side, asked.reading)) };
    });
  const at = (model, gamma) => {
    const { found, normalised } = maps(model);
    return { model, gamma, maps: found, ...look(scene(), found, gamma, state.tau, read(state), normalised) };
  };
  return {
    scene,
    models,
    /** Those whose numbers are shown: one, or all. */
    shown: () => models().flatMap((_, i) => (scene().written || [i, models().length].includes(state.model) ? [i] : [])),
    now: model => at(model, state.gamma),
    curve: model => remember(`curve ${state.tau} ${key(model)}`, () => GAMMAS.map(gamma => at(model, gamma))),
    gradient: model => softGradient(scene(), maps(model).found, state.gamma, state.tau, read(state)),
    /** The shares and claims of the reading: counted, or expected where claims are soft. */
    told: found => (isSoft(state) ? found.expected : found.counted),
    claimed: found => (isSoft(state) ? found.soft : found.hard),
    /** Where a patch looks, for the part that holds it, [N]; null if no part does, or at a step without rows. */
    gaze(model, place) {
      const { holder, written, drops } = scene();
      if (holder[place] < 0) return null;
      if (!written) return gazeAt(scene(), model, state.step).rows?.[place] ?? null;
      const [mine, object] = [drops[holder[place]], drops.at(-1)].map(sharesOf);
      return mine[place].map((share, n) => share + object[place][n]);
    },
    forget: () => kept.clear(),
  };
}
