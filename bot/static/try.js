// Without this file everything works; with it Enter sends, as on a phone, and Shift+Enter begins a line.
const text = document.getElementById("text");
text.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  if (text.value.trim()) text.form.requestSubmit();
});
// Two taps on one button are one message.
document.addEventListener("submit", (event) => {
  if (event.target.dataset.sent) event.preventDefault();
  event.target.dataset.sent = "1";
});
