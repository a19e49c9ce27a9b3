// How one node looks. Text goes in as text, never as markup.
const ICONS = {
  region: "map", city: "building-2", district: "waypoints", street: "road", building: "building", entrance: "door-open",
  apartment: "house", site: "map-pin", source: "warehouse", substation: "utility-pole", station: "cog",
  feeder: "git-branch", transformer: "zap", zone: "circle-dot", inlet: "workflow", riser: "arrow-up-from-line",
};

const SVG = "http://www.w3.org/2000/svg";

export const element = (tag, attributes = {}, ...content) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...content);
  return made;
};

export const icon = (sprite, name) => {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${sprite}#${name}`);
  svg.append(use);
  return svg;
};

const action = (tag, attributes, sprite, name, text) =>
  element(tag, { class: "tree-action", tabindex: "-1", title: text, ...attributes }, icon(sprite, name),
    element("span", { class: "visually-hidden" }, text));

const actions = (node, data) => {
  const made = element("span", { class: "tree-actions" });
  made.append(action("a", { href: node.change_url }, data.icons, node.can_change ? "pencil" : "eye", data.textOpen));
  if (node.can_change) {
    const query = new URLSearchParams({ company: data.company, system: data.system, parent: node.id });
    made.append(action("a", { href: `${data.addUrl}?${query}` }, data.icons, "plus", data.textAdd));
  }
  if (node.can_change && "canMove" in data) {
    made.append(action("button", { type: "button", "data-pick": "" }, data.icons, "move", data.textPick));
  }
  return made;
};

export const treeItem = (node, level, data) => {
  const item = element("li", {
    role: "treeitem", tabindex: "-1", "aria-level": level, "aria-selected": "false", "data-node": node.id,
  });
  if (node.children) item.setAttribute("aria-expanded", "false");
  const row = element("div", { class: "tree-row" },
    element("span", { class: "tree-toggle", "aria-hidden": "true" }, ...(node.children ? [icon(data.icons, "chevron-right")] : [])),
    element("span", { class: "tree-kind", title: node.kind_label }, icon(data.icons, ICONS[node.kind] || "circle-dot")),
    element("span", { class: "tree-name" }, node.name),
    element("span", { class: "tree-meta" }, node.kind_label),
    element("span", { class: "tree-code" }, node.code),
    element("span", { class: "tree-count" }, node.children ? String(node.children) : ""),
    actions(node, data));
  if (node.can_change && "canMove" in data) row.draggable = true;
  item.append(row);
  return item;
};
