// Moving a node: picked up with the mouse, a button or the space bar; asked once; told near it.
const OPEN_AFTER = 700;

export class Move {
  constructor(root, server, view) {
    this.data = root.dataset;
    this.server = server;
    this.view = view;
    this.carried = null;
    this.root = root;
    this.banner = root.querySelector("[data-tree-carry]");
    this.dialog = root.querySelector("[data-tree-dialog]");
    this.reason = root.querySelector("[data-tree-reason]");
    this.status = root.querySelector("[data-tree-status]");
  }

  listen() {
    if (!("canMove" in this.data)) return;
    const list = this.view.list;
    list.addEventListener("click", (event) => this.clicked(event), true);
    list.addEventListener("dragstart", (event) => this.dragStarted(event));
    list.addEventListener("dragover", (event) => this.draggedOver(event));
    list.addEventListener("drop", (event) => this.dropped(event));
    list.addEventListener("dragend", () => this.dragEnded());
    const rootButton = this.root.querySelector("[data-tree-root]");
    rootButton.addEventListener("click", () => this.ask(null));
    rootButton.addEventListener("dragover", (event) => event.preventDefault());
    rootButton.addEventListener("drop", (event) => { event.preventDefault(); this.ask(null); });
    this.root.querySelector("[data-tree-cancel]").addEventListener("click", () => this.letGo());
    this.dialog.addEventListener("close", () => this.answered());
  }

  pickUp(node) {
    if (!("canMove" in this.data) || !node.can_change) return;
    this.letGo();
    this.carried = node;
    this.view.tell("");
    this.view.itemOf(node.id).classList.add("is-carried");
    const text = this.data.textCarrying.replace("{node}", node.name);
    this.root.querySelector("[data-tree-carry-text]").textContent = text;
    this.root.querySelector("[data-tree-root]").hidden = node.parent === null;
    this.banner.hidden = false;
    this.status.textContent = text;
  }

  letGo() {
    if (!this.carried) return;
    const item = this.view.itemOf(this.carried.id);
    item?.classList.remove("is-carried");
    this.mark(null);
    this.banner.hidden = true;
    this.status.textContent = "";
    this.carried = null;
  }

  dropOn(node) {
    if (node.id === this.carried.id) return this.letGo();
    const carried = this.view.itemOf(this.carried.id);
    if (carried?.contains(this.view.itemOf(node.id))) {
      return this.view.tell(this.data.textItself, this.view.itemOf(node.id));
    }
    this.ask(node);
  }

  ask(parent) {
    this.parent = parent;
    const question = parent ? this.data.textAsk.replace("{parent}", parent.name) : this.data.textAskRoot;
    this.root.querySelector("[data-tree-question]").textContent = question.replace("{node}", this.carried.name);
    this.reason.value = "";
    this.asked = this.carried;
    this.dialog.returnValue = "cancel";
    this.dialog.showModal();
    this.reason.focus();
  }

  async answered() {
    const { asked: node, parent } = this;
    this.letGo();
    const item = this.view.itemOf(node.id);
    if (this.dialog.returnValue !== "move") return item && this.view.focus(item);
    try {
      await this.server.move(node.id, parent?.id ?? null, this.reason.value);
    } catch (problem) {
      this.view.tell(problem.message, item);
      if (item) this.view.focus(item);
      return;
    }
    await this.show(node, parent);
  }

  // Reads both levels anew and leads the eye to where the node stands now.
  async show(node, parent) {
    const above = parent ? this.pathTo(parent.id) : [];
    await this.view.refresh(null);
    const old = node.parent === null ? [] : this.pathOf(node.parent);
    for (const id of old) if (this.view.itemOf(id)) await this.view.expand(id);
    await this.view.reveal(node.id, above);
    this.status.textContent = this.data.textMoved.replace("{node}", node.name);
  }

  pathTo(id) { return this.pathOf(id).filter((each) => each !== this.asked.id); }

  pathOf(id) {
    const path = [];
    for (let at = id; at !== null && at !== undefined; at = this.view.nodes.get(at)?.parent) path.unshift(at);
    return path;
  }

  clicked(event) {
    const item = event.target.closest("[role=treeitem]");
    if (!item) return;
    const node = this.view.nodeOf(item);
    if (event.target.closest("[data-pick]")) {
      event.preventDefault();
      this.view.focus(item);
      this.pickUp(node);
      return;
    }
    // While something is carried a click puts it down; the arrow still opens a branch.
    if (this.carried && !event.target.closest(".tree-toggle, a, button")) {
      event.preventDefault();
      this.dropOn(node);
    }
  }

  dragStarted(event) {
    const row = event.target.closest(".tree-row");
    if (!row) return;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", row.querySelector(".tree-name").textContent);
    this.pickUp(this.view.nodeOf(row.parentElement));
  }

  draggedOver(event) {
    const item = event.target.closest("[role=treeitem]");
    if (!item || !this.carried || this.view.itemOf(this.carried.id)?.contains(item)) return this.mark(null);
    event.preventDefault();
    if (item !== this.over) this.mark(item);
  }

  mark(item) {
    clearTimeout(this.opening);
    this.over?.classList.remove("is-over");
    this.over = item;
    if (!item) return;
    item.classList.add("is-over");
    this.opening = setTimeout(() => this.view.expand(Number(item.dataset.node)), OPEN_AFTER);
  }

  dropped(event) {
    const item = event.target.closest("[role=treeitem]");
    if (!item || !this.carried) return;
    event.preventDefault();
    this.mark(null);
    this.dropOn(this.view.nodeOf(item));
  }

  dragEnded() {
    this.mark(null);
    if (!this.dialog.open) this.letGo();
  }
}
