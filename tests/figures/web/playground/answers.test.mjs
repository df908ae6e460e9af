// From logits and attention to masks and claims, beside what inference/asking.py makes of them (in the file REFERENCE).
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import * as answers from "../../../../partclipseg_lite/figures/web/answers.js";
import { claims, normalise, shares } from "../../../../partclipseg_lite/figures/web/attention.js";
import { asked, question } from "../../../../partclipseg_lite/figures/web/words.js";

const reference = JSON.parse(readFileSync(process.env.REFERENCE, "utf8"));
const { contents } = reference.words;
const planes = rows => rows.map(row => Float32Array.from(row));

/** Of two lists of labels, the share that differs: single pixels may, where logits are equal up to rounding. */
const differing = (one, other) => one.reduce((sum, value, n) => sum + Number(value !== other[n]), 0) / one.length;

for (const { title, names, outputs, side, grid, decisions, claimed } of reference.answers) {
  const questions = names.map(question);
  const found = answers.inOneForm(
    Object.fromEntries(Object.entries(outputs).map(([name, rows]) => [name, planes(rows)])),
    questions,
    asked(questions, contents),
  );

  test(`${title}: masks and scores are Python's, with and without the objects told`, () => {
    for (const { width, height, told, within, labels, masks, scores } of decisions) {
      const decided = answers.decide(found, questions, side, width, height, { told, within });
      assert.ok(differing(Array.from(decided.labels), labels) < 1e-3);
      for (const [q, mask] of masks.entries()) assert.ok(differing(Array.from(decided.masks[q]), mask) < 1e-3);
      for (const [q, score] of scores.entries()) assert.ok(Math.abs(decided.scores[q] - score) < 1e-5);
    }
  });

  test(`${title}: what parts claim with the masks found is Python's`, () => {
    const { width, height } = decisions[0];
    const { masks } = answers.decide(found, questions, side, width, height);
    for (const { object, gamma, parts, claims: wanted, overlap } of claimed) {
      const mine = questions.flatMap((one, q) => (one.object === object ? [q] : []));
      const maps = mine.map(q => answers.mapOf(found.tables[q], answers.areaOnGrid(masks[q], width, height, grid)));
      assert.deepEqual(
        mine.filter((_, k) => maps[k]),
        parts,
      );
      const norm = maps.filter(Boolean).map(map => normalise(map, grid));
      const held = claims(norm, gamma);
      held.forEach((map, k) => {
        assert.ok(differing(Array.from(map), wanted[k]) < 0.02);
      });
      assert.ok(Math.abs(shares(held, new Array(grid * grid).fill(0)).overlap - overlap) < 0.05);
    }
  });
}

test("the gaze of a patch adds the rows of its tables", () => {
  const tables = [
    [1, 2, 3, 4],
    [10, 20, 30, 40],
  ];
  assert.deepEqual(Array.from(answers.gaze(tables, 1, 2)), [33, 44]);
});

test("agreement is intersection over union, and nothing where neither has a pixel", () => {
  assert.equal(answers.agreement([1, 1, 0, 0], [0, 1, 1, 0]), 1 / 3);
  assert.equal(answers.agreement([0, 0], [0, 0]), null);
});

test("a number stands deep inside its mask", () => {
  const [width, height] = [9, 7];
  const mask = Array.from({ length: width * height }, (_, n) => Number(n % width >= 3 && Math.floor(n / width) >= 2));
  const [x, y] = answers.deepest(mask, width);
  assert.ok(x >= 5 && y >= 4, `${x} ${y}`);
  assert.equal(answers.deepest(mask.fill(0), width), null);
});
