"use strict";
// The tables of condensed rows: searching and sorting. A box says "arranged" when its rows have moved or gone.
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  const sortBy = (body, rows, column, sign) => {
    const key = (row) => row.cells[column].dataset.v ?? row.cells[column].textContent.trim();
    const compare = new Intl.Collator("en", { numeric: true }).compare;
    const number = rows.every((row) => row.cells[column].dataset.v !== undefined);
    const order = (a, b) => (number ? Number(key(a)) - Number(key(b)) : compare(key(a), key(b)));
    body.append(...[...rows].sort((a, b) => sign * order(a, b)));
  };

  for (const box of all(".rows-box")) {
    const table = box.querySelector("table");
    const body = table.tBodies[0];
    const rows = [...body.rows];
    const heads = [...table.tHead.rows[0].cells];
    const search = box.querySelector("input");
    const count = box.querySelector("output");
    const arranged = () => box.dispatchEvent(new Event("arranged"));
    all("[hidden]", box).forEach((part) => { part.hidden = false; });
    const filter = () => {
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      for (const row of rows) {
        const text = words.length ? row.textContent.toLowerCase() : "";
        row.hidden = !words.every((word) => text.includes(word));
        shown += row.hidden ? 0 : 1;
      }
      count.textContent = `${shown.toLocaleString("en")} of ${rows.length.toLocaleString("en")} rows`;
      arranged();
    };
    search.addEventListener("input", filter);
    filter();
    heads.forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending" || (head.dataset.first === "down" && !head.hasAttribute("aria-sort"));
        heads.forEach((other) => other.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        sortBy(body, rows, column, down ? -1 : 1);
        arranged();
      });
    });
  }
})();
