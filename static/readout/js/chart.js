// Charts of readings: <figure data-chart="id"> draws the JSON of <script id="id">. Without this
// script the table beneath says the same. Arrow keys walk the values, Enter opens one.
const root = document.documentElement;
const language = root.lang || "en";

const colourOf = (element, value) => {
  // A custom property keeps light-dark() unresolved; a real property does not.
  element.style.color = value;
  const found = getComputedStyle(element).color;
  element.style.color = "";
  return found;
};

const pattern = (draw, size = 7) => {
  const ratio = window.devicePixelRatio || 1;
  const tile = document.createElement("canvas");
  tile.width = tile.height = Math.round(size * ratio);
  const context = tile.getContext("2d");
  context.scale(tile.width / size, tile.height / size);
  draw(context, size);
  return context.createPattern(tile, "repeat");
};

const stripes = (colour, ground, width = 2) => pattern((context, size) => {
  if (ground) { context.fillStyle = ground; context.fillRect(0, 0, size, size); }
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.beginPath();
  for (const shift of [-size, 0, size]) {
    context.moveTo(shift - 1, size + 1);
    context.lineTo(shift + size + 1, -1);
  }
  context.stroke();
});

const lines = (colour, ground, upright) => pattern((context, size) => {
  context.fillStyle = ground;
  context.fillRect(0, 0, size, size);
  context.fillStyle = colour;
  context.fillRect(upright ? size - 1 : 0, upright ? 0 : size - 1, upright ? 1 : size, upright ? size : 1);
}, 5);

const dots = (colour, ground) => pattern((context, size) => {
  context.fillStyle = ground;
  context.fillRect(0, 0, size, size);
  context.fillStyle = colour;
  context.beginPath();
  context.arc(size / 2, size / 2, 1.5, 0, 7);
  context.fill();
}, 6);

const palette = (element, resource) => {
  const colour = (name) => colourOf(element, `var(--ro-${name})`);
  const main = colour(resource);
  const soft = colour(`${resource}-soft`);
  return {
    text: colour("text-2"), line: colour("line"), main, soft, before: colour("text-3"),
    fills: {
      valid: main,
      partly: lines(colour("surface"), main, false),
      estimated: stripes(main, soft),
      questionable: dots(colour("warn"), colour("warn-soft")),
      edited: lines(colour("surface"), main, true),
      derived: colourOf(element, `color-mix(in srgb, var(--ro-${resource}) 45%, var(--ro-surface))`),
    },
    gap: stripes(colour("line-strong"), null, 1),
  };
};

class Chart {
  constructor(figure) {
    this.figure = figure;
    this.data = JSON.parse(document.getElementById(figure.dataset.chart).textContent);
    this.at = null;
    this.told = figure.querySelector("[data-chart-told]");
    this.tip = document.createElement("div");
    this.tip.className = "chart__tip";
    this.tip.hidden = true;
    this.band = document.createElement("div");
    this.band.className = "chart__band";
    this.band.hidden = true;
    this.numbers = new Intl.NumberFormat(language, { maximumFractionDigits: 3 });
    this.stage = figure.querySelector("[data-chart-stage]");
    this.stage.tabIndex = 0;
    this.stage.addEventListener("keydown", (event) => this.key(event));
    this.stage.addEventListener("blur", () => this.show(null));
    this.build();
    this.watch();
  }

  watch() {
    const rebuild = () => this.build();
    new MutationObserver(rebuild).observe(root, { attributes: true, attributeFilter: ["data-theme"] });
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", rebuild);
    new ResizeObserver(() => this.plot?.setSize(this.size())).observe(this.stage);
  }

  size() {
    return { width: Math.max(this.stage.clientWidth, 200), height: this.stage.clientWidth < 520 ? 220 : 290 };
  }

  build() {
    this.plot?.destroy();
    const colours = palette(this.stage, this.data.resource);
    this.colours = colours;
    const points = this.data.points;
    const columns = [points.map((_, index) => index)];
    const series = [{}];
    if (this.data.kind === "line") this.addLine(columns, series);
    else this.addBars(columns, series);
    if (this.data.before) {
      columns.push(points.map((point) => point.before));
      series.push({ stroke: colours.before, width: 1.6, dash: [4, 4], points: { show: points.length < 3 } });
    }
    this.plot = new window.uPlot(this.options(series), columns, this.stage);
    this.plot.over.append(this.band, this.tip);
    this.plot.over.addEventListener("click", () => this.open());
  }

  addBars(columns, series) {
    const bars = window.uPlot.paths.bars({ size: [0.8, 64], radius: 0.12 });
    for (const [state, fill] of Object.entries(this.colours.fills)) {
      if (!this.data.points.some((point) => point.state === state)) continue;
      columns.push(this.data.points.map((point) => (point.state === state ? point.value : null)));
      series.push({ paths: bars, fill: () => fill, stroke: this.outline(state), width: state === "valid" ? 0 : 1, points: { show: false } });
    }
    if (columns.length === 1) { columns.push(this.data.points.map(() => null)); series.push({}); }
  }

  addLine(columns, series) {
    columns.push(this.data.points.map((point) => point.value));
    series.push({ stroke: this.colours.main, width: 2, fill: this.colours.soft, points: { show: this.data.points.length < 40, size: 5, fill: this.colours.main } });
  }

