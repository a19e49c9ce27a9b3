// The administration's own page furniture: filters that fold away on narrow screens.
const toggle = document.querySelector("[data-filter-toggle]");
const filters = document.getElementById("changelist-filter");

toggle?.addEventListener("click", () => {
  const open = filters.classList.toggle("is-open");
  toggle.setAttribute("aria-expanded", String(open));
});
