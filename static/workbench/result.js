// What a telegram says: its bytes coloured by the field that took them, and tables of what it means.
const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "class") element.className = value;
    else if (value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== "" && child !== undefined && child !== null && child !== false));
  return element;
};

const filled = (text, ...values) =>
  values.reduce((said, value, index) => said.replace(values.length > 1 ? `%${index + 1}` : "%s", value), text);

// For every byte the item that took it: the shortest of those that cover it, a field before a layer.
const owners = (size, items) => {
  const owner = new Array(size).fill(-1);
  const length = (index) => items[index].end - items[index].start + (items[index].layer ? 1e6 : 0);
  items.forEach((item, index) => {
    for (let at = Math.max(0, item.start); at < Math.min(size, item.end); at += 1) {
      if (owner[at] < 0 || length(index) < length(owner[at])) owner[at] = index;
    }
  });
  return owner;
};

const tone = (items, index) => {
  if (index < 0) return "";
  if (items[index].layer) return "wb-layer";
  return `wb-f${index % 8}`;
};

const runs = (owner, from, to, bad) => {
  const found = [];
  for (let at = from; at < to; at += 1) {
    const last = found.at(-1);
    if (last && last.owner === owner[at] && at !== bad && at !== bad + 1) last.end = at + 1;
    else found.push({ owner: owner[at], start: at, end: at + 1 });
  }
  return found;
};

const cell = (items, run, text, bad) => {
  const around = bad >= run.start && bad < run.end ? " wb-byte--bad" : "";
  const part = run.owner >= 0 ? { "data-part": run.owner } : {};
  return make("span", { class: `wb-byte ${tone(items, run.owner)}${around}`, ...part }, text);
};

const bytesOf = (hex) => hex.match(/../g) ?? [];

const hexRows = (hex, items, owner, bad) => {
  const bytes = bytesOf(hex);
  const width = window.innerWidth < 600 ? 8 : 16;
  const rows = [];
  for (let start = 0; start < bytes.length; start += width) {
    const end = Math.min(start + width, bytes.length);
    const cells = runs(owner, start, end, bad).map((run) => cell(items, run, bytes.slice(run.start, run.end).join(" "), bad));
    const row = make("div", { class: "wb-bytes__row" }, make("span", { class: "wb-bytes__at" }, String(start)));
    row.append(...cells);
    rows.push(row);
  }
  return make("div", { class: "wb-bytes" }, ...rows);
};

const textRows = (hex, items, owner, bad) => {
  const letters = bytesOf(hex).map((byte) => String.fromCharCode(parseInt(byte, 16))).map((one) => (one === "\r" ? "" : one));
  const cells = runs(owner, 0, letters.length, bad).map((run) => cell(items, run, letters.slice(run.start, run.end).join(""), bad));
  return make("div", { class: "wb-bytes wb-bytes--text" }, ...cells);
};

// A code may be broken behind its dots.
const breakable = (text) => text.split(/(?<=[._])/).flatMap((piece) => [piece, document.createElement("wbr")]);

// Columns that are empty in every row are left out.
const withoutEmpty = (heads, rows) => {
  const kept = heads.map((_head, at) => rows.some((row) => row[at] !== ""));
  return [heads, ...rows].map((row) => row.filter((_cell, at) => kept[at]));
};

const table = (caption, heads, rows) => {
  const head = make("tr", {}, ...heads.map((text) => make("th", { scope: "col" }, text)));
  const body = make("tbody", {}, ...rows);
  return make("div", { class: "wb-scroll", tabindex: "0", role: "region", "aria-label": caption },
    make("table", { class: "wb-table" }, make("caption", { class: "visually-hidden" }, caption), make("thead", {}, head), body));
};

const said = (item) => `${item.value.replace(/^(\d{4}-\d\d-\d\d .*)\+00:00$/, "$1 UTC")}${item.unit ? ` ${item.unit}` : ""}`;

const itemRow = (item, index, items) => make("tr", { "data-part": index, tabindex: item.start >= 0 ? "0" : undefined },
  make("th", { scope: "row", class: "wb-named", title: item.facts.join("\n") || undefined },
    make("span", { class: `wb-swatch ${tone(items, index)}`, "aria-hidden": "true" }), item.name),
  make("td", {}, said(item)),
  make("td", { class: "wb-span" }, item.start < 0 ? "" : item.end > item.start + 1 ? `${item.start}–${item.end - 1}` : String(item.start)),
  make("td", {}, item.raw === "–" ? "" : item.raw),
  make("td", {}, item.formula));

