// How the page reads names, beside what Python makes of them (in the file REFERENCE).
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import * as words from "../../../../partclipseg_lite/figures/web/words.js";

const { contents, tidy, tokens, unknown, alike, colours } = JSON.parse(
  readFileSync(process.env.REFERENCE, "utf8"),
).words;

test("names are tidied as Python tidies them", () => {
  for (const [text, wanted] of tidy) assert.equal(words.tidied(text, contents), wanted, text);
});

test("texts have the tiny CLIP's tokens", () => {
  for (const [text, wanted] of tokens) assert.deepEqual(words.tokensOf(text, contents.tokens), wanted, text);
});

test("words that the dictionary lacks are named, with the near ones that Python names", () => {
  const known = Object.keys(contents.tokens.words);
  for (const [text, strange, others] of unknown) {
    assert.equal(words.strangers(text, contents.tokens)[0], strange, text);
    assert.deepEqual(words.near(strange, known), others, strange);
  }
});

test("two words are as alike as difflib finds them", () => {
  for (const [a, b, wanted] of alike) assert.ok(Math.abs(words.likeness(a, b) - wanted) < 1e-12, `${a} ${b}`);
});

test("a mask has the colour that Python gives it", () => {
  for (const [name, wanted] of colours) assert.equal(words.colourOf(words.question(name), contents), wanted, name);
});

test("marks that the tiny CLIP cannot read, and long texts, are refused in a sentence", () => {
  assert.throws(() => words.tokensOf("dog's tail!", contents.tokens), /cannot read “tail!”/);
  assert.throws(() => words.tokensOf("dog ".repeat(20), contents.tokens), /is too long/);
});

test("a name is divided at its last 's", () => {
  assert.deepEqual(words.halves("chest of drawers's door"), ["chest of drawers", "door"]);
  assert.equal(words.halves("dog"), null);
  assert.deepEqual(words.question("Dog'S head"), { name: "Dog'S head", object: "Dog", part: "head" });
});

test("what is asked for holds each word once, and both lists have an entry", () => {
  const questions = ["dog's head", "cat's head", "dog's tail", "dog"].map(words.question);
  const found = words.asked(questions, contents);
  assert.deepEqual(
    [found.parts, found.objects],
    [
      ["head", "tail"],
      ["dog", "cat"],
    ],
  );
  assert.deepEqual(
    [found.partOf, found.objectOf],
    [
      [0, 0, 1],
      [0, 1, 0],
    ],
  );
  assert.deepEqual(found.phrases, ["a dog's head", "a cat's head", "a dog's tail", "a dog"]);
  const single = words.asked([words.question("wheel")], contents);
  assert.deepEqual([single.parts, single.objects, single.partOf], [["wheel"], ["wheel"], [0]]);
});

test("completion offers objects, parts, synonyms, and after an 's the object's own parts first", () => {
  const texts = typed => words.completions(typed, contents).map(({ text }) => text);
  assert.deepEqual(texts(""), []);
  assert.equal(texts("do")[0], "dog");
  assert.ok(texts("pup").includes("puppy"));
  assert.match(words.completions("pup", contents)[0].note, /another word for dog/);
  assert.ok(texts("dog").includes("dog's head"));
  assert.equal(texts("puppy's")[0], "puppy's tail");
  assert.deepEqual(texts("dog's he")[0], "dog's head");
  assert.ok(texts("dog's whe").includes("dog's wheel"));
  assert.ok(texts("dog’s  EA")[0].startsWith("dog's ea"));
  assert.ok(texts("a").length <= 8);
});