  outline(state) {
    return state === "questionable" ? colourOf(this.stage, "var(--ro-warn)") : this.colours.main;
  }

  options(series) {
    const { text, line } = this.colours;
    const last = this.data.points.length - 1;
    const axis = { stroke: text, font: "12px Inter, system-ui, sans-serif", ticks: { show: false }, grid: { stroke: line, width: 1 } };
    return {
      ...this.size(),
      series,
      legend: { show: false },
      padding: [12, 16, 0, 0],
      cursor: { x: false, y: false, drag: { x: false, y: false }, points: { show: false } },
      scales: { x: { time: false, range: () => [-0.5, last + 0.5] }, y: { range: (_, low, high) => this.range(low, high) } },
      axes: [
        { ...axis, grid: { show: false }, size: 30, splits: (plot) => this.ticks(plot), values: (_, found) => found.map((index) => this.data.points[index]?.tick ?? "") },
        { ...axis, values: (_, found) => found.map((value) => this.numbers.format(value)), size: (_, texts) => Math.max(38, ...(texts ?? []).map((each) => each.length * 7.4 + 14)) },
      ],
      hooks: { drawClear: [(plot) => this.drawGaps(plot)], setCursor: [(plot) => this.hover(plot)] },
    };
  }

  range(low, high) {
    if (low === null || low === undefined) return [0, 1];
    if (this.data.kind === "line") {
      const margin = Math.max((high - low) * 0.15, Math.abs(high) * 0.01, 0.1);
      return [low >= 0 ? Math.max(0, low - margin) : low - margin, high + margin];
    }
    const top = Math.max(0, high), bottom = Math.min(0, low);
    const margin = (top - bottom || 1) * 0.06;
    return [bottom < 0 ? bottom - margin : 0, top > 0 ? top + margin : margin];
  }

  ticks(plot) {
    const marked = this.data.points.flatMap((point, index) => (point.tick ? [index] : []));
    const room = Math.max(2, Math.floor(plot.over.clientWidth / 48));
    const step = [1, 2, 3, 4, 6, 8, 12, 24].find((each) => marked.length / each <= room) ?? 48;
    return marked.filter((_, place) => place % step === 0);
  }

  drawGaps(plot) {
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.fillStyle = this.colours.gap;
    this.data.points.forEach((point, index) => {
      if (point.state !== "missing") return;
      const left = plot.valToPos(index - 0.5, "x", true), right = plot.valToPos(index + 0.5, "x", true);
      ctx.fillRect(left, bbox.top, right - left, bbox.height);
    });
    ctx.restore();
  }

  hover(plot) {
    if (document.activeElement === this.stage && this.stage.matches(":focus-visible") && this.at !== null && plot.cursor.left < 0) return;
    const inside = plot.cursor.left >= 0;
    this.show(inside ? Math.round(plot.posToVal(plot.cursor.left, "x")) : null);
  }

  show(index) {
    const points = this.data.points;
    const shown = index !== null && points.length > 0;
    this.at = shown ? Math.min(Math.max(index, 0), points.length - 1) : null;
    this.tip.hidden = this.band.hidden = !shown;
    if (!shown) return;
    const point = points[this.at];
    const left = this.plot.valToPos(this.at - 0.5, "x"), right = this.plot.valToPos(this.at + 0.5, "x");
    this.band.style.left = `${left}px`;
    this.band.style.width = `${right - left}px`;
    this.plot.over.classList.toggle("is-link", Boolean(point.href));
    this.fillTip(point);
    const middle = (left + right) / 2, width = this.plot.over.clientWidth;
    this.tip.style.left = `${Math.min(Math.max(middle - this.tip.offsetWidth / 2, 0), Math.max(0, width - this.tip.offsetWidth))}px`;
  }

  fillTip(point) {
    const rows = [["b", point.value === null ? point.marks[0] ?? "—" : `${point.text} ${this.data.unit}`], ["span", point.hint || point.label]];
    if (point.value !== null) for (const mark of point.marks) rows.push(["em", mark]);
    if (this.data.before && point.beforeText) rows.push(["span", `${this.data.before}: ${point.beforeText} ${this.data.unit}`]);
    this.tip.replaceChildren(...rows.map(([tag, text]) => {
      const row = document.createElement(tag);
      row.textContent = text;
      return row;
    }));
  }

  key(event) {
    const last = this.data.points.length - 1, at = this.at ?? -1;
    const moves = { ArrowRight: at + 1, ArrowLeft: at < 0 ? last : at - 1, Home: 0, End: last };
    if (event.key === "Enter") { this.open(); return; }
    if (event.key === "Escape") { this.show(null); return; }
    if (!(event.key in moves)) return;
    event.preventDefault();
    this.show(Math.min(Math.max(moves[event.key], 0), last));
    this.told.textContent = [...this.tip.children].map((row) => row.textContent).join(", ");
  }

  open() {
    const href = this.at === null ? "" : this.data.points[this.at].href;
    if (href) window.location.assign(href);
  }
}

for (const figure of document.querySelectorAll("[data-chart]")) new Chart(figure);
