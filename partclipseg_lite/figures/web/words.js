// Words of the playground: how a name is read, which words are known, which are near, what completes one.
// Pure functions, the same as in vocabulary.py and in weights/tiny_clip.py. `contents` is what playground_files.py wrote.

/** A name as it is kept and shown: plain apostrophes, single spaces, no invisible marks. */
export function tidied(text, { apostrophes, invisible }) {
  const plain = [...text.normalize("NFC")]
    .map(mark => (apostrophes.includes(mark) ? "'" : invisible.includes(mark) ? "" : mark))
    .join("");
  return plain
    .trim()
    .split(/\s+/)
    .join(" ")
    .replace(/ (?='s )/gi, "");
}

/** "dog's head" as ["dog", "head"], divided at the last 's; null for a name without. */
export function halves(name) {
  const at = name.toLowerCase().lastIndexOf("'s ");
  const [object, part] = at < 0 ? ["", ""] : [name.slice(0, at), name.slice(at + 3)];
  return object.trim() && part.trim() ? [object, part] : null;
}

/** The words of a text that the dictionary lacks. */
export function strangers(text, { words }) {
  const bare = text.toLowerCase().replaceAll("'s ", " ").replaceAll("'s", " ").replace(/[,']/g, " ");
  return bare.split(/\s+/).filter(word => word && !Object.hasOwn(words, word));
}

/** Tokens of a text, with start and end. Throws for what the tiny CLIP cannot read. */
export function tokensOf(text, { words, marks, start, end, context }) {
  const pieces = text.toLowerCase().match(/'s(?![^\s,'])|,|[^\s,']+|'/g) ?? [];
  const tokens = pieces.flatMap(piece => {
    const known = Object.hasOwn(words, piece) ? words[piece] : marks[piece];
    if (!known) throw new Error(`the tiny CLIP of the drawn world cannot read “${piece}”`);
    return known;
  });
  if (tokens.length + 2 > context) throw new Error(`“${text}” is too long for the tiny CLIP; shorten it`);
  return [start, ...tokens, end];
}

// ---- near words, as Python's difflib finds them

/** The longest block that a[low..high] and b[from..to] share: [start in a, start in b, length]. */
function longestShared(a, b, low, high, from, to) {
  let best = [low, from, 0];
  let lengths = new Map();
  for (let i = low; i < high; i++) {
    const next = new Map();
    for (let j = from; j < to; j++) {
      if (a[i] !== b[j]) continue;
      const length = (lengths.get(j - 1) ?? 0) + 1;
      next.set(j, length);
      if (length > best[2]) best = [i - length + 1, j - length + 1, length];
    }
    lengths = next;
  }
  return best;
}

/** How alike two words are, 0 to 1: `SequenceMatcher(None, a, b).ratio()`. */
export function likeness(a, b) {
  const shared = (low, high, from, to) => {
    const [i, j, length] = longestShared(a, b, low, high, from, to);
    if (!length) return 0;
    return length + shared(low, i, from, j) + shared(i + length, high, j + length, to);
  };
  return (2 * shared(0, a.length, 0, b.length)) / Math.max(1, a.length + b.length);
}

/** The nearest of the choices: `difflib.get_close_matches`. */
export function near(word, choices, most = 5, least = 0.4) {
  const after = (a, b) => (a < b ? 1 : a > b ? -1 : 0);
  return choices
    .map(choice => [likeness(choice, word), choice])
    .filter(([likely]) => likely >= least)
    .sort((one, other) => other[0] - one[0] || after(one[1], other[1]))
    .slice(0, most)
    .map(([, choice]) => choice);
}

// ---- what a name means

/** The entry of `entries` that a word names, by itself or as a synonym. */
export function entryOf(word, entries) {
  const key = word.toLowerCase();
  return entries.find(({ name }) => name === key) ?? entries.find(({ synonyms }) => synonyms.includes(key)) ?? null;
}

/** A name as a question: {name, object, part} for an object part, {name, word} for a single word. */
export function question(name) {
  const pair = halves(name);
  return pair ? { name, object: pair[0], part: pair[1] } : { name, word: name };
}

/** The colour of a question: that of its part, else of its object; parts of other worlds take turns. */
export function colourOf({ part, object, word }, { parts, objects }) {
  const entry = entryOf(part ?? word, parts) ?? entryOf(word ?? object, objects);
  if (part === undefined || entryOf(part, parts)) return entry?.colour ?? "#c2185b";
  const turn = [...part].reduce((sum, letter) => (31 * sum + letter.codePointAt(0)) % 997, 7);
  return `hsl(${(turn * 137) % 360} 65% 45%)`;
}

/** What both kinds of network are asked: texts to embed, and how they are put together. */
export function asked(questions, { templates }) {
  const fill = (template, ...words) => words.reduce((text, word) => text.replace("{}", word), template);
  const unique = list => [...new Set(list)];
  const pairs = questions.filter(({ part }) => part !== undefined);
  const singles = questions.filter(({ word }) => word !== undefined).map(({ word }) => word);
  // Each list needs an entry, whether or not it is looked at.
  const parts = unique(pairs.map(({ part }) => part));
  const objects = unique([...pairs.map(({ object }) => object), ...singles]);
  if (!parts.length) parts.push(objects[0]);
  return {
    parts,
    objects,
    partTexts: parts.map(part => fill(templates.part, part)),
    objectTexts: objects.map(object => fill(templates.object, object)),
    partOf: pairs.length ? pairs.map(({ part }) => parts.indexOf(part)) : [0],
    objectOf: pairs.length ? pairs.map(({ object }) => objects.indexOf(object)) : [0],
    phrases: questions.map(({ object, part, word }) =>
      part === undefined ? fill(templates.single, word) : fill(templates.phrase, object, part),
    ),
  };
}

/** The most names that are asked for at once. */
export const MOST_NAMES = 24;

/** Why a name cannot be asked for beside others, {message, word, near}; null if it can. */
export function refusal(name, names, contents) {
  const say = (message, word = "", others = []) => ({ message, word, near: others });
  if (!name) return say("Type a word first, such as “dog's head”.");
  if (names.some(known => known.toLowerCase() === name.toLowerCase())) return say(`“${name}” is asked for already.`);
  if (names.length >= MOST_NAMES) return say(`At most ${MOST_NAMES} names; take one away first.`);
  const [word] = strangers(name, contents.tokens);
  if (word) {
    const others = near(word, Object.keys(contents.tokens.words));
    const hint = others.length ? " Near ones: " : " Real CLIP weights know any word.";
    return say(`The tiny CLIP of the drawn world has no word “${word}”.${hint}`, word, others);
  }
  try {
    for (const text of textsOf(asked([question(name)], contents))) tokensOf(text, contents.tokens);
  } catch (error) {
    return say(`${error.message[0].toUpperCase()}${error.message.slice(1)}.`);
  }
  return null;
}

/** Every text that is embedded for what is `asked`. */
export const textsOf = ({ partTexts, objectTexts, phrases }) => [...partTexts, ...objectTexts, ...phrases];

// ---- completion

/** Names that complete what was typed, each with a word on what it is: [{text, note}]. */
export function completions(typed, contents, most = 8) {
  const { objects, parts } = contents;
  const text = tidied(typed, contents).toLowerCase();
  const cut = text.match(/^(.*)'s(?: (.*))?$/);
  const found = cut ? partsFor(cut[1], cut[2] ?? "", contents) : [];
  if (!cut) {
    const entries = [
      ...objects.map(entry => namesOf(entry, entry.novel ? "novel object" : "object")),
      ...parts.map(entry => namesOf(entry, "part")),
    ];
    // What the vocabulary calls them comes before other words.
    const some = [...entries.map(([first]) => first), ...entries.flatMap(([, ...others]) => others)];
    found.push(...fitting(text, some));
    const object = entryOf(text, objects);
    if (object) found.push(...object.parts.map(part => ({ text: `${text}'s ${part}`, note: "object part" })));
  }
  const seen = new Set([text]);
  return found.filter(({ text: name }) => !seen.has(name) && seen.add(name)).slice(0, most);
}

const namesOf = ({ name, synonyms }, note) => [
  { text: name, note },
  ...synonyms.map(text => ({ text, note: `another word for ${name}` })),
];

/** Entries that begin with a text, then those that have it inside. */
function fitting(text, entries) {
  if (!text) return [];
  const begin = entries.filter(entry => entry.text.startsWith(text));
  return [...begin, ...entries.filter(entry => !entry.text.startsWith(text) && entry.text.includes(text))];
}

function partsFor(object, begun, { objects, parts }) {
  const own = entryOf(object, objects)?.parts ?? [];
  const others = parts.filter(({ name }) => !own.includes(name));
  const entries = [
    ...own.map(text => ({ text, note: "object part" })),
    ...parts.filter(({ name }) => own.includes(name)).flatMap(entry => namesOf(entry, "").slice(1)),
    ...others.flatMap(entry => namesOf(entry, "a part of other objects")),
  ];
  const some = begun ? fitting(begun, entries) : entries;
  return some.map(({ text, note }) => ({ text: `${object}'s ${text}`, note }));
}
