// Pictures made smaller, beside what Pillow makes of them (in the file REFERENCE).
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import * as pictures from "../../../../partclipseg_lite/figures/web/pictures.js";

const { resized } = JSON.parse(readFileSync(process.env.REFERENCE, "utf8")).pictures;
const bytes = text => Uint8Array.from(Buffer.from(text, "base64"));

test("a picture is made smaller bit for bit as Pillow does it; tall ones up to one", () => {
  for (const { width, height, side, pixels, wanted } of resized) {
    const found = pictures.resizedLikePillow({ data: bytes(pixels), width, height }, side);
    const apart = bytes(wanted).map((value, i) => Math.abs(value - found[i]));
    assert.ok(Math.max(...apart) <= Number(height > width), `${width} x ${height} to ${side}`);
  }
});

test("large pictures are reduced, small ones stay", () => {
  assert.deepEqual(pictures.atMost(8000, 6000), [2048, 1536]);
  assert.deepEqual(pictures.atMost(1, 1), [1, 1]);
  assert.deepEqual(pictures.atMost(3, 9000, 300), [1, 300]);
});
