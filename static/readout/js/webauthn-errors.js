// A key that was not touched, or a dialog that was closed, is told on the page.
const note = document.querySelector("[data-webauthn-error]");

document.addEventListener("allauth.error", (event) => {
  event.preventDefault();
  note.hidden = false;
});
