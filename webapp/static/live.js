// What keeps a page current: polling that pauses, links that keep the range, and words when nothing answers.
(() => {
  "use strict";
  const main = () => document.getElementById("main");
  const trouble = document.getElementById("trouble");
  const button = document.getElementById("live-switch");
  let on = true;
  try { on = localStorage.getItem("trivet-live") !== "off"; } catch { /* storage may be barred */ }

  const polls = source => source && source.id === "live";
  const range = () => new URLSearchParams(main()?.dataset.query || "");

  function showSwitch() {
    if (!button) return;
    button.hidden = !("live" in (main()?.dataset || {}));
    button.setAttribute("aria-pressed", String(on));
    button.lastChild.textContent = on ? "Live" : "Paused";
  }

  function keepRange() {
    const query = main()?.dataset.query;
    if (query === undefined) return;
    document.querySelectorAll("a[data-keep]").forEach(link => { link.search = query; });
    document.querySelectorAll(".seg a").forEach(link => {
      if (link.dataset.range === query) link.setAttribute("aria-current", "true"); else link.removeAttribute("aria-current");
    });
    if (range().get("range")) document.querySelector(".seg summary")?.removeAttribute("aria-current");
    document.querySelector(".seg details")?.removeAttribute("open");
  }

  function complain(text) {
    const at = document.getElementById("live")?.dataset.at;
    trouble.textContent = `${text} The values are those of ${at || "before"} UTC; trying again.`;
    trouble.hidden = false;
    document.body.classList.add("stale");
  }

  function settle() {
    trouble.hidden = true;
    document.body.classList.remove("stale");
    const title = document.getElementById("live")?.dataset.title;
    if (title) document.title = title;
  }

  document.addEventListener("htmx:before:request", event => {
    const source = event.detail.ctx.sourceElement;
    if (polls(source) && (document.hidden || !on)) event.preventDefault();
  });
  document.addEventListener("htmx:after:swap", event => {
    if (event.detail?.ctx?.response?.status >= 400) return; // htmx calls a swap of nothing a swap too
    settle();
    keepRange();
    showSwitch();
    document.dispatchEvent(new CustomEvent("trivet:fresh"));
  });
  document.addEventListener("htmx:response:error", event => complain(`Trivet answered ${event.detail.ctx.response.status}.`));
  document.addEventListener("htmx:error", () => complain("Trivet does not answer."));
  document.addEventListener("visibilitychange", () => {
    const live = document.getElementById("live");
    if (!document.hidden && on && live?.hasAttribute("hx-get")) htmx.trigger(live, "every");
  });
  button?.addEventListener("click", () => {
    on = !on;
    try { localStorage.setItem("trivet-live", on ? "on" : "off"); } catch { /* then it lasts for this page */ }
    showSwitch();
    const live = document.getElementById("live");
    if (on && live?.hasAttribute("hx-get")) htmx.trigger(live, "every");
  });
  document.addEventListener("keydown", event => {
    if (event.key === "Escape") document.querySelector(".seg details[open]")?.removeAttribute("open");
  });
  document.addEventListener("click", event => {
    if (!event.target.closest(".seg details")) document.querySelector(".seg details[open]")?.removeAttribute("open");
  });
  // Who looks after alerts types the name once.
  document.querySelectorAll("input[data-remember]").forEach(input => {
    const key = `trivet-${input.dataset.remember}`;
    try { input.value ||= localStorage.getItem(key) || ""; } catch { /* then it is typed again */ }
    input.addEventListener("change", () => { try { localStorage.setItem(key, input.value); } catch { /* as above */ } });
  });
  showSwitch();
  document.querySelector(".side [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
})();