const light = (area, detail, sample, words) => {
  const show = (part) => {
    // What is selected is being told of.
    if (selectedBytes(area).length) return;
    for (const each of area.querySelectorAll("[data-part]")) each.classList.toggle("is-lit", each.dataset.part === part);
    const item = part === undefined ? null : sample.items[Number(part)];
    detail.textContent = item
      ? [item.name, item.raw !== "–" && item.raw && `${words.raw}: ${item.raw}`, item.formula && `${words.formula}: ${item.formula}`,
        `${words.result}: ${said(item)}`, ...item.facts].filter(Boolean).join(" · ")
      : words.point;
  };
  show(undefined);
  const of = (event) => event.target.closest?.("[data-part]")?.dataset.part;
  area.addEventListener("pointerover", (event) => show(of(event)));
  area.addEventListener("focusin", (event) => show(of(event)));
  area.addEventListener("click", (event) => {
    const byte = event.target.closest(".wb-byte[data-part]");
    // A header or an end of line has no row of its own.
    if (byte) area.querySelector(`tr[data-part="${byte.dataset.part}"]`)?.focus();
  });
};

const whole = (bytes) => bytes.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
const signed = (number, size) => (number >= 1n << BigInt(8 * size - 1) ? number - (1n << BigInt(8 * size)) : number);
const time = (number) => (number > 946684800n && number < 4102444800n ? new Date(Number(number) * 1000).toISOString().slice(0, 19) : "");

// What selected bytes would be as the numbers that makers write: for layouts that nobody knows yet.
const readings = (hex) => {
  const bytes = bytesOf(hex).map((byte) => parseInt(byte, 16));
  if (!bytes.length || bytes.length > 8) return [];
  const bits = 8 * bytes.length;
  const orders = bytes.length > 1 ? [["big", bytes], ["little", [...bytes].reverse()]] : [["", bytes]];
  return orders.flatMap(([order, octets]) => {
    const number = whole(octets);
    const digits = octets.map((byte) => byte.toString(16).padStart(2, "0")).join("");
    const found = [`u${bits} ${number}`];
    if (signed(number, octets.length) !== number) found.push(`s${bits} ${signed(number, octets.length)}`);
    if (/^\d+$/.test(digits)) found.push(`bcd ${BigInt(digits)}`);
    if (bytes.length === 4) {
      const view = new DataView(new Uint8Array(octets).buffer);
      found.push(`f32 ${Number(view.getFloat32(0).toPrecision(7))}`, time(number) && `unix ${time(number)}`);
    }
    return `${order} ${found.filter(Boolean).join(", ")}`.trim();
  });
};

// The bytes that a selection touches, as hexadecimal; a byte half taken is meant whole.
const selectedBytes = (area) => {
  const selection = document.getSelection();
  const bytes = area.querySelector(".wb-bytes") ?? area;
  if (selection.isCollapsed || !selection.rangeCount || !bytes.contains(selection.anchorNode) || !bytes.contains(selection.focusNode)) return [];
  const range = selection.getRangeAt(0);
  return [...bytes.querySelectorAll(".wb-byte")].filter((one) => range.intersectsNode(one)).flatMap((one) => {
    const text = one.textContent;
    const from = one.contains(range.startContainer) ? range.startOffset : 0;
    const to = one.contains(range.endContainer) ? range.endOffset : text.length;
    return bytesOf(text.replaceAll(" ", "")).filter((_byte, at) => 3 * at + 1 >= from && 3 * at < to);
  });
};

// While bytes are selected, the line below them says what they could be.
const watchSelection = (bytes, detail) => {
  const tell = () => {
    if (!bytes.isConnected) document.removeEventListener("selectionchange", tell);
    const could = readings(selectedBytes(bytes).join(""));
    if (could.length) detail.textContent = could.join(" · ");
  };
  document.addEventListener("selectionchange", tell);
};

// Several values of one unit say it once: 0.012, 0.041, –, 0.003 m³.
const amounts = (values) => {
  const unit = values.map((value) => /^\S+ (.+)$/.exec(value)?.[1]).find(Boolean) ?? "";
  return `${values.map((value) => (unit && value.endsWith(` ${unit}`) ? value.slice(0, -unit.length - 1) : value)).join(", ")} ${unit}`.trim();
};
const stepOf = (seconds, words) => (seconds % 60 ? filled(words.seconds, seconds) : filled(words.minutes, seconds / 60));

