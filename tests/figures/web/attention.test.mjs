// The laboratory's JavaScript without a page: by hand, and against what Python wrote into the file REFERENCE.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import * as attention from "../../../partclipseg_lite/figures/web/attention.js";
import { decode, mapsOf } from "../../../partclipseg_lite/figures/web/data.js";
import {
  consequences,
  EXAMPLES,
  GAMMAS,
  sharesOf,
  writtenMaps,
  writtenScene,
} from "../../../partclipseg_lite/figures/web/state.js";

const WRITTEN = {
  side: 4,
  parts: ["head", "torso"],
  own: [
    [0, 1],
    [5, 6, 9, 10],
  ],
};
const near = (one, other, within = 1e-9) => assert.ok(Math.abs(one - other) <= within, `${one} is not ${other}`);
const reference = process.env.REFERENCE ? JSON.parse(readFileSync(process.env.REFERENCE, "utf8")) : null;

test("the chapter's example gives the numbers that the chapter works out by hand", () => {
  const scene = writtenScene(WRITTEN);
  const maps = writtenMaps(scene, "paper");
  [0.7, 0.45, 0, 0, 0, 0.45, 0.2].forEach((value, n) => {
    near(maps[0][n], value);
  });
  const found = attention.look(scene, maps, 0.3, 0.05);
  near(found.counted.overlap, 3 / 6);
  near(found.printed, 0.25);
  near(found.enhancement, 0.55);
  assert.equal(found.weakest, 1);
});

test("attention spread over all patches alike claims nothing, and its peaks are 2/16", () => {
  const scene = writtenScene(WRITTEN);
  scene.drops = EXAMPLES.find(([name]) => name === "everywhere alike")[1](scene.cells);
  const found = attention.look(scene, writtenMaps(scene, "paper"), 0.3, 0.05);
  assert.equal(found.printed, 0);
  assert.equal(found.counted.missing, 1);
  near(found.enhancement, 1 - 2 / 16);
});

test("the second task can be done: no overlap and no cell missing, where nothing looks beyond its part", () => {
  const scene = writtenScene(WRITTEN);
  scene.drops[0] = scene.drops[0].map((_, query) =>
    scene.drops[0].map((_, key) => Number(scene.own[0][query] && scene.own[0][key])),
  );
  scene.drops[2] = scene.drops[2].map((_, query) =>
    scene.drops[2].map((_, key) => Number(scene.holder[query] >= 0 && scene.holder[query] === scene.holder[key])),
  );
  const { counted, enhancement } = attention.look(scene, writtenMaps(scene, "paper"), 0.3, 0.05);
  assert.deepEqual([counted.overlap, counted.missing], [0, 0]);
  near(enhancement, 1 - 2 / 4); // two attentions of a quarter each on every cell of the torso
});

test("every example spends all attention of every patch that a word asks", () => {
  const scene = writtenScene(WRITTEN);
  for (const [, make] of EXAMPLES) {
    for (const table of make(scene.cells)) {
      for (const row of sharesOf(table))
        near(
          row.reduce((a, b) => a + b),
          1,
        );
    }
  }
});

test("smoothing keeps the mean of a constant map, and reflects at the border", () => {
  near(attention.smooth(Array(9).fill(0.7), 3)[4], 0.7);
  const corner = attention.smooth([1, 0, 0, 0, 0, 0, 0, 0, 0], 3);
  const side = Math.exp(-2) / (1 + 2 * Math.exp(-2));
  near(corner[0], (1 - 2 * side) ** 2);
  near(corner[4], side ** 2);
  near(attention.smooth([0, 1, 0, 0, 0, 0, 0, 0, 0], 3)[0], 2 * side * (1 - 2 * side)); // twice: reflected
});

test("soft claims of 0 and 1 are counted like hard ones", () => {
  const claimed = [
    [1, 1, 0, 0],
    [0, 1, 0, 0],
    [0, 1, 1, 0],
  ];
  const onObject = [0, 1, 1, 1];
  const [hard, soft] = [false, true].map(kind => attention.shares(claimed, onObject, kind));
  near(hard.overlap, 1 / 3);
  near(hard.missing, 1 / 4);
  near(soft.overlap, hard.overlap, 1e-5);
  near(soft.missing, hard.missing, 1e-5);
});

