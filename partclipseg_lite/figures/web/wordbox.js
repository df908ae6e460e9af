// Where a name is typed: what completes it, and near words for those that the dictionary lacks.

import { h } from "./elements.js";
import { completions, tidied } from "./words.js";

/** The box. `more`: buttons beside it. */
export function wordBox(lab, more) {
  const id = `${lab.id}-word`;
  const input = h("input", {
    ...{ id, type: "text", role: "combobox", autocomplete: "off", autocapitalize: "none", spellcheck: "false" },
    ...{ "aria-expanded": "false", "aria-controls": `${id}-list`, "aria-autocomplete": "list" },
    ...{ placeholder: "dog's head, wheel, puppy …", "aria-describedby": `${id}-hint` },
  });
  const options = h("ul", { id: `${id}-list`, role: "listbox", "aria-label": "Names", hidden: true });
  const fault = h("p", { class: "pcp-fault", role: "alert" });
  let [offered, at] = [[], -1];
  const mark = index => {
    at = index;
    [...options.children].forEach((node, i) => {
      node.setAttribute("aria-selected", String(i === at));
    });
    if (at >= 0) input.setAttribute("aria-activedescendant", `${id}-${at}`);
    else input.removeAttribute("aria-activedescendant");
    options.children[at]?.scrollIntoView?.({ block: "nearest" });
  };
  const close = () => {
    options.hidden = true;
    input.setAttribute("aria-expanded", "false");
    mark(-1);
  };
  const enter = text => {
    const refused = lab.add(text);
    fault.replaceChildren();
    close();
    if (!refused) {
      input.value = "";
      return;
    }
    const better = refused.near.map(word => {
      const mend = () => {
        input.value = tidied(text, lab.contents).toLowerCase().replace(refused.word, word);
        input.focus();
        enter(input.value);
      };
      return h("button", { type: "button", onclick: mend }, word);
    });
    fault.append(refused.message, ...better);
  };
  const offer = () => {
    offered = completions(input.value, lab.contents);
    options.replaceChildren(
      ...offered.map(({ text, note }, i) => {
        const node = h(
          "li",
          { id: `${id}-${i}`, role: "option", "aria-selected": "false" },
          text,
          h("small", {}, note),
        );
        node.addEventListener("pointerdown", event => {
          event.preventDefault(); // the box keeps the focus
          enter(text);
        });
        return node;
      }),
    );
    options.hidden = !offered.length;
    input.setAttribute("aria-expanded", String(offered.length > 0));
    mark(-1);
  };
  input.addEventListener("input", offer);
  input.addEventListener("blur", close);
  input.addEventListener("keydown", event => {
    if (event.key === "ArrowDown" && options.hidden) return offer();
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && offered.length) {
      event.preventDefault();
      mark((at + step + offered.length) % offered.length);
    } else if (event.key === "Enter") {
      event.preventDefault();
      enter(at >= 0 ? offered[at].text : input.value);
    } else if (event.key === "Escape") close();
  });
  const add = h("button", { type: "button", onclick: () => enter(input.value) }, "Ask");
  const box = h("div", { class: "pcp-box" }, input, options);
  const hint = h(
    "p",
    { id: `${id}-hint`, class: "pcl-hint" },
    "An object (“dog”), a part (“wheel”) or an object's part (“dog's head”), in any combination.",
  );
  const line = h("div", { class: "pcl-bar" }, box, add, ...more);
  return h("div", { class: "pcp-words" }, h("label", { for: id }, "Words"), line, fault, hint);
}
