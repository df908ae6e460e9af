// Files to take away, beside what zlib and zipfile make of them (in the file REFERENCE).
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import test from "node:test";
import * as saving from "../../../../partclipseg_lite/figures/web/saving.js";

const { crc } = JSON.parse(readFileSync(process.env.REFERENCE, "utf8")).pictures;
const bytes = text => Uint8Array.from(Buffer.from(text, "base64"));

test("checksums are zlib's", () => {
  for (const [text, wanted] of crc) assert.equal(saving.checksum(bytes(text)), wanted);
});

test("a ZIP file that zipfile reads", () => {
  const files = {
    "toy/1-dog-head.png": new Uint8Array([1, 2, 3]),
    "leer.txt": new Uint8Array(),
    "ä.json": bytes("e30="),
  };
  writeFileSync(process.env.ZIPPED, saving.zipOf(files)); // Python opens it
});

test("names become file names", () => {
  assert.equal(saving.fileName("dog's head"), "dog-head");
  assert.equal(saving.fileName("potted plant's pot"), "potted_plant-pot");
  assert.equal(saving.fileName("wheel"), "wheel");
});
