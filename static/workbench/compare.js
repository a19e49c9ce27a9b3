// The comparison of two versions: folds open in place, and keys lead from change to change.
const area = document.querySelector("[data-compare]");

const unfold = (link) => {
  const rows = document.getElementById(link.dataset.unfold);
  rows.hidden = false;
  link.closest("tbody").remove();
  return rows;
};

const watch = () => {
  const told = area.querySelector("[data-at]");
  const changes = [...area.querySelectorAll("[data-change]")];
  let at = -1;

  const go = (step) => {
    at = (at + step + changes.length) % changes.length;
    const row = changes[at];
    row.focus({ preventScroll: true });
    row.scrollIntoView({ block: "center" });
    told.textContent = `${at + 1} / ${changes.length}`;
  };

  for (const button of area.querySelectorAll("[data-step]")) {
    // The first step back leads to the last change.
    button.addEventListener("click", () => go(at < 0 && button.dataset.step === "-1" ? 0 : Number(button.dataset.step)));
  }
  document.addEventListener("keydown", (event) => {
    const writing = event.target.closest("input, select, textarea, [contenteditable]");
    if (writing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "n") go(1);
    if (event.key === "p") go(at < 0 ? 0 : -1);
  });
  area.addEventListener("click", (event) => {
    const link = event.target.closest("[data-unfold]");
    if (!link) return;
    event.preventDefault();
    const [first] = unfold(link).rows;
    first.tabIndex = -1;
    first.focus({ preventScroll: true });
  });
  area.addEventListener("keydown", (event) => {
    const link = event.target.closest("[data-unfold]");
    if (link && event.key === " ") {
      event.preventDefault();
      link.click();
    }
  });
};

if (area) watch();
