// The search box over the tree: a hit opens the way down to its node.
import { element } from "./tree-row.js";

const WAIT = 250;

export class Search {
  constructor(root, server, view) {
    this.server = server;
    this.view = view;
    this.nothing = root.dataset.textNothing;
    this.box = root.querySelector("[data-tree-search]");
    this.hits = root.querySelector("[data-tree-hits]");
  }

  listen() {
    this.box.addEventListener("input", () => {
      clearTimeout(this.waiting);
      this.waiting = setTimeout(() => this.ask(), WAIT);
    });
    this.box.addEventListener("keydown", (event) => this.keyed(event));
    this.hits.addEventListener("keydown", (event) => this.keyed(event));
    document.addEventListener("click", (event) => {
      if (!this.box.parentElement.contains(event.target)) this.hits.hidden = true;
    });
  }

  async ask() {
    const text = this.box.value.trim();
    if (text.length < 2) { this.hits.hidden = true; return; }
    let found;
    try {
      found = await this.server.search(text);
    } catch (problem) {
      this.view.tell(problem.message);
      return;
    }
    // A slow answer to an earlier question must not replace a newer one.
    if (text === this.box.value.trim()) this.show(found.nodes);
  }

  show(nodes) {
    this.hits.replaceChildren(...nodes.map((node) => this.hit(node)));
    if (!nodes.length) this.hits.append(element("li", { class: "tree-nothing" }, this.nothing));
    this.hits.hidden = false;
  }

  hit(node) {
    const button = element("button", { type: "button" }, element("b", {}, node.name), element("span", {}, node.path));
    button.addEventListener("click", () => {
      this.hits.hidden = true;
      this.view.reveal(node.id, node.ancestors);
    });
    return element("li", {}, button);
  }

  keyed(event) {
    const buttons = [...this.hits.querySelectorAll("button")];
    if (event.key === "Escape") { this.hits.hidden = true; this.box.focus(); return; }
    if (event.key === "Enter" && event.target === this.box) {
      event.preventDefault();
      if (!this.hits.hidden) buttons[0]?.click();
      return;
    }
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!by || this.hits.hidden) return;
    event.preventDefault();
    (buttons[buttons.indexOf(document.activeElement) + by] ?? this.box).focus();
  }
}
