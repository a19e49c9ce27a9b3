// Trees in tables: <table data-branches="address"> loads the children of a row when it is opened.
// Without this script a name leads to the node's page, which lists its children.
const rowsBelow = (row) => {
  const depth = Number(row.dataset.depth), found = [];
  for (let next = row.nextElementSibling; next && Number(next.dataset.depth ?? depth + 1) > depth; next = next.nextElementSibling) found.push(next);
  return found;
};

const load = async (table, parent, depth, after) => {
  const address = `${table.dataset.branches}&parent=${parent}&depth=${depth}${after ? `&after=${encodeURIComponent(after)}` : ""}`;
  const answer = await fetch(address, { headers: { "X-Requested-With": "fetch" }, credentials: "same-origin" });
  if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
  // Parsed as a document of its own: nothing in it runs or loads.
  const holder = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const button of holder.querySelectorAll("[data-toggle]")) button.hidden = false;
  const rows = [...holder.querySelectorAll("tr")];
  for (const row of rows) row.dataset.depth ??= String(depth);
  return rows.map((row) => document.adoptNode(row));
};

const toggle = async (table, button) => {
  const row = button.closest("tr"), open = button.getAttribute("aria-expanded") === "true";
  button.setAttribute("aria-expanded", String(!open));
  if (open) { for (const each of rowsBelow(row)) each.remove(); return; }
  button.disabled = true;
  try {
    row.after(...await load(table, row.dataset.branch, Number(row.dataset.depth) + 1));
  } catch {
    button.setAttribute("aria-expanded", "false");
    button.title = table.dataset.wordsFailed;
  } finally {
    button.disabled = false;
    button.focus();
  }
};

const more = async (table, link) => {
  const row = link.closest("tr");
  row.replaceWith(...await load(table, link.dataset.parent, Number(link.dataset.depth), link.dataset.more));
};

for (const table of document.querySelectorAll("[data-branches]")) {
  for (const button of table.querySelectorAll("[data-toggle]")) button.hidden = false;
  table.addEventListener("click", (event) => {
    const button = event.target.closest("[data-toggle]");
    if (button) toggle(table, button);
    const link = event.target.closest("[data-more][data-parent]");
    if (link) { event.preventDefault(); more(table, link); }
  });
}