const meaning = (sample, words) => {
  const parts = [];
  const when = (text) => (text === "–" ? words.arrival : text.replace(/\+00:00$/, " UTC"));
  const row = ([name, ...cells]) => make("tr", {}, make("th", { scope: "row", class: "wb-named" }, name), ...cells.map((text) => make("td", {}, ...breakable(text))));
  const add = (title, heads, rows) => {
    const [shown, ...cells] = withoutEmpty(heads, rows);
    parts.push(make("h3", {}, title), rows.length ? table(title, shown, cells.map(row)) : make("p", { class: "wb-muted" }, words.none));
  };
  add(words.readings, [words.register, words.value, words.kept, words.time, words.port, words.readingType], sample.readings.map((one) =>
    [one.register, `${one.value} ${one.unit}${one.quality === "valid" ? "" : ` (${one.quality})`}`, one.kept, when(one.at), one.port, one.reading_type]));
  if (sample.series.length) {
    add(words.series, [words.register, words.values, words.begins, words.step, words.base, words.readingType], sample.series.map((one) =>
      [one.register, amounts(one.values), when(one.at), stepOf(one.step, words), one.base, one.reading_type]));
  }
  if (sample.events.length) {
    add(words.events, [words.event, words.severity, words.time, words.detail, words.port], sample.events.map((one) =>
      [one.name, one.severity, when(one.at), one.detail === "0" ? "" : one.detail, one.port]));
  }
  return parts;
};

// Fills `area` with an answer's sample.
export const showSample = (area, sample, words) => {
  area.replaceChildren();
  if (!sample) {
    area.append(make("p", { class: "wb-muted" }, words.noTelegram));
    return;
  }
  if (sample.error && !sample.bare) area.append(make("p", { class: "wb-refused", role: "status" }, filled(words.refused, sample.error.offset, sample.error.reason)));
  if (sample.bare) area.append(make("p", { class: "wb-odd" }, sample.error ? words.unreadable : words.bare));
  if (sample.recognised === false) area.append(make("p", { class: "wb-odd" }, words.notRecognised));
  for (const warning of sample.warnings ?? []) area.append(make("p", { class: "wb-odd" }, warning));
  const items = sample.items;
  const owner = owners(sample.octets.length / 2, items);
  const bad = sample.error && !sample.bare ? sample.error.offset : -1;
  const detail = make("p", { class: "wb-detail", "aria-hidden": "true" });
  const bytes = (sample.text ? textRows : hexRows)(sample.octets, items, owner, bad);
  if (!sample.text) watchSelection(bytes, detail);
  const lit = make("div", {}, bytes, detail);
  const told = [sample.kind, filled(words.bytes, sample.octets.length / 2), sample.module && filled(words.module, sample.module)];
  area.append(make("p", { class: "wb-muted" }, told.filter(Boolean).join(" · ")));
  if (items.length) {
    lit.append(make("h3", {}, words.fields), table(words.fields, [words.name, words.result, words.byte, words.raw, words.formula],
      items.flatMap((item, index) => (item.layer && item.value === "–" ? [] : itemRow(item, index, items)))));
    if (sample.left_out) lit.append(make("p", { class: "wb-muted" }, filled(words.leftOut, sample.left_out)));
  } else if (!sample.error) {
    lit.append(make("p", { class: "wb-muted" }, words.nothingDecoded));
  }
  area.append(lit);
  light(lit, detail, sample, words);
  if (sample.readings) area.append(...meaning(sample, words));
};

const verdict = (test, words) => {
  const item = make("li", {},
    make("span", { class: `wb-verdict${test.passed ? "" : " wb-verdict--failed"}` }, test.passed ? words.passed : words.failed),
    `${test.name} (${test.good ? words.mustRead : words.mustRefuse})`);
  if (!test.passed) {
    item.append(make("ul", { class: "wb-differences" }, ...test.differences.map((text) => make("li", {}, text))),
      make("p", { class: "wb-said" }, `${words.expected}: ${test.expected.join(" · ")}`),
      make("p", { class: "wb-said" }, `${words.got}: ${test.got.join(" · ")}`));
  }
  return item;
};

// The type's own tests, each with its verdict.
export const showTests = (area, answer, words) => {
  if (!answer.tests) {
    area.replaceChildren(make("p", { class: "wb-muted" }, words.testsWait));
    return;
  }
  area.replaceChildren(answer.tests.length
    ? make("ul", { class: "wb-tests" }, ...answer.tests.map((test) => verdict(test, words)))
    : make("p", { class: "wb-muted" }, words.noTests));
  if (answer.tests_left) area.append(make("p", { class: "wb-muted" }, filled(words.testsLeft, answer.tests_left)));
};

// Faults of the definition; each leads to its line.
export const showProblems = (area, problems, words, goTo) => {
  const entries = problems.map((problem) => {
    const button = make("button", { type: "button" }, filled(words.problemAt, problem.line, `${problem.key ? `${problem.key}: ` : ""}${problem.message}`));
    button.addEventListener("click", () => goTo(problem));
    return make("li", {}, button);
  });
  area.replaceChildren(...(entries.length ? [make("ul", {}, ...entries)] : []));
};
