// What a reader asks for, and what the models answer. It draws nothing: it tells the page when there is something new.

import { agreement, areaOnGrid, decide, inOneForm, mapOf, maskOf } from "./answers.js";
import { claims, normalise, shares } from "./attention.js";
import { prepared } from "./painting.js";
import { pictureAt, readPicture, resizedLikePillow } from "./pictures.js";
import { asked, colourOf, question, refusal, textsOf, tidied, tokensOf } from "./words.js";

/** The one state, and all that follows from it.
 * `page`: {draw(), announce(words), computing(words), fault(words), summary()}. */
export function session(contents, nets, page) {
  const state = {
    ...{ picture: null, names: [], edited: false, strength: {}, chosen: null },
    ...{ view: "masks", told: false, patch: null, gamma: 0.3, object: null },
  };
  const embedded = new Map();
  const truths = { of: null, masks: new Map() }; // of the picture that is shown
  let [turn, answers, decisions, work] = [0, {}, new Map(), Promise.resolve()];
  const { models } = contents;

  const lab = {
    ...{ contents, state },
    set(changes) {
      Object.assign(state, changes);
      page.draw();
      page.announce(page.summary());
    },
    show(name, strength) {
      state.strength[name] = strength;
      page.draw();
    },

    // names
    questions: () => state.names.map(question),
    colours: () => lab.questions().map(one => colourOf(one, contents)),
    /** Asks for one more name; what is wrong with it, or null. */
    add(text) {
      const name = tidied(text, contents);
      const refused = refusal(name, state.names, contents);
      if (!refused) lab.ask([...state.names, name], true);
      return refused;
    },
    drop(name) {
      const names = state.names.filter(known => known !== name);
      return lab.ask(names, true);
    },
    /** Asks for these names, or for the same as before, of the picture that is there. */
    ask(names, edited) {
      if (names !== null) {
        const chosen = names.includes(state.chosen) ? state.chosen : null;
        Object.assign(state, { names, edited, chosen });
      }
      const mine = ++turn;
      page.computing("computing …");
      const failed = error => page.fault(`The models could not answer (${error.message}).`);
      work = work.then(() => compute(mine)).catch(failed);
      return work;
    },

    // pictures
    take(image, title, example = null) {
      page.fault("");
      state.picture = prepared(image, title, example);
      state.patch = null;
      const names = example && !state.edited ? example.names : null;
      if (!example && !state.names.length) page.announce("picture taken; type a word to ask for");
      return lab.ask(names ? [...names] : null, state.edited && !names);
    },
    async open(blob, title) {
      page.fault("");
      try {
        const { image, width, height } = await readPicture(blob);
        const reduced = width > image.width ? `, used at ${image.width} × ${image.height}` : "";
        await lab.take(image, `${title}, ${width} × ${height} pixels${reduced}`);
      } catch (error) {
        page.fault(`${error.message[0].toUpperCase()}${error.message.slice(1)}.`);
      }
    },
    async choose(number) {
      const example = contents.gallery[number];
      if (!example.truth) {
        const { data, width, height } = await pictureAt(example.labels);
        example.truth = { labels: Uint8Array.from({ length: width * height }, (_, i) => data[4 * i]), width, height };
      }
      const image = await pictureAt(example.image);
      return lab.take(image, `${example.title}, ${example.kind}`, example);
    },

    // what follows
    ready: () =>
      state.names.length > 0 && models.every(({ name }) => answers[name]?.logits.length === state.names.length),
    answer: ({ name }) => answers[name],
    view: () => (state.view === "claims" && !lab.owners().length ? "masks" : state.view),
    /** Masks at another size than the page's. */
    decidedAt: (one, width, height, within = null) =>
      decide(answers[one.name], lab.questions(), one.side, width, height, { told: state.told, within }),
    decided(one) {
      const key = `${one.name} ${state.told}`;
      if (!decisions.has(key)) {
        const { truth, width, height } = state.picture;
        const within = truth ? truth.map(label => Number(label > 0)) : null;
        decisions.set(key, lab.decidedAt(one, width, height, within));
      }
      return decisions.get(key);
    },
    /** Score, size and agreement with the truth of a model's mask; null while it computes. */
    found(one, i) {
      if (!lab.ready()) return null;
      const { scores, sizes, masks } = lab.decided(one);
      const truth = lab.truthOf(state.names[i]);
      return { score: scores[i], size: sizes[i], overlap: truth ? agreement(masks[i], truth) : null };
    },
    truthOf(name) {
      const { picture } = state;
      const number = picture.example?.names.indexOf(name) ?? -1;
      if (number < 0) return null;
      if (truths.of !== picture.truth) Object.assign(truths, { of: picture.truth, masks: new Map() });
      if (!truths.masks.has(number)) truths.masks.set(number, maskOf(picture.truth, number + 1));
      return truths.masks.get(number);
    },
    /** The name that gazes are shown of. */
    chosenNumber: () => Math.max(0, state.names.indexOf(state.chosen)),
    patchOn(grid) {
      const [x, y] = state.patch ?? [0.5, 0.5];
      return Math.min(grid - 1, Math.floor(y * grid)) * grid + Math.min(grid - 1, Math.floor(x * grid));
    },
    /** Objects of which parts are asked for. */
    owners: () => [...new Set(lab.questions().flatMap(({ object }) => object ?? []))],
    owner: () => (lab.owners().includes(state.object) ? state.object : lab.owners()[0]),
    /** Eq. 7 and 8 for the parts of one object, with the masks that the model itself found. */
    claimed(one) {
      const { width, height } = state.picture;
      const { grid, name } = one;
      const mine = lab.questions().flatMap(({ object }, i) => (object && object === lab.owner() ? [i] : []));
      const { masks } = lab.decided(one);
      const areas = mine.map(i => areaOnGrid(masks[i], width, height, grid));
      const maps = mine.map((i, k) => mapOf(answers[name].tables[i], areas[k]));
      const found = mine.filter((_, k) => maps[k]);
      const norm = maps.filter(Boolean).map(map => normalise(map, grid));
      const claimed = claims(norm, state.gamma);
      const onObject = Array.from({ length: grid * grid }, (_, n) =>
        Number(areas.reduce((sum, area) => sum + area[n], 0) >= 0.5),
      );
      const told = { ...shares(claimed, onObject), parts: mine.length, absentParts: mine.length - found.length };
      return { claimed, onObject, told, colours: found.map(i => lab.colours()[i]) };
    },
  };

  /** Asks all models; what was asked for meanwhile comes next, and this is left. */
  async function compute(mine) {
    const { picture } = state;
    if (mine !== turn || !picture) return;
    const questions = lab.questions();
    const found = {};
    const started = performance.now();
    if (questions.length) {
      const words = asked(questions, contents);
      await embed(textsOf(words));
      for (const model of models) {
        found[model.name] = await answerOf(model, picture, questions, words);
        await new Promise(resolve => setTimeout(resolve)); // the page may answer in between
        if (mine !== turn) return;
      }
    }
    [answers, decisions] = [found, new Map()];
    lab.seconds = (performance.now() - started) / 1000;
    page.computing(questions.length ? `three models in ${lab.seconds.toFixed(2)} s` : "");
    page.draw();
    page.announce(page.summary());
  }

  async function embed(texts) {
    const fresh = [...new Set(texts)].filter(text => !embedded.has(text));
    if (!fresh.length) return;
    const rows = await nets.embed(fresh.map(text => tokensOf(text, contents.tokens)));
    for (const [i, text] of fresh.entries()) embedded.set(text, rows[i]);
  }

  async function answerOf({ name, encoder, side, phrases }, picture, questions, words) {
    picture.activations[encoder] ??= await nets.encode(encoder, resizedLikePillow(picture.image, side));
    const vectors = texts => texts.map(text => embedded.get(text));
    const given = phrases
      ? { phrases: vectors(words.phrases) }
      : { ...words, parts: vectors(words.partTexts), objects: vectors(words.objectTexts), phrases: null };
    const outputs = await nets.decode(name, picture.activations[encoder], given);
    return { ...inOneForm(outputs, questions, words), outputs };
  }

  return lab;
}
