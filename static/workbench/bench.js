// The workbench: asks the server while somebody writes, and shows what comes back.
import { makeEditor, withTest } from "./editor.js";
import { showProblems, showSample, showTests } from "./result.js";
import { watchSources } from "./sources.js";

const root = document.querySelector("[data-workbench]");
const words = JSON.parse(document.getElementById("workbench-words").textContent);
const part = (name) => root.querySelector(`[data-${name}]`);
const form = part("bench-form");
const csrf = form.querySelector("[name=csrfmiddlewaretoken]").value;
const editable = "editable" in root.dataset;
const state = part("state");
const sampleState = part("sample-state");
let answer = {};
let kept = null;

const tell = (element, text, bad = false) => {
  element.textContent = text;
  element.classList.toggle("is-bad", bad);
};

const asking = { timer: 0, busy: false, again: false, body: "" };

const question = () => {
  const asked = { definition: bench.editor.getValue() };
  for (const field of root.querySelectorAll("[data-sample]")) asked[field.dataset.sample] = field.value;
  return JSON.stringify(asked);
};

const ask = async () => {
  if (asking.busy) {
    asking.again = true;
    return;
  }
  asking.busy = true;
  asking.again = false;
  asking.body = question();
  let wait = 0;
  try {
    const response = await fetch(root.dataset.check, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-CSRFToken": csrf, Accept: "application/json" },
      body: asking.body,
    });
    const told = await response.json();
    if (response.ok) show(told);
    else {
      wait = told.wait ?? 0;
      // Another page of the same person is being answered: no news for anybody.
      if (wait !== 1) tell(state, told.refused ?? words.broken, true);
    }
  } catch {
    tell(state, words.broken, true);
    wait = 5;
  }
  asking.busy = false;
  if (wait) soon(wait * 1000);
  else if (asking.again) soon(0);
};

const soon = (milliseconds = 350) => {
  clearTimeout(asking.timer);
  asking.timer = setTimeout(ask, milliseconds);
};

const show = (told) => {
  answer = told;
  const faults = told.problems.length;
  bench.showFaults(told.problems);
  showProblems(part("problems"), told.problems, words, bench.goTo);
  const changed = editable && bench.editor.getValue() !== kept ? ` · ${words.unsaved}` : "";
  tell(state, (faults ? words.faults.replace("%s", faults) : words.fine) + changed, faults > 0);
  // What was said of a test that was added stays until something else is said of the telegram.
  if (told.sample_fault || sampleState.classList.contains("is-bad")) tell(sampleState, told.sample_fault ?? "", Boolean(told.sample_fault));
  showSample(part("result"), told.sample, words);
  showTests(part("tests"), told, words);
  part("cases").hidden = !editable || !told.sample?.case;
  part("add-cut").hidden = !told.sample?.cut;
  offerCases(asking.body === question());
  const list = part("faults");
  if (list) list.textContent = faults ? words.faults.replace("%s", faults) : (told.faults ?? []).join("\n") || words.ready;
};

// A case is of the text that was answered: none is offered while another one stands there.
const offerCases = (offered) => {
  for (const name of ["add-case", "add-cut"]) part(name).disabled = !offered;
};

const itemNames = () => {
  const names = (answer.sample?.items ?? []).filter((item) => !item.layer).map((item) => item.name);
  return [...new Set(names), "arrival.received_at", "arrival.device", "config.pulse_weight", "config.pulse_unit", "topic.device"];
};

const bench = makeEditor({
  area: part("definition"),
  url: root.dataset.words,
  csrf,
  words,
  names: itemNames,
  onChange: () => {
    offerCases(false);
    if (editable) tell(state, words.unsaved);
    soon();
  },
});
kept = bench.editor.getValue();
root.workbench = bench.editor;
part("keyboard").textContent = editable ? words.keyboard : "";

const addTest = (test) => {
  const made = test && withTest(bench.editor.getValue(), test);
  if (made === null) {
    tell(sampleState, words.flowTests, true);
  } else if (made) {
    const { top } = bench.editor.getScrollInfo();
    bench.editor.setValue(made.text);
    if (made.replaced) bench.editor.scrollTo(null, top);
    else bench.editor.setCursor({ line: bench.editor.lineCount(), ch: 0 });
    tell(sampleState, made.replaced ? words.replaced : words.added);
  }
};
part("add-case").addEventListener("click", () => addTest(answer.sample?.case));
part("add-cut").addEventListener("click", () => addTest(answer.sample?.cut));

const save = async () => {
  tell(state, words.saving);
  const text = bench.editor.getValue();
  const body = new URLSearchParams({ definition: text, base: form.elements.base.value });
  try {
    const response = await fetch(root.dataset.save, {
      method: "POST",
      headers: { "X-CSRFToken": csrf, Accept: "application/json" },
      body,
    });
    const told = await response.json();
    if (response.ok) {
      kept = text;
      form.elements.base.value = told.base;
      part("title").textContent = told.title;
      tell(state, words.saved);
    } else tell(state, told.refused ?? words.broken, true);
  } catch {
    tell(state, words.broken, true);
  }
};
part("save-button")?.addEventListener("click", save);
document.addEventListener("keydown", (event) => {
  if (editable && event.key === "s" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    save();
  }
});
// A publication that is refused comes back to its panel, with what was said of it.
const why = form.querySelector("#wb-why");
const remembered = `workbench-why ${location.pathname}`;
const said = sessionStorage.getItem(remembered);
sessionStorage.removeItem(remembered);
if (why && said !== null && document.querySelector(".message.error")) {
  why.value = said;
  part("publish").open = true;
}
form.addEventListener("submit", () => {
  bench.editor.save();
  kept = bench.editor.getValue();
  if (why) sessionStorage.setItem(remembered, why.value);
});
for (const panel of form.querySelectorAll("details")) panel.addEventListener("toggle", () => {
  bench.editor.refresh();
  if (!panel.open) return;
  panel.scrollIntoView({ block: "nearest" });
  panel.querySelector("input[type=text]")?.focus();
});
window.addEventListener("beforeunload", (event) => {
  if (editable && bench.editor.getValue() !== kept) event.preventDefault();
});

for (const field of root.querySelectorAll("[data-sample]")) field.addEventListener("input", () => {
  offerCases(false);
  tell(sampleState, "");
  soon();
});
watchSources({ root, part, words, csrf, tell: (text, bad) => tell(sampleState, text, bad), changed: () => soon(0) });
soon(0);
