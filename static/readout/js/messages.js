// Messages carry a close button (data-dismiss); without this script they just stay.
for (const button of document.querySelectorAll("[data-dismiss]")) {
  button.hidden = false;
  button.addEventListener("click", () => button.closest("[data-message]").remove());
}
