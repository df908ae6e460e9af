// What is shown of the answers: the view, and what belongs to each of them.

import { h, list, radios, slider } from "./elements.js";
import { RACES, summary, two, VIEWS } from "./views.js";

const LEGEND = [
  ["one", "claimed by one part"],
  ["two", "by several: overlap"],
  ["none", "by none, though found: missing"],
];

/** The bar of controls over the pictures. */
export function choices(lab) {
  const { state } = lab;
  const view = radios(`${lab.id}-view`, "View", VIEWS, state.view, value => lab.set({ view: value }));
  const told = radios(`${lab.id}-told`, "Which names compete", RACES, false, value => lab.set({ told: value }));
  const say = () => summary(lab) || `γ ${two(state.gamma)}`;
  const range = { min: 0.02, max: 0.98, step: 0.01, value: state.gamma, show: two, say };
  const gamma = slider(`${lab.id}-gamma`, "γ", range, value => lab.set({ gamma: value }));
  const object = list(`${lab.id}-object`, "Object", [], value => lab.set({ object: value }));
  const [column, row] = [along(lab, 0, "Column"), along(lab, 1, "Row")];
  const signs = LEGEND.map(([kind, text]) => h("span", {}, h("i", { class: `pcl-${kind}` }), text));
  const bars = {
    masks: h("div", { class: "pcl-bar" }, told.node),
    gaze: h("div", { class: "pcl-bar" }, row.node, column.node),
    claims: h("div", { class: "pcl-bar" }, gamma.node, object.node, h("p", { class: "pcl-legend" }, ...signs)),
  };
  const draw = () => {
    const owners = lab.owners();
    view.take(lab.view());
    told.take(state.told);
    for (const [name, node] of Object.entries(bars)) node.hidden = name !== lab.view();
    for (const one of [column, row]) one.follow();
    object.offer(
      owners.map(each => [each, each]),
      lab.owner() ?? null,
    );
    object.node.hidden = owners.length < 2;
    gamma.take(state.gamma);
  };
  return { node: h("div", { class: "pcl-bar pcp-views" }, view.node, ...Object.values(bars)), draw };
}

/** A slider that moves the patch along an axis. */
function along(lab, axis, label) {
  const grid = Math.max(...lab.contents.models.map(model => model.grid));
  const now = () => lab.state.patch ?? [0.5, 0.5];
  const range = { min: 1, max: grid, step: 1, value: 1, show: String, say: at => `${label} ${at} of ${grid}` };
  const move = value => {
    const at = [...now()];
    at[axis] = (value - 0.5) / grid;
    lab.set({ patch: at });
  };
  const one = slider(`${lab.id}-${axis}`, label, range, move);
  return { node: one.node, follow: () => one.take(Math.min(grid, Math.floor(now()[axis] * grid) + 1)) };
}
