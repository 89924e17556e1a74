// Runs before the first paint, so that a chosen theme does not flash.
(() => {
  "use strict";
  const root = document.documentElement;
  const modes = ["auto", "light", "dark"];
  let mode = "auto";
  try { mode = localStorage.getItem("trivet-theme") || "auto"; } catch { /* storage may be barred */ }
  if (!modes.includes(mode)) mode = "auto";

  function apply() {
    if (mode === "auto") delete root.dataset.theme; else root.dataset.theme = mode;
    const button = document.getElementById("theme");
    if (!button) return;
    button.hidden = false;
    button.setAttribute("aria-label", `Theme: ${mode}`);
    button.querySelector(".mode").textContent = mode;
  }

  document.addEventListener("click", event => {
    if (!event.target.closest("#theme")) return;
    mode = modes[(modes.indexOf(mode) + 1) % modes.length];
    try { localStorage.setItem("trivet-theme", mode); } catch { /* then it lasts for this page */ }
    apply();
    document.dispatchEvent(new CustomEvent("trivet:theme"));
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => document.dispatchEvent(new CustomEvent("trivet:theme")));
  document.addEventListener("DOMContentLoaded", apply);
  apply();
})();
