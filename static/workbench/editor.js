// The definition as CodeMirror shows it: colours, completion from the language, faults at their lines.
const NOTHING = { keys: [], words: [] };
let last = { before: null, offers: NOTHING };

// What may stand behind a piece of text; asked once for a place, however long the word gets there.
const offersAt = async ({ url, csrf }, before) => {
  if (last.before !== before) {
    const response = await fetch(url, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": csrf, Accept: "application/json" },
      body: JSON.stringify({ before }),
    });
    if (!response.ok) return NOTHING;
    last = { before, offers: await response.json() };
  }
  return last.offers;
};

const render = (element, _self, data) => {
  element.append(data.text.trim());
  const doc = document.createElement("small");
  doc.textContent = data.doc;
  element.append(doc);
};

export const makeEditor = ({ area, url, csrf, words, names, onChange }) => {
  const readOnly = area.readOnly;
  // Tab writes spaces; after Escape it goes on to the next control, as on the rest of the page.
  const writing = {
    "Ctrl-Space": (cm) => complete(cm, true),
    Enter: "newlineAndIndentContinue",
    Tab: (cm) => indent(cm),
    "Shift-Tab": (cm) => cm.execCommand("indentLess"),
    Esc: (cm) => cm.setOption("extraKeys", leaving),
  };
  const leaving = { ...writing, Tab: false, "Shift-Tab": false };
  const editor = window.CodeMirror.fromTextArea(area, {
    mode: "yaml",
    lineNumbers: true,
    lineWrapping: true,
    indentUnit: 2,
    tabSize: 2,
    readOnly,
    screenReaderLabel: words.editor,
    viewportMargin: 40,
    extraKeys: readOnly ? leaving : writing,
  });
  const indent = (cm) => (cm.somethingSelected() ? cm.execCommand("indentMore") : cm.replaceSelection("  "));
  window.CodeMirror.commands.newlineAndIndentContinue = (cm) => {
    const { line, ch } = cm.getCursor();
    const text = cm.getLine(line).slice(0, ch);
    const head = /^\s*(?:- )?/.exec(text)[0].replace("-", " ");
    const deeper = /^\s*(?:- )?[^#'"]*:\s*$/.test(text) ? "  " : "";
    cm.replaceSelection(`\n${head}${deeper}`, "end");
  };
  editor.on("focus", () => editor.setOption("extraKeys", readOnly ? leaving : writing));

  const hints = async (cm) => {
    const cursor = cm.getCursor();
    // A brace that is closed belongs to the word, as in {resource}.volume; an open one is YAML's.
    const word = /(?:\{\w+\})?[\w$./-]*$/.exec(cm.getLine(cursor.line).slice(0, cursor.ch))[0];
    const from = window.CodeMirror.Pos(cursor.line, cursor.ch - word.length);
    const found = word.startsWith("$")
      ? { keys: [], words: names().map((name) => ({ word: `$${name}`, doc: "" })) }
      : await offersAt({ url, csrf }, cm.getRange({ line: 0, ch: 0 }, from));
    const all = [
      ...found.keys.map(({ word: key, doc }) => ({ text: `${key}: `, doc, render })),
      ...found.words.map(({ word: value, doc }) => ({ text: value, doc, render })),
    ];
    const typed = word.toLowerCase();
    const starts = all.filter(({ text }) => text.toLowerCase().startsWith(typed));
    const list = starts.length ? starts : all.filter(({ text }) => text.toLowerCase().includes(typed));
    const offered = { list: list.filter(({ text }) => text.trim() !== word), from, to: cursor };
    // Behind a key its words are offered at once.
    window.CodeMirror.on(offered, "pick", ({ text }) => text.endsWith(": ") && setTimeout(() => complete(cm, false)));
    return offered;
  };
  const complete = (cm, asked) => {
    if (!readOnly) cm.showHint({ hint: hints, completeSingle: asked, extraKeys: {} });
  };
  editor.on("inputRead", (cm, change) => {
    const written = change.text.join("");
    if (/^[a-z_$]$/i.test(written) && !cm.state.completionActive) complete(cm, false);
  });
  editor.on("change", onChange);

  let marks = [];
  const showFaults = (problems) => editor.operation(() => {
    for (const { line, mark } of marks) {
      editor.removeLineClass(line, "background", "CodeMirror-line-fault");
      mark?.clear();
    }
    marks = problems.map((problem) => {
      const number = Math.min(problem.line, editor.lineCount()) - 1;
      const line = editor.addLineClass(number, "background", "CodeMirror-line-fault");
      const end = editor.getLine(number).length;
      const start = Math.min(problem.column - 1, Math.max(0, end - 1));
      const mark = end && editor.markText(
        { line: number, ch: start },
        { line: number, ch: end },
        { className: "wb-fault-mark", attributes: { title: problem.message } },
      );
      return { line, mark };
    });
  });
  const goTo = (problem) => {
    editor.focus();
    editor.setCursor({ line: problem.line - 1, ch: problem.column - 1 });
    editor.scrollIntoView(null, 120);
  };
  return { editor, showFaults, goTo };
};

// The tests that stand below the line `tests:`: where each begins and ends.
const testsOf = (lines, from, end) => {
  const margin = lines.slice(from, end).map((line) => /^(\s*)- /.exec(line)?.[1]).find((one) => one !== undefined) ?? "  ";
  const starts = [];
  for (let at = from; at < end; at += 1) if (lines[at].startsWith(`${margin}- `)) starts.push(at);
  return { margin, blocks: starts.map((start, index) => ({ start, end: starts[index + 1] ?? end })) };
};

// Where the payloads of two tests are the same telegram, they are the same test.
const payloadOf = (lines) => {
  const line = lines.find((one) => /^\s*(?:- )?payload:\s*\S/.test(one));
  return line?.replace(/^\s*(?:- )?payload:/, "").replace(/[\s'"]/g, "");
};
const nameOf = (lines) => /^\s*(?:- )?name:\s*(['"]?)(.*?)\1\s*$/.exec(lines.find((one) => /^\s*(?:- )?name:/.test(one)) ?? "")?.[2] ?? "";

// A name that none of the tests has yet: numbers tell telegrams of one kind apart.
const named = (test, names) => {
  const name = nameOf(test.split("\n"));
  let free = name;
  for (let number = 2; names.includes(free); number += 1) free = `${name} ${number}`;
  return free === name ? test : test.replace(/^- name: .*$/m, () => `- name: '${free}'`);
};

// The text with a test put last among its tests, or in the place of the one of the same telegram;
// null where they stand in brackets on one line.
export const withTest = (text, test) => {
  const lines = text.replace(/\s+$/, "").split("\n");
  const at = lines.findIndex((line) => /^tests\s*:/.test(line));
  if (at < 0) return { text: `${lines.join("\n")}\ntests:\n${indented(test, "  ")}\n`, replaced: false };
  const rest = lines[at].replace(/^tests\s*:/, "").replace(/#.*$/, "").trim();
  if (rest && rest !== "[]") return null;
  lines[at] = "tests:";
  let end = at + 1;
  while (end < lines.length && (/^(\s|-|#)/.test(lines[end]) || !lines[end])) end += 1;
  const { margin, blocks } = testsOf(lines, at + 1, end);
  const payload = payloadOf(test.split("\n"));
  const same = blocks.find((block) => payload && payloadOf(lines.slice(block.start, block.end)) === payload);
  const others = blocks.filter((block) => block !== same).map((block) => nameOf(lines.slice(block.start, block.end)));
  const kept = same ? nameOf(lines.slice(same.start, same.end)) : "";
  const written = kept ? test.replace(/^- name: .*$/m, () => `- name: '${kept.replaceAll("'", "''")}'`) : named(test, others);
  if (same) lines.splice(same.start, same.end - same.start, indented(written, margin));
  else lines.splice(end, 0, indented(written, margin));
  return { text: `${lines.join("\n")}\n`, replaced: Boolean(same) };
};

const indented = (test, margin) => test.split("\n").map((line) => `${margin}${line}`).join("\n");
