"use strict";
// Draws the list of findings and the table of routes as far as they are looked at. Text goes in as text, never as HTML.
(() => {
  const root = document.documentElement;
  root.classList.add("script");
  const data = JSON.parse(document.getElementById("data").textContent);
  const STEP = 100, PRINTED = 1000, SVG = "http://www.w3.org/2000/svg";
  const byId = (id) => document.getElementById(id);
  const make = (name, looks, text) => {
    const element = document.createElement(name);
    if (looks) element.className = looks;
    if (text !== undefined) element.textContent = text;
    return element;
  };
  const count = (number) => number.toLocaleString("en");

  // A list of which so much is drawn as was asked for; the rest is counted.
  const drawn = (place, button, draw) => {
    let items = [], upTo = 0;
    const more = (wanted) => {
      const part = document.createDocumentFragment();
      const end = Math.min(items.length, upTo + wanted);
      for (; upTo < end; upTo++) part.append(draw(items[upTo]));
      place.append(part);
      button.hidden = upTo >= items.length;
      button.textContent = `Show ${count(Math.min(STEP, items.length - upTo))} more of ${count(items.length - upTo)}`;
    };
    button.addEventListener("click", () => {
      const before = upTo;
      more(STEP);
      const next = place.children[before];
      const into = next && (next.querySelector("summary") || next);
      if (into && into.focus) into.focus();
    });
    addEventListener("beforeprint", () => { if (upTo < PRINTED) more(PRINTED - upTo); });
    return (found) => { items = found; upTo = 0; place.replaceChildren(); more(STEP); };
  };
  const words = (text) => text.toLowerCase().split(/\s+/).filter(Boolean);
  const matching = (hay, wanted) => wanted.every((word) => hay.includes(word));

  const text = (number) => data.texts[number];
  const [RULE, NAME, LEVEL, NEW, SUBJECT, MESSAGE, REMEDY, PATH, LINE, EXACT, PRINT, REPLAY, EVIDENCE] =
    Array.from({length: 13}, (_, n) => n);
  const family = (code) => code.includes(":") ? code.slice(0, code.indexOf(":")) : code.slice(0, 3);

  const findings = () => {
    const list = byId("list");
    if (!list) return;
    const hay = data.findings.map((one) => [
      text(one[RULE]), text(one[NAME]), one[SUBJECT], text(one[MESSAGE]), one[PATH] + ":" + one[LINE], one[PRINT],
    ].join("\n").toLowerCase());
    const families = data.findings.map((one) => family(text(one[RULE])));

    const inside = (number) => {
      const one = data.findings[number];
      const box = make("div", "inside");
      const claim = data.claims[text(one[RULE])];
      if (claim) box.append(make("p", "soft", claim));
      const where = make("p", "where");
      where.append(make("code", "", one[EXACT] ? `${one[PATH]}:${one[LINE]}` : one[PATH]));
      where.append(make("span", "soft", one[EXACT] ? "" : " (where its subject stands) "));
      where.append(make("code", "soft", one[PRINT]));
      box.append(where);
      const proof = byId("proof-" + number);
      if (proof) {
        box.append(proof.content.cloneNode(true));
        return box;
      }
      if (text(one[REMEDY])) box.append(make("p", "remedy", "→ " + text(one[REMEDY])));
      if (one[EVIDENCE].sql) box.append(make("pre", "sql", String(one[EVIDENCE].sql)));
      if (Object.keys(one[EVIDENCE]).length) box.append(make("pre", "", JSON.stringify(one[EVIDENCE], null, 1)));
      if (text(one[REPLAY])) box.append(make("pre", "command", text(one[REPLAY])));
      return box;
    };
    const draw = (number) => {
      const one = data.findings[number];
      const item = make("li", one[LEVEL] + (one[NEW] ? "" : " is-known"));
      const details = make("details"), head = make("summary");
      head.append(make("span", "level", one[NEW] ? one[LEVEL] : "known"));
      head.append(make("span", "rule", `${text(one[RULE])} ${text(one[NAME])}`));
      head.append(make("span", "subject", one[SUBJECT] || one[PATH]));
      head.append(make("span", "told", text(one[MESSAGE])));
      details.append(head);
      details.addEventListener("toggle", () => {
        if (details.open && details.children.length === 1) details.append(inside(number));
      });
      item.append(details);
      return item;
    };
    const show = drawn(list, byId("more"), draw);
    const search = byId("search"), level = byId("level"), state = byId("state"), kind = byId("family");
    const filter = () => {
      const wanted = words(search.value), found = [];
      for (let number = 0; number < hay.length; number++) {
        const one = data.findings[number];
        if (level.value && one[LEVEL] !== level.value) continue;
        if (state.value && String(one[NEW]) !== state.value) continue;
        if (kind.value && families[number] !== kind.value) continue;
        if (matching(hay[number], wanted)) found.push(number);
      }
      show(found);
      byId("shown").textContent = `${count(found.length)} of ${count(hay.length)} findings`;
    };
    search.addEventListener("input", filter);
    for (const one of [level, state, kind]) one.addEventListener("change", filter);
    addEventListener("keydown", (event) => {
      const typing = event.target instanceof HTMLElement && event.target.matches("input, select, textarea");
      if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
        event.preventDefault();
        search.focus();
      }
    });
    filter();
  };

  const spark = (values) => {
    const svg = document.createElementNS(SVG, "svg");
    const known = values.filter((value) => value !== null);
    svg.setAttribute("class", "spark");
    svg.setAttribute("viewBox", "0 0 96 22");
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", `statements of the last ${known.length} runs: ${known.join(", ")}`);
    const top = Math.max(...known, 1), step = values.length > 1 ? 88 / (values.length - 1) : 0;
    const points = values.map((value, n) => value === null ? null : [4 + n * step, 18 - 14 * value / top]);
    const path = points.filter(Boolean);
    const line = document.createElementNS(SVG, "polyline");
    line.setAttribute("points", path.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" "));
    const end = document.createElementNS(SVG, "circle");
    const last = path[path.length - 1];
    end.setAttribute("cx", last[0].toFixed(1));
    end.setAttribute("cy", last[1].toFixed(1));
    end.setAttribute("r", "2.5");
    svg.append(line, end);
    return svg;
  };

  const routes = () => {
    const table = byId("route-table");
    if (!table) return;
    const hay = data.routes.map((one) => one.slice(0, 4).join(" ").toLowerCase());
    let column = 5, down = true;
    const number = (value) => value === null ? "" : count(value);
    const draw = (one) => {
      const line = make("tr"), name = make("td");
      name.append(make("code", "", `${one[0]} ${one[1]}`), make("span", "soft", ` ${one[2]} [${one[3]}]`));
      const earlier = make("td");
      if (one[8].some((value) => value !== null)) earlier.append(spark(one[8]));
      line.append(name, make("td", one[4] >= 500 ? "fail" : "", one[4] === null ? "–" : String(one[4])),
        make("td", "", number(one[5])), earlier, make("td", "", number(one[6])), make("td", "", number(one[7])));
      return line;
    };
    const show = drawn(table.tBodies[0], byId("more-routes"), draw);
    const search = byId("route-search");
    const key = (one) => column === 0 ? `${one[1]} ${one[0]} ${one[3]}` : one[column] === null ? -1 : one[column];
    const filter = () => {
      const wanted = words(search.value);
      const found = data.routes.filter((_, n) => matching(hay[n], wanted));
      found.sort((a, b) => {
        const [x, y] = [key(a), key(b)];
        return (x < y ? -1 : x > y ? 1 : 0) * (down ? -1 : 1);
      });
      show(found);
      byId("routes-shown").textContent = `${count(found.length)} of ${count(hay.length)} routes`;
    };
    search.addEventListener("input", filter);
    for (const button of table.querySelectorAll("th button")) {
      button.addEventListener("click", () => {
        const wanted = Number(button.dataset.column);
        down = wanted === column ? !down : wanted !== 0;
        column = wanted;
        for (const other of table.querySelectorAll("th[aria-sort]")) other.setAttribute("aria-sort", "none");
        button.parentElement.setAttribute("aria-sort", down ? "descending" : "ascending");
        filter();
      });
    }
    filter();
  };

  const theme = () => {
    const button = byId("theme"), looks = ["", "light", "dark"];
    const names = {"": "as the system", light: "light", dark: "dark"};
    button.addEventListener("click", () => {
      const next = looks[(looks.indexOf(root.dataset.theme || "") + 1) % looks.length];
      if (next) root.dataset.theme = next; else delete root.dataset.theme;
      button.textContent = "Theme: " + names[next];
    });
  };

  theme();
  findings();
  routes();
})();
