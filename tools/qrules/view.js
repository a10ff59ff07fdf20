"use strict";
// Draws the graphs of `data` (see view.cc): layered from the inputs down, constants inside the calls that use them.
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const SVG = "http://www.w3.org/2000/svg";
  const HEIGHT = 38, GAP_X = 18, GAP_Y = 30;
  const element = (name, attributes = {}, ...children) => {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  };
  const html = (name, className, ...children) => {
    const made = document.createElement(name);
    if (className) made.className = className;
    made.append(...children);
    return made;
  };
  const short = (op) => op.replace(/^quantized_decomposed\./, "").replace(/^(aten|onednn|prims|_operator)\./, "")
    .replace(/\.(default|Tensor)$/, "");
  const clip = (text, length) => (text.length > length ? text.slice(0, length - 1) + "…" : text);

  // A colour for each operator that rules made; the same operator has the same one in both graphs.
  const made = [...new Set(data.fusions.map((fusion) => fusion.op))].sort();
  const color = (op) => {
    const place = made.indexOf(op);
    return place < 0 ? "#ffffff" : `hsl(${Math.round((place * 137.5 + 205) % 360)} 62% 84%)`;
  };

  class Picture {
    constructor(side) {
      this.side = side;
      this.graph = data[side];
      this.section = document.getElementById(side);
      this.svg = this.section.querySelector("svg");
      this.layer = element("g");
      this.svg.append(this.layer);
      this.byName = new Map();
      this.elements = new Map();
      this.edges = [];
      this.layOut();
      this.draw();
      this.listen();
    }

    // The layer of a node is the longest way from an input. What depends on constants alone goes just above its first
    // user. Inside a layer nodes are ordered by the mean place of their neighbours, downwards and upwards in turn.
    layOut() {
      const nodes = this.graph.filter((node) => node.kind !== "constant");
      for (const node of this.graph) this.byName.set(node.name, node);
      for (const node of nodes) {
        node.inputs = node.operands.map((name) => this.byName.get(name)).filter((other) => other.kind !== "constant");
        node.constants = node.operands.map((name) => this.byName.get(name)).filter((other) => other.kind === "constant");
        node.users = [];
        node.level = 0;
        node.width = Math.max(74, 16 + 7.1 * Math.max(clip(short(node.op), 30).length, 0.86 * clip(node.name, 34).length));
      }
      for (const node of nodes) {
        for (const input of new Set(node.inputs)) {
          input.users.push(node);
          node.level = Math.max(node.level, input.level + 1);
        }
      }
      for (const node of [...nodes].reverse()) {
        if (node.kind === "call" && node.inputs.length === 0 && node.users.length)
          node.level = Math.max(0, Math.min(...node.users.map((user) => user.level)) - 1);
      }
      const levels = [];
      for (const node of nodes) (levels[node.level] ||= []).push(node);
      this.levels = levels.filter(Boolean);
      const mean = (list, fallback) => (list.length ? list.reduce((sum, other) => sum + other.x, 0) / list.length : fallback);
      for (const level of this.levels) this.spread(level, level.map((node, i) => i * 150));
      for (let round = 0; round < 12; ++round) {
        const down = round % 2 === 0;
        for (const level of down ? this.levels : [...this.levels].reverse()) {
          const wanted = new Map(level.map((node) => [node, mean(down ? node.inputs : node.users, node.x)]));
          level.sort((a, b) => wanted.get(a) - wanted.get(b));
          this.spread(level, level.map((node) => wanted.get(node)));
        }
      }
      this.levels.forEach((level, i) => level.forEach((node) => { node.y = i * (HEIGHT + GAP_Y); }));
      this.nodes = nodes;
    }

    // Puts nodes as near to the wanted places as their widths allow: neighbours that would overlap move apart together.
    spread(level, wanted) {
      const blocks = [];
      level.forEach((node, i) => {
        let block = { nodes: [node], width: node.width, center: wanted[i], weight: 1 };
        while (blocks.length) {
          const last = blocks[blocks.length - 1];
          if (last.center + last.width / 2 + GAP_X <= block.center - block.width / 2) break;
          blocks.pop();
          const width = last.width + GAP_X + block.width;
          const weight = last.weight + block.weight;
          // Where each half wants the center of the whole.
          const left = last.center + (width - last.width) / 2, right = block.center - (width - block.width) / 2;
          block = { nodes: [...last.nodes, ...block.nodes], width, weight, center: (left * last.weight + right * block.weight) / weight };
        }
        blocks.push(block);
      });
      for (const block of blocks) {
        let x = block.center - block.width / 2;
        for (const node of block.nodes) {
          node.x = x + node.width / 2;
          x += node.width + GAP_X;
        }
      }
    }

    draw() {
      const edges = element("g"), boxes = element("g");
      for (const node of this.nodes) {
        for (const input of new Set(node.inputs)) {
          const from = input.y + HEIGHT, bend = Math.max(14, (node.y - from) / 2);
          const path = element("path", {
            class: "edge",
            d: `M${input.x} ${from} C${input.x} ${from + bend} ${node.x} ${node.y - bend} ${node.x} ${node.y}`,
          });
          this.edges.push({ from: input.name, to: node.name, path });
          edges.append(path);
        }
        const fill = node.fusion === undefined ? null : color(data.fusions[node.fusion].op);
        const box = element("rect", { x: node.x - node.width / 2, y: node.y, width: node.width, height: HEIGHT, rx: 6 });
        if (fill) box.style.fill = fill;
        const label = element("text", { x: node.x, y: node.y + 16, "text-anchor": "middle" }, clip(short(node.op), 30));
        const name = element("text", { class: "name", x: node.x, y: node.y + 30, "text-anchor": "middle" }, clip("%" + node.name, 34));
        const group = element("g", { class: `node ${node.kind}`, "data-node": node.name }, box, label, name,
          element("title", {}, `${node.text}`));
        if (node.fusion !== undefined) group.dataset.fusion = node.fusion;
        group.addEventListener("click", () => !this.dragged && select(this.side, node.name));
        this.elements.set(node.name, group);
        boxes.append(group);
      }
      this.layer.append(edges, boxes);
      const xs = this.nodes.map((node) => [node.x - node.width / 2, node.x + node.width / 2]);
      this.left = Math.min(...xs.map((x) => x[0]));
      this.right = Math.max(...xs.map((x) => x[1]));
      this.bottom = Math.max(...this.nodes.map((node) => node.y + HEIGHT));
    }

    // All of it when that is readable; else its beginning at a size that can be read.
    fit() {
      const { width, height } = this.svg.getBoundingClientRect();
      if (!width) return;
      const all = Math.min((width - 40) / (this.right - this.left), (height - 60) / this.bottom);
      this.scale = Math.min(1.1, Math.max(all, Math.min(0.6, (width - 40) / (this.right - this.left)), 0.25));
      const first = this.nodes[0] || { x: 0 };
      const wide = (this.right - this.left) * this.scale > width - 40;
      this.x = width / 2 - (wide ? first.x : (this.left + this.right) / 2) * this.scale;
      this.y = 40;
      this.place();
    }

    place() {
      this.layer.setAttribute("transform", `translate(${this.x} ${this.y}) scale(${this.scale})`);
    }

    center(name) {
      const node = this.byName.get(name), { width, height } = this.svg.getBoundingClientRect();
      if (!node || node.x === undefined || !width) return;
      this.scale = Math.max(this.scale, 0.7);
      this.x = width / 2 - node.x * this.scale;
      this.y = height / 2 - (node.y + HEIGHT / 2) * this.scale;
      this.place();
    }

    listen() {
      this.svg.addEventListener("wheel", (event) => {
        event.preventDefault();
        const rect = this.svg.getBoundingClientRect(), px = event.clientX - rect.left, py = event.clientY - rect.top;
        const scale = Math.min(4, Math.max(0.02, this.scale * Math.exp(-event.deltaY / 500)));
        this.x = px - (px - this.x) * (scale / this.scale);
        this.y = py - (py - this.y) * (scale / this.scale);
        this.scale = scale;
        this.place();
      }, { passive: false });
      this.svg.addEventListener("pointerdown", (event) => {
        let { clientX: x, clientY: y } = event, moved = 0;
        this.dragged = false;
        const move = (next) => {
          this.x += next.clientX - x;
          this.y += next.clientY - y;
          moved += Math.abs(next.clientX - x) + Math.abs(next.clientY - y);
          this.dragged = moved > 4;
          ({ clientX: x, clientY: y } = next);
          this.place();
        };
        const up = () => {
          removeEventListener("pointermove", move);
          removeEventListener("pointerup", up);
        };
        addEventListener("pointermove", move);
        addEventListener("pointerup", up);
      });
      this.svg.addEventListener("dblclick", () => this.fit());
    }

    mark(names) {
      for (const [name, group] of this.elements) group.classList.toggle("selected", names.has(name));
      for (const edge of this.edges) edge.path.classList.toggle("selected", names.has(edge.from) && names.has(edge.to));
    }

    find(text) {
      let count = 0, first;
      for (const [name, group] of this.elements) {
        const node = this.byName.get(name);
        const fusion = node.fusion === undefined ? null : data.fusions[node.fusion];
        const found = text !== "" && (name + " " + node.op + " " + (fusion ? fusion.rules.join(" ") : "")).toLowerCase().includes(text);
        group.classList.toggle("found", found);
        if (found) {
          ++count;
          first ||= name;
        }
      }
      this.svg.classList.toggle("dimmed", text !== "" && count > 0);
      if (first) this.center(first);
      return count;
    }
  }

  const pictures = { before: new Picture("before"), after: new Picture("after") };
  for (const miss of data.misses.filter((miss) => miss.strong)) {
    for (const picture of Object.values(pictures)) picture.elements.get(miss.root)?.classList.add("miss");
  }

  const rows = (list, pairs) => {
    for (const [title, value] of pairs) {
      if (value === "" || value === undefined || (Array.isArray(value) && !value.length)) continue;
      const cell = html("dd");
      cell.append(...(Array.isArray(value) ? value : [value]));
      list.append(html("dt", "", title), cell);
    }
    return list;
  };
  const link = (side, name) => {
    const button = html("button", "", "%" + name);
    button.type = "button";
    button.addEventListener("click", () => select(side, name));
    return button;
  };
  const detail = document.getElementById("detail");

  function showFusion(index) {
    const fusion = data.fusions[index];
    pictures.before.mark(new Set(fusion.before));
    pictures.after.mark(new Set(fusion.after));
    for (const name of fusion.after) pictures.after.center(name);
    pictures.before.center(fusion.before[fusion.before.length - 1]);
    const list = rows(html("dl"), [
      ["replaced", fusion.before.map((name) => link("before", name))],
      ["by", fusion.after.map((name) => link("after", name))],
    ]);
    for (const rule of fusion.rules) {
      const about = data.rules[rule];
      rows(list, [["rule", rule], ["", about.doc], ["at", html("code", "", about.place)]]);
    }
    detail.replaceChildren(html("h3", "", fusion.op), list);
  }

  function showNode(side, name) {
    const node = pictures[side].byName.get(name);
    for (const other of Object.keys(pictures)) pictures[other].mark(new Set([name]));
    detail.replaceChildren(html("h3", "", "%" + name), html("code", "", node.text),
      rows(html("dl"), [["type", node.type], ["model", node.source || ""],
        ["constants", (node.constants || []).map((other) => html("div", "", other.text))]]));
  }

  function showMiss(index) {
    const miss = data.misses[index];
    const names = new Set([miss.root, miss.node, ...miss.matched]);
    for (const picture of Object.values(pictures)) {
      picture.mark(names);
      picture.center(miss.root);
    }
    detail.replaceChildren(html("h3", "", `${miss.rule} at %${miss.root}`), html("div", "", miss.reason),
      rows(html("dl"), [["refused by", html("code", "", miss.refused)],
        ["values", miss.values.map((value) => html("div", "", `%${value.name} is ${value.argument}: ${value.value}`))],
        ["passed", `${miss.passed} of ${miss.of}`], ["at", html("code", "", miss.place)], ["model", miss.source],
        ["stops", miss.stops.map((text) => html("div", "", text))], ["doc", data.rules[miss.base].doc]]));
  }

  function select(side, name) {
    const node = pictures[side].byName.get(name);
    if (!node) return;
    if (node.fusion !== undefined) showFusion(node.fusion);
    else showNode(side, name);
  }

  data.misses.forEach((miss, index) => {
    const item = html("li", miss.strong ? "" : "weak", html("b", "", `${miss.rule} `), `at %${miss.root}`, html("small", "", miss.reason));
    item.addEventListener("click", () => showMiss(index));
    document.getElementById("misses").append(item);
  });
  data.fusions.forEach((fusion, index) => {
    const swatch = html("span", "swatch");
    swatch.style.background = color(fusion.op);
    const item = html("li", "", swatch, html("b", "", short(fusion.op)), ` %${fusion.after[0]}`,
      html("small", "", `${fusion.rules.join(", ")}: ${fusion.before.length} nodes`));
    item.addEventListener("click", () => showFusion(index));
    document.getElementById("fusions").append(item);
  });
  const counts = new Map();
  for (const node of data.after) if (node.kind === "call") counts.set(node.op, (counts.get(node.op) || 0) + 1);
  for (const [op, count] of [...counts].sort((a, b) => b[1] - a[1])) {
    const swatch = html("span", "swatch");
    swatch.style.background = color(op);
    document.getElementById("legend").append(html("li", "", swatch, html("span", "op", op), html("span", "", String(count))));
  }
  document.getElementById("miss-count").textContent = data.misses.length;
  document.getElementById("fusion-count").textContent = data.fusions.length;
  const calls = (side) => data[side].filter((node) => node.kind === "call").length;
  document.getElementById("summary").textContent =
    `${calls("before")} calls before, ${calls("after")} after; ${data.unfused} ${data.unfused === 1 ? "dequantize" : "dequantizes"} left`;

  const search = document.getElementById("search");
  const look = () => {
    const text = search.value.trim().replace(/^%/, "").toLowerCase();
    const found = Object.values(pictures).map((picture) => picture.find(text));
    document.getElementById("hits").textContent = text === "" ? "" : `${found[0]} before, ${found[1]} after`;
  };
  search.addEventListener("input", look);
  for (const button of document.querySelectorAll("nav button")) {
    button.addEventListener("click", () => {
      for (const other of document.querySelectorAll("nav button")) other.classList.toggle("on", other === button);
      for (const side of Object.keys(pictures))
        pictures[side].section.classList.toggle("hidden", button.dataset.side !== "both" && button.dataset.side !== side);
      for (const picture of Object.values(pictures)) picture.fit();
    });
  }
  for (const picture of Object.values(pictures)) picture.fit();

  // A link can open the page at something: #after=conv, #before=relu, #miss=0, #search=qconv.
  const [what, value] = decodeURIComponent(location.hash.slice(1)).split("=");
  if (what === "search") {
    search.value = value;
    look();
  } else if (what === "miss" && data.misses[Number(value)]) {
    showMiss(Number(value));
  } else if (pictures[what]) {
    select(what, value);
  }
  document.body.dataset.ready = "yes";
})();
