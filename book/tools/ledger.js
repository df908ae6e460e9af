// Filter and deep links of the ledger. Without it every row is shown, closed.
(() => {
  const rows = [...document.querySelectorAll(".ledger-row")];
  const chips = document.querySelector(".ledger-chips");
  const kinds = [...chips.querySelectorAll("[data-kind]")];
  const all = chips.querySelector("[data-all]");
  const status = chips.querySelector("[role=status]");
  const isOn = button => button.getAttribute("aria-pressed") === "true";
  const turn = (button, on) => button.setAttribute("aria-pressed", String(on));

  function filter() {
    const chosen = kinds.filter(isOn).map(button => button.dataset.kind);
    for (const row of rows) {
      const has = row.dataset.kinds.split(" ");
      row.hidden = chosen.length > 0 && !chosen.some(kind => has.includes(kind));
    }
    for (const section of new Set(rows.map(row => row.closest("section")))) {
      section.hidden = !section.querySelector(".ledger-row:not([hidden])");
    }
    const shown = rows.filter(row => !row.hidden).length;
    status.textContent = `${shown} of ${rows.length} rows`;
  }

  function openAll(on) {
    turn(all, on);
    all.textContent = on ? "close all" : "open all";
    for (const row of rows) row.open = on;
  }

  function show() {
    const row = document.getElementById(location.hash.slice(1));
    if (!row?.matches(".ledger-row")) return;
    if (row.hidden) {
      for (const button of kinds) turn(button, false);
      filter();
    }
    row.open = true;
    row.scrollIntoView();
  }

  for (const button of kinds) {
    button.addEventListener("click", () => {
      turn(button, !isOn(button));
      filter();
    });
  }
  all.addEventListener("click", () => openAll(!isOn(all)));
  addEventListener("hashchange", show);
  addEventListener("beforeprint", () => openAll(true));
  chips.hidden = false;
  filter();
  show();
})();
