// The map, and who stands for whom: one row is chosen at a time, by its mark, by a source row's, or in the table.
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const data = JSON.parse(document.querySelector("#lineage-data").textContent);
  const map = document.querySelector("#map");
  const panel = document.querySelector("#lineage");
  const select = document.querySelector(".highlight select");
  const sources = all("use.row", map);
  const markOf = new Map(data.numbers.map((number, i) => [number, sources[i]]));
  let chosen = null;

  const make = (tag, css, ...parts) => {
    const element = document.createElement(tag);
    if (css) element.className = css;
    element.append(...parts.filter((part) => part !== null));
    return element;
  };
  const link = (text, target) => Object.assign(make("a", "", text), { href: target });
  const count = (n, noun) => `${n.toLocaleString("en")} ${noun}${n === 1 ? "" : "s"}`;
  const swatch = (css, shape) => {
    const [svg, use] = ["svg", "use"].map((name) => document.createElementNS("http://www.w3.org/2000/svg", name));
    svg.setAttribute("class", "swatch");
    svg.setAttribute("viewBox", "-8 -8 16 16");
    svg.setAttribute("aria-hidden", "true");
    use.setAttribute("href", `#m${shape}`);
    use.setAttribute("class", css);
    svg.append(use);
    return svg;
  };

  const sourceRow = (number, code, text, cosine, ...notes) => {
    const named = data.classes[code];
    const who = make("span", "who", ...(named ? [swatch(named[1], named[2]), named[0]] : []), make("span", "", `source row ${number}`));
    notes.filter(Boolean).forEach((note) => who.append(make("span", "tag", note)));
    const words = Object.assign(make("span", "what", text), { dir: "auto" });
    return make("li", "", make("span", "cosine", cosine.toFixed(3)), who, words);
  };

  const relatives = ({ method, row }) => {
    const { sizes, parents, kin, owners } = data.methods[method];
    const size = sizes[row - 1];
    const lit = owners.filter((owner) => owner === row).length;
    const own = kin[row - 1].filter(([, , , owner]) => owner === row).length;
    const made = kin[row - 1].filter(([, , parent]) => parent).length;
    const where = data.classes.length ? " of its class" : "";
    const some = [own < size && `${own} of them are below`, lit < size && `${lit.toLocaleString("en")} on the map`].filter(Boolean);
    const lines = [
      size ? `Stands for ${count(size, "source row")}${where}${some.length ? `; ${some.join(", ")}` : ""}.` : `No source row${where} has it as the nearest.`,
      parents[row - 1] > made ? `Made from ${count(parents[row - 1], "source row")}; ${made} of them are below.` : "",
      own + made ? "The nearest come first; numbers are cosines to it." : "",
    ];
    const items = kin[row - 1].map(([place, cosine, parent, owner]) => {
      const [number, code, text] = data.texts[place];
      const other = owner && owner !== row ? `row ${owner} stands for it` : "";
      return sourceRow(number, code, text, cosine, parent && "made from this", other);
    });
    return make("div", "kin", make("p", "note", lines.filter(Boolean).join(" ")), make("ol", "", ...items));
  };

  const tableRow = ({ method, row }) => document.querySelector(`#row-${method}-${row}`);
  const inline = document.createElement("tr");
  inline.className = "inline";
  inline.setAttribute("role", "row");

  const place = () => {
    const row = chosen && tableRow(chosen);
    if (row && !row.hidden) row.after(inline);
    else inline.remove();
  };

  const clear = () => {
    if (chosen) tableRow(chosen).querySelector("[aria-expanded]").setAttribute("aria-expanded", "false");
    chosen = null;
    panel.hidden = true;
    place();
    map.classList.remove("dim");
    all(".lit, .picked", map).forEach((mark) => mark.classList.remove("lit", "picked"));
  };

  const light = (marks) => {
    map.classList.add("dim");
    marks.forEach((mark) => mark?.classList.add("lit"));
  };

  const show = (method, row, picked = null) => {
    clear();
    if (select) select.value = "";
    chosen = { method, row };
    const { owners, kin } = data.methods[method];
    const here = tableRow(chosen);
    light(sources.filter((_, i) => owners[i] === row));
    light(kin[row - 1].map(([i]) => markOf.get(data.texts[i][0])));
    light(all(`a[href="#row-${method}-${row}"] use`, map));
    here.querySelector("[aria-expanded]").setAttribute("aria-expanded", "true");
    const cell = make("td", "", relatives(chosen), make("p", "", link("On the map", "#map")));
    cell.colSpan = here.cells.length;
    cell.setAttribute("role", "cell");
    inline.replaceChildren(cell);
    place();
    const close = Object.assign(make("button", "", "Clear"), { type: "button" });
    close.addEventListener("click", () => { clear(); map.scrollIntoView({ block: "nearest" }); });
    const title = make("p", "title", make("strong", "", `Condensed row ${row}`), link("In the table", `#row-${method}-${row}`), close);
    const texts = all("td.text", here).map((text) => {
      const rest = text.querySelector("details") ? "…" : "";
      return Object.assign(make("p", "what", text.firstChild.textContent + rest), { dir: "auto" });
    });
    panel.replaceChildren(...(picked ? [picked] : []), title, ...texts, relatives(chosen));
    panel.hidden = false;
  };

  const showOwner = (i) => {
    const method = shownMethod();
    const { owners, similarity } = data.methods[method];
    const text = sources[i].querySelector("title").textContent;
    const said = make("p", "picked", make("strong", "", `Source row ${data.numbers[i]}`), ` ${text}`);
    if (owners[i]) {
      said.append(make("span", "note", `Condensed row ${owners[i]} stands for it, at a cosine of ${similarity[i].toFixed(3)}.`));
      show(method, owners[i], said);
    } else {
      clear();
      said.append(make("span", "note", "No condensed row of its class stands for it."));
      panel.replaceChildren(said);
      panel.hidden = false;
      light([]);
    }
    sources[i].classList.add("lit", "picked");
  };

  const shownMethod = () => Number(document.querySelector("[name=method]:checked")?.id.split("-")[1] ?? 0);
  const named = (id) => id.split("-").slice(1).map(Number);
  const choose = (method, row) => (chosen && chosen.method === method && chosen.row === row ? clear() : show(method, row));

  // A finger hits no mark of five pixels: the nearest one counts, condensed rows first.
  const near = (event, marks, reach) => {
    const frame = map.getBoundingClientRect();
    const far = (mark) => Math.hypot(
      (parseFloat(mark.getAttribute("x")) / 100) * frame.width + frame.left - event.clientX,
      (parseFloat(mark.getAttribute("y")) / 100) * frame.height + frame.top - event.clientY,
    );
    const [best] = marks.map((mark) => [far(mark), mark]).sort((a, b) => a[0] - b[0]);
    return best && best[0] <= reach ? best[1] : null;
  };
  map.addEventListener("click", (event) => {
    event.preventDefault();
    const kept = all(`.kept.m${shownMethod()} use`, map);
    const hit = event.target.closest("use.row, a use, a");
    const mark = event.detail === 0 || hit ? hit : near(event, kept, 12) ?? near(event, sources, 14);
    if (mark?.classList.contains("row")) showOwner(sources.indexOf(mark));
    else if (mark) choose(...named(mark.closest("a").getAttribute("href")));
    else clear();
  });

  // One stop of the tabulator for all marks of a method; arrows go from one to the next.
  for (const group of all(".kept", map)) {
    const links = all("a", group);
    if (links.length) links[0].setAttribute("tabindex", "0");
    group.addEventListener("keydown", (event) => {
      const at = links.indexOf(event.target);
      const to = { ArrowRight: at + 1, ArrowDown: at + 1, ArrowLeft: at - 1, ArrowUp: at - 1, Home: 0, End: links.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      const next = links[(to + links.length) % links.length];
      links.forEach((other) => other.setAttribute("tabindex", other === next ? "0" : "-1"));
      next.focus();
    });
  }

  for (const box of all(".rows-box")) {
    box.querySelector("table").classList.add("live");
    box.addEventListener("arranged", place);
    for (const row of all("tbody tr", box)) {
      const button = Object.assign(make("button", "", ...row.cells[0].childNodes), { type: "button" });
      button.setAttribute("aria-label", `Row ${button.textContent}: its source rows`);
      button.setAttribute("aria-expanded", "false");
      row.cells[0].append(button);
    }
    box.querySelector("tbody").addEventListener("click", (event) => {
      const row = event.target.closest("tr");
      if (row === inline || event.target.closest("a, summary") || String(getSelection())) return;
      choose(...named(row.id));
    });
  }
  document.addEventListener("click", (event) => {
    const target = event.target.closest?.('a[href^="#row-"]');
    const row = target && !map.contains(target) && document.querySelector(target.getAttribute("href"));
    if (!row?.hidden) return;
    const search = row.closest(".rows-box").querySelector("input");
    search.value = "";
    search.dispatchEvent(new Event("input"));
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.target.closest("input, select")) clear();
  });
  all("[name=method]").forEach((radio) => radio.addEventListener("change", clear));

  all(".highlight, .hint").forEach((part) => { part.hidden = false; });
  select?.addEventListener("change", () => {
    const name = select.value;
    clear();
    if (name) light(all(`use.${name}`, map));
  });
})();
