// The theme switch: buttons carry data-theme-choice="auto|light|dark". Works on every page,
// the administration included; the choice is kept in this browser only.
const root = document.documentElement;
const buttons = document.querySelectorAll("[data-theme-choice]");

const show = () => {
  for (const button of buttons) {
    button.setAttribute("aria-pressed", String(button.dataset.themeChoice === root.dataset.theme));
  }
};

const choose = (choice) => {
  root.dataset.theme = choice;
  try { localStorage.setItem("theme", choice); } catch { /* private mode: holds for this page */ }
  show();
};

for (const button of buttons) {
  button.addEventListener("click", () => choose(button.dataset.themeChoice));
}
// Another tab of the same browser follows.
window.addEventListener("storage", (event) => {
  if (event.key === "theme") { root.dataset.theme = event.newValue || "auto"; show(); }
});
show();
