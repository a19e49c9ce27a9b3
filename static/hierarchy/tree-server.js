// The four questions the tree asks the server. A refused move throws an Error with plain words.
export const askServer = ({ company, system, childrenUrl, searchUrl, moveUrl, csrf, textBroken }) => {
  const read = async (url, parameters) => {
    const response = await fetch(`${url}?${new URLSearchParams({ company, system, ...parameters })}`, {
      headers: { Accept: "application/json" },
    });
    if (!response.ok) throw new Error(textBroken);
    return response.json();
  };

  return {
    // {nodes, more}: children of `parent` (null: the roots) from the cursor `after` on.
    children: (parent, after) => read(childrenUrl, { ...(parent && { parent }), ...(after && { after }) }),

    search: (q) => read(searchUrl, { q }),

    move: async (node, parent, reason) => {
      const response = await fetch(moveUrl, {
        method: "POST",
        headers: { "X-CSRFToken": csrf, Accept: "application/json" },
        body: new URLSearchParams({ node, parent: parent ?? "", audit_reason: reason }),
      });
      if (response.ok) return;
      const told = await response.json().catch(() => ({}));
      throw new Error(told.error || textBroken);
    },
  };
};
