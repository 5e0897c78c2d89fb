// One key per choice, for the card that has the focus; U undoes. Without this script the buttons do the same.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
  if (event.target.closest("textarea, select, input:not([type=checkbox])")) return;
  const sign = `[data-key="${CSS.escape(event.key.toLowerCase())}"]`;
  const button = document.activeElement?.closest(".kept")?.querySelector(sign) ?? document.querySelector(`.undo ${sign}`);
  if (!button) return;
  event.preventDefault();
  button.click();
});
