// Runs before the first paint, so a remembered theme never flashes. Not a module: those wait.
(() => {
  const kept = (() => {
    try { return localStorage.getItem("theme"); } catch { return null; }
  })();
  document.documentElement.dataset.theme = ["light", "dark"].includes(kept) ? kept : "auto";
})();
