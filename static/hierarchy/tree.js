// The tree page: wires what the reader does to the view, the server and the move.
import { askServer } from "./tree-server.js";
import { Move } from "./tree-move.js";
import { Search } from "./tree-search.js";
import { TreeView } from "./tree-view.js";

const root = document.querySelector("[data-tree]");
const server = askServer(root.dataset);
const view = new TreeView(root, server);
const move = new Move(root, server, view);
const search = new Search(root, server, view);

root.querySelector("[data-tree-company]")?.addEventListener("change", (event) => {
  event.target.form.requestSubmit();
});

const KEYS = {
  ArrowDown: (node) => view.step(node, 1),
  ArrowUp: (node) => view.step(node, -1),
  ArrowRight: (node) => view.inward(node),
  ArrowLeft: (node) => view.outward(node),
  Home: () => view.edge(0),
  End: () => view.edge(-1),
  Enter: (node) => (move.carried ? move.dropOn(node) : view.open(node)),
  " ": (node) => (move.carried ? move.dropOn(node) : move.pickUp(node)),
  Escape: () => move.letGo(),
};

view.list.addEventListener("keydown", (event) => {
  const item = event.target.closest("[role=treeitem]");
  // Links and buttons inside a row keep their own keys.
  if (!item || event.target !== item || event.ctrlKey || event.metaKey || event.altKey) return;
  const act = KEYS[event.key];
  if (!act) return;
  event.preventDefault();
  act(view.nodeOf(item));
});

view.start();
search.listen();
move.listen();
