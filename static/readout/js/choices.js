// Choices that apply at once: <form data-apply> is sent when one of its fields changes. Without this
// script its button does the same.
for (const form of document.querySelectorAll("form[data-apply]")) {
  for (const button of form.querySelectorAll("[data-apply-button]")) button.hidden = true;
  form.addEventListener("change", () => form.requestSubmit());
}
