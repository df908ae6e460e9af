// The playground: three networks in the page, any picture, any words of their dictionary. README.md tells how to add to it.

import { choices } from "./choices.js";
import { h } from "./elements.js";
import { openNetworks, startRuntime } from "./network.js";
import { openDropped, picker } from "./picker.js";
import { saveMasks } from "./saving.js";
import { session } from "./session.js";
import { shelf } from "./shelf.js";
import { namesTable } from "./table.js";
import { explained, PAINTERS, paintTruth, panel, summary } from "./views.js";
import { wordBox } from "./wordbox.js";

const KEY =
  "Score: the highest probability anywhere. Then the share of the picture that the mask covers and, where the truth is known, how well the two agree (intersection over union).";
const RESTS = 400; // milliseconds of a reader's rest, after which a screen reader is told

/** The whole of it below `root`, with the first picture asked about. */
function build(root, contents, nets) {
  const live = h("p", { class: "pcl-live", role: "status" });
  const busy = h("p", { class: "pcp-busy", "aria-hidden": "true" });
  const fault = h("p", { class: "pcp-fault", role: "alert" });
  let [waiting, views] = [null, []];
  const page = {
    draw: () => {
      for (const one of views) one.draw();
    },
    announce(words) {
      clearTimeout(waiting);
      waiting = setTimeout(() => {
        live.textContent = words;
      }, RESTS);
    },
    computing(words) {
      busy.textContent = words;
    },
    fault(words) {
      fault.textContent = words;
      if (words) busy.textContent = "";
    },
    summary: () => summary(lab),
  };
  const lab = session(contents, nets, page);
  lab.id = `pcp${Math.random().toString(36).slice(2, 9)}`;
  lab.announce = page.announce;

  const [sources, shown, names, board] = [picker(lab), choices(lab), namesTable(lab), pictures(lab)];
  const itsParts = h("button", { type: "button" }, "Its parts");
  itsParts.addEventListener("click", () => lab.ask([...lab.state.picture.example.names], false));
  const none = h("button", { type: "button", onclick: () => lab.ask([], true) }, "Clear");
  const words = wordBox(lab, [itsParts, none]);
  const why = h("p", { class: "pcp-why" });
  const save = h(
    "button",
    { type: "button", onclick: () => saveMasks(lab, board.canvases) },
    "Download the masks (ZIP)",
  );
  const state = {
    draw() {
      itsParts.disabled = !lab.state.picture?.example;
      save.disabled = !lab.ready();
      why.textContent = explained(lab);
    },
  };
  views = [sources, shown, state, board, names];
  const about = { class: "pcl-app pcp-app", role: "group", "aria-label": "Playground" };
  const answers = [shown.node, board.node, why, names.node, h("p", { class: "pcl-hint" }, KEY)];
  const app = h(
    "div",
    about,
    ...sources.nodes,
    fault,
    words,
    ...answers,
    h("div", { class: "pcl-bar" }, save, busy),
    live,
  );
  openDropped(lab, app);
  root.append(app);
  page.draw();
  root.playground = lab; // for tests, and for the curious
  return lab.choose(contents.start);
}

/** The truth, where it is known, and beside it what each model says. */
function pictures(lab) {
  const pick = (x, y) => lab.set({ patch: [x, y], view: "gaze" });
  const { models } = lab.contents;
  const panels = models.map(({ title }) => panel(title, pick));
  const truth = panel("Drawn truth", pick);
  const draw = () => {
    const { picture } = lab.state;
    truth.node.hidden = !picture?.truth;
    if (!picture) return;
    if (picture.truth) truth.draw(paintTruth(lab));
    models.forEach((model, m) => {
      panels[m].draw(lab.ready() ? PAINTERS[lab.view()](lab, model) : { image: () => picture.base, words: "" });
    });
  };
  const node = h("div", { class: "pcp-panels" }, truth.node, ...panels.map(one => one.node));
  return { node, draw, canvases: panels.map(one => one.canvas) };
}

/** What stands there until a reader asks for the models. */
function invite(root, start, folder) {
  const bar = h("progress", { max: 1, value: 0, "aria-label": "Loading the models", hidden: true });
  const told = h("p", { class: "pcl-hint", role: "status" });
  const button = h("button", { type: "button", class: "pcp-load" }, `Load the models (${start.megabytes} MB)`);
  const node = h("div", { class: "pcl-app pcp-invite" }, button, bar, told);
  const step = (share, words) => {
    bar.value = share;
    told.textContent = words;
  };
  button.addEventListener("click", async () => {
    [button.disabled, bar.hidden] = [true, false];
    const begun = performance.now();
    try {
      const files = shelf(folder, start, share => step(0.6 * share, "loading …"));
      await files.fetch();
      const contents = JSON.parse(new TextDecoder().decode(await files.take("contents")));
      step(0.65, "starting the runtime …");
      const runtime = await startRuntime(files);
      const opened = share => step(0.65 + 0.35 * share, "opening the networks …");
      const nets = await openNetworks(files, runtime, contents.models, opened);
      await build(root, contents, nets);
      root.playground.loading = (performance.now() - begun) / 1000;
      node.remove();
      root.dataset.ready = "true";
      root.querySelector("input")?.focus({ preventScroll: true });
    } catch (error) {
      [button.disabled, bar.hidden] = [false, true];
      told.textContent = `The models could not be loaded: ${error.message}.`;
    }
  });
  root.append(node);
}

/** Puts the invitation into every place for a playground on the page. */
export function mountAll(start) {
  const folder = new URL(".", document.currentScript.src).href;
  for (const root of document.querySelectorAll("[data-playground]:not([data-ready])")) {
    root.dataset.ready = "soon";
    invite(root, start, folder);
  }
}
