// The tree on the page: loads a level when it opens, keeps one item in the tab order (ARIA tree).
import { element, treeItem } from "./tree-row.js";

export class TreeView {
  constructor(root, server) {
    this.root = root;
    this.data = root.dataset;
    this.server = server;
    this.list = root.querySelector("[data-tree-list]");
    this.error = root.querySelector("[data-tree-error]");
    this.nodes = new Map();
    this.list.addEventListener("click", (event) => this.clicked(event));
    this.list.addEventListener("focusin", (event) => this.focused(event));
  }

  async start() {
    await this.fill(null);
    this.list.removeAttribute("aria-busy");
    const first = this.list.querySelector("[role=treeitem]");
    if (first) first.tabIndex = 0;
  }

  itemOf(id) { return this.list.querySelector(`[data-node="${CSS.escape(String(id))}"]`); }
  nodeOf(item) { return this.nodes.get(Number(item.dataset.node)); }
  groupOf(id) { return id === null ? this.list : this.itemOf(id)?.querySelector(":scope > [role=group]"); }
  parentOf(item) { return item.parentElement.closest("[role=treeitem]"); }
  shown() { return [...this.list.querySelectorAll("[role=treeitem]")].filter((item) => item.offsetParent !== null); }

  tell(message, near = null) {
    this.error.textContent = message;
    this.error.hidden = !message;
    if (message && near) near.querySelector(":scope > .tree-row").after(this.error);
    else this.list.before(this.error);
  }

  // Reads one page of children and appends it; returns the cursor of the next page.
  async fill(parentId, after = null) {
    let page;
    try {
      page = await this.server.children(parentId, after);
    } catch (problem) {
      this.tell(problem.message, parentId === null ? null : this.itemOf(parentId));
      return null;
    }
    const group = this.groupOf(parentId);
    const level = parentId === null ? 1 : Number(this.itemOf(parentId).getAttribute("aria-level")) + 1;
    group.querySelector(":scope > .tree-more")?.remove();
    for (const node of page.nodes) {
      this.nodes.set(node.id, { ...node, parent: parentId });
      group.append(treeItem(node, level, this.data));
    }
    if (page.more) group.append(this.moreRow(parentId, page.more));
    if (parentId === null) this.root.querySelector("[data-tree-empty]").hidden = Boolean(group.children.length);
    return page.more;
  }

  moreRow(parentId, after) {
    const button = element("button", { type: "button" }, this.data.textMore);
    button.addEventListener("click", () => this.fill(parentId, after));
    const row = element("li", { class: "tree-more", role: "none" }, button);
    row.dataset.after = after;
    return row;
  }

  async expand(id) {
    const item = this.itemOf(id);
    if (!item.hasAttribute("aria-expanded")) return;
    if (!this.groupOf(id)) {
      item.append(element("ul", { role: "group" }));
      await this.fill(id);
    }
    item.setAttribute("aria-expanded", "true");
  }

  collapse(id) { this.itemOf(id).setAttribute("aria-expanded", "false"); }

  toggle(id) {
    const isOpen = this.itemOf(id).getAttribute("aria-expanded") === "true";
    return isOpen ? this.collapse(id) : this.expand(id);
  }

  // Reads a level anew after something moved; what was open below it closes.
  async refresh(parentId) {
    const group = this.groupOf(parentId);
    if (!group) return;
    group.replaceChildren();
    await this.fill(parentId);
  }

  // Opens the way down to a node and puts the focus on it. Ids the reader can't see are skipped.
  async reveal(id, ancestors) {
    for (const [index, ancestor] of ancestors.entries()) {
      await this.find(ancestor, index ? ancestors[index - 1] : null);
      if (this.itemOf(ancestor)) await this.expand(ancestor);
    }
    await this.find(id, ancestors.at(-1) ?? null);
    const item = this.itemOf(id);
    if (!item) return;
    this.focus(item);
    item.scrollIntoView({ block: "center" });
    for (const earlier of this.list.querySelectorAll(".is-hit")) earlier.classList.remove("is-hit");
    item.classList.add("is-hit");
  }

  // Turns pages of a level until the node is on it.
  async find(id, parentId) {
    let more = this.groupOf(parentId)?.querySelector(":scope > .tree-more")?.dataset.after;
    while (!this.itemOf(id) && more) more = await this.fill(parentId, more);
  }

  focus(item) {
    for (const other of this.list.querySelectorAll('[role=treeitem][tabindex="0"]')) this.reach(other, -1);
    this.reach(item, 0);
    item.focus();
  }

  reach(item, tabindex) {
    item.tabIndex = tabindex;
    item.setAttribute("aria-selected", String(tabindex === 0));
    for (const action of item.querySelectorAll(":scope > .tree-row .tree-action")) action.tabIndex = tabindex;
  }

  focused(event) {
    if (event.target.matches("[role=treeitem]") && event.target.tabIndex !== 0) this.focus(event.target);
  }

  clicked(event) {
    const item = event.target.closest("[role=treeitem]");
    if (!item || event.target.closest("a, button") || event.defaultPrevented) return;
    this.focus(item);
    this.toggle(Number(item.dataset.node));
  }

  step(node, by) {
    const items = this.shown();
    const next = items[items.indexOf(this.itemOf(node.id)) + by];
    if (next) this.focus(next);
  }

  edge(index) {
    const item = this.shown().at(index);
    if (item) this.focus(item);
  }

  async inward(node) {
    const item = this.itemOf(node.id);
    if (item.getAttribute("aria-expanded") === "false") await this.expand(node.id);
    else if (node.children) this.step(node, 1);
  }

  outward(node) {
    const item = this.itemOf(node.id);
    if (item.getAttribute("aria-expanded") === "true") return this.collapse(node.id);
    const parent = this.parentOf(item);
    if (parent) this.focus(parent);
  }

  open(node) { window.location.assign(node.change_url); }
}
