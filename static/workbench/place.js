// Where the cursor stands in a YAML text: the path of keys above it, and what is being written there.
const KEY = /^(\s*)((?:- )*)(?:"([^"]+)"|'([^']+)'|([^\s#'"{[\]},][^:#]*?))\s*:(?:\s|$)/;

const parsed = (line) => {
  const match = KEY.exec(line);
  if (!match) {
    const item = /^(\s*)- /.exec(line);
    return item && { dash: item[1].length, column: item[1].length + 2, key: null };
  }
  const column = match[1].length + match[2].length;
  return { dash: match[2] ? match[1].length : -1, column, key: match[3] ?? match[4] ?? match[5] };
};

// Keys and list places from the top to the mapping that a key at `column` of line `at` stands in.
const above = (lines, at, column) => {
  const path = [];
  let limit = column;
  const here = parsed(lines[at]);
  const dashHere = /^(\s*)- /.exec(lines[at]);
  if (here?.dash >= 0 || dashHere) {
    path.unshift(0);
    limit = here?.dash >= 0 ? here.dash : dashHere[1].length;
  }
  for (let number = at - 1; number >= 0 && limit > 0; number -= 1) {
    const line = lines[number];
    const found = line.trim() && !line.trim().startsWith("#") && parsed(line);
    if (!found) continue;
    if (found.key !== null && found.column < limit) {
      path.unshift(found.key);
      limit = found.column;
    }
    if (found.dash >= 0 && found.dash < limit) {
      path.unshift(0);
      limit = found.dash;
    }
    // A list may stand as far left as the key that it belongs to.
    if (path[0] === 0 && found.key !== null && found.column === limit && found.dash < 0) {
      path.unshift(found.key);
    }
  }
  return path;
};

// Mappings and lists in braces that are open at the end of a piece of a line.
const within = (text) => {
  const open = [];
  let quote = "";
  for (let index = 0; index < text.length; index += 1) {
    const sign = text[index];
    if (quote) {
      if (sign === quote) quote = "";
    } else if (sign === '"' || sign === "'") {
      quote = sign;
    } else if (sign === "{" || sign === "[") {
      const key = /([\w$-]+)\s*:\s*$/.exec(text.slice(0, index));
      open.push({ sign, key: key?.[1] ?? null, at: index });
    } else if (sign === "}" || sign === "]") {
      open.pop();
    }
  }
  return open;
};

// {path, word, key}: the mapping's path, the word begun, and the key whose value it is (or null).
export const placeOf = (lines, line, column) => {
  const before = lines[line].slice(0, column);
  const open = within(before);
  const start = open.length ? open.at(-1).at + 1 : 0;
  const piece = before.slice(start).split(",").at(-1);
  const value = /^\s*(?:- )*(?:"?([\w.-]+)"?)\s*:\s*(\S*)$/.exec(piece);
  const word = value ? value[2] : /([\w$.{}-]*)$/.exec(piece)[1];
  const first = open.length ? parsed(lines[line])?.column ?? 0 : column - word.length;
  const outer = above(lines, line, value && !open.length ? parsed(lines[line]).column : first);
  const key = parsed(lines[line])?.key;
  const path = [...outer];
  if (open.length && key && open[0].key !== null && open[0].at > before.indexOf(":")) path.push(open[0].key);
  else if (open.length && open[0].key === null && path.at(-1) !== 0) path.push(0);
  for (const each of open.slice(1)) path.push(each.key ?? 0);
  return { path, word, key: value ? value[1] : null };
};
