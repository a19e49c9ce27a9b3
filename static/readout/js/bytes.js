// A piece of a frame and its row light up together, whichever is pointed at or focused.
for (const area of document.querySelectorAll("[data-bytes]")) {
  const light = (part) => {
    for (const each of area.querySelectorAll("[data-part]")) each.classList.toggle("is-lit", each.dataset.part === part);
  };
  const of = (event) => event.target.closest("[data-part]")?.dataset.part;
  area.addEventListener("pointerover", (event) => light(of(event)));
  area.addEventListener("pointerleave", () => light(undefined));
  area.addEventListener("focusin", (event) => light(of(event)));
  area.addEventListener("click", (event) => {
    const cell = event.target.closest(".byte[data-part]");
    if (cell) area.querySelector(`tr[data-part="${cell.dataset.part}"]`).focus();
  });
}
