// A line a name: its number and colour, how strongly it is shown, and what each model says.

import { h } from "./elements.js";
import { percent, two } from "./views.js";

/** What a model says of a name. */
function cell(lab, model, i) {
  const found = lab.found(model, i);
  if (!found) return [h("small", {}, "…")];
  const size = found.size ? percent(found.size) : "not found";
  const agree = found.overlap === null || !found.size ? "" : ` · IoU ${two(found.overlap)}`;
  return [h("b", {}, two(found.score)), h("small", {}, `${size}${agree}`)];
}

/** The table. */
export function namesTable(lab) {
  const head = ["Name", "Shown", ...lab.contents.models.map(({ title }) => title)];
  const body = h("tbody", { role: "rowgroup" });
  const header = head.map(name => h("th", { scope: "col", role: "columnheader" }, name));
  const table = h(
    "table",
    { class: "pcp-table", role: "table" },
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, ...header)),
    body,
  );
  let [rows, written] = [[], null];
  const row = (name, i) => {
    const colour = lab.colours()[i];
    const number = h("b", { class: "pcp-number", style: `background:${colour}` }, String(i + 1));
    const only = h(
      "button",
      {
        type: "button",
        class: "pcp-name",
        onclick: () => lab.set({ chosen: lab.state.chosen === name ? null : name }),
      },
      number,
      name,
    );
    const drop = h(
      "button",
      { type: "button", class: "pcp-drop", "aria-label": `Ask no more for ${name}`, onclick: () => lab.drop(name) },
      "×",
    );
    const input = h("input", {
      type: "range",
      min: 0,
      max: 100,
      step: 5,
      "aria-label": `How strongly ${name} is shown`,
    });
    input.value = 100 * (lab.state.strength[name] ?? 1);
    input.addEventListener("input", () => lab.show(name, Number(input.value) / 100));
    const cells = lab.contents.models.map(({ short }) => h("td", { role: "cell", "data-name": short }));
    const first = h("th", { scope: "row", role: "rowheader" }, h("span", { class: "pcp-first" }, only, drop));
    const node = h("tr", { role: "row" }, first, h("td", { role: "cell", class: "pcp-shown" }, input), ...cells);
    return { node, cells, only, input };
  };
  const draw = () => {
    const { names, chosen, strength } = lab.state;
    if (written !== names) {
      rows = names.map(row);
      body.replaceChildren(...rows.map(({ node }) => node));
      written = names;
    }
    rows.forEach(({ cells, only, input }, i) => {
      only.setAttribute("aria-pressed", String(chosen === names[i]));
      const shown = Math.round(100 * (strength[names[i]] ?? 1));
      input.setAttribute("aria-valuetext", `${shown} percent`);
      lab.contents.models.forEach((model, m) => {
        cells[m].replaceChildren(...cell(lab, model, i));
      });
    });
  };
  return { node: table, draw };
}