test("the printed loss does not move with a map that moves a little; the soft one does, by its gradient", () => {
  const scene = writtenScene(WRITTEN);
  const maps = writtenMaps(scene, "paper");
  const slopes = attention.softGradient(scene, maps, 0.3, 0.1);
  const nudge = 1e-6;
  for (const n of [0, 1, 5, 6, 9]) {
    const moved = maps.map((map, k) => (k === 0 ? map.map((value, i) => value + nudge * (i === n)) : map));
    const [before, after] = [maps, moved].map(one => attention.look(scene, one, 0.3, 0.1));
    assert.equal(after.printed, before.printed);
    near((after.smoothed - before.smoothed) / nudge, slopes[0][n], 1e-4 + 1e-3 * Math.abs(slopes[0][n]));
  }
});

test("a painted grid changes what follows once the laboratory is told to forget", () => {
  const data = { models: ["a"], scenes: [writtenScene(WRITTEN)] };
  const now = consequences(data, { scene: 0, model: 1, reading: "paper", gamma: 0.3, tau: 0.05 });
  assert.equal(now.now(0).counted.many, 3);
  data.scenes[0].drops = EXAMPLES[1][1](WRITTEN.own);
  assert.equal(now.now(0).counted.many, 3);
  now.forget();
  assert.equal(now.now(0).counted.overlap, 1 / 3); // the object looks at all six, so each part claims the other's best
  assert.equal(now.curve(0).length, GAMMAS.length);
});

test("maps, claims, overlap, missing, both losses and the gradient are Python's", { skip: !reference }, async () => {
  const { scenes } = await decode(reference.data);
  const worst = {};
  const compare = (name, ours, theirs) => {
    const values = [ours, theirs].map(one =>
      [one].flat(3).flatMap(value => (value.length === undefined ? value : [...value])),
    );
    assert.equal(values[0].length, values[1].length, name);
    const most = Math.max(...values[0].map((value, i) => Math.abs(value - values[1][i])));
    worst[name] = Math.max(worst[name] ?? 0, most);
  };
  for (const { scene: number, model, reading, maps, told, gradient } of reference.cases) {
    const scene = scenes[number];
    const step = Math.max(...scene.gazes[model].map(gaze => gaze.step));
    const block = scene.gazes[model].at(-1)[reading].length - 1;
    const found = mapsOf(scene, model, { step, block, head: null, reading });
    compare("maps", found, maps);
    for (const row of told) {
      const hard = attention.look(scene, found, row.gamma, 0.05, reading);
      compare(
        "claims",
        hard.hard,
        row.claims.map(part => Array.from(part, Number)),
      );
      compare("overlap", hard.counted.overlap, row.overlap);
      compare("missing", hard.counted.missing, row.missing);
      compare("separation", hard.printed, row.printed);
      compare("enhancement", hard.enhancement, row.enhancement);
      for (const { tau, claims, overlap, missing, loss } of row.soft) {
        const { soft, expected, smoothed } = attention.look(scene, found, row.gamma, tau, reading);
        compare(
          "soft claims",
          soft.map(map => map.reduce((a, b) => a + b)),
          claims,
        );
        compare("soft overlap", expected.overlap, overlap);
        compare("soft missing", expected.missing, missing);
        compare("soft separation", smoothed, loss);
      }
    }
    if (gradient) compare("gradient", attention.softGradient(scene, found, 0.3, 0.1, reading), gradient);
  }
  for (const [name, most] of Object.entries(worst)) assert.ok(most < 1e-6, `${name} differs by ${most}`);
  assert.equal(Object.keys(worst).length, 11);
});

test("an earlier step has the maps of its last block alone, whatever block and head are asked for", {
  skip: !reference,
}, async () => {
  const { scenes } = await decode(reference.data);
  const [early, late] = [10, 20].map(step => mapsOf(scenes[0], 0, { step, block: 0, head: 1, reading: "paper" }));
  const again = mapsOf(scenes[0], 0, { step: 15, block: 1, head: null, reading: "paper" });
  assert.deepEqual(early, again);
  assert.notDeepEqual(early, late);
});
