// Draws the charts that are in sight from columns of numbers; the server decides scale, unit and rounding.
(() => {
  "use strict";
  const root = document.documentElement;
  const main = () => document.getElementById("main");
  const token = name => getComputedStyle(root).getPropertyValue(name).trim();
  const data = new Map();    // chart id -> what the server sent last
  const inSight = new Set(); // chart ids
  const plot = id => document.getElementById(`p-${id}`);
  let template = null;

  // --- numbers: the same rule as dashboards/amounts.py ------------------------------------------------------
  const TIMES = [[172800, 1 / 86400, "d"], [7200, 1 / 3600, "h"], [120, 1 / 60, "min"], [1, 1, "s"], [0.0001, 1e3, "ms"], [0, 1e6, "µs"]];
  const BYTES = [[2 ** 40, 2 ** -40, "TiB"], [2 ** 30, 2 ** -30, "GiB"], [2 ** 20, 2 ** -20, "MiB"], [2 ** 10, 2 ** -10, "KiB"], [0, 1, "B"]];
  function scale(unit, size) {
    if (unit === "ratio") return [100, "%"];
    if (unit === "per second") return [1, "/s"];
    if (unit === "seconds") return size === 0 ? [1e3, "ms"] : TIMES.find(step => size >= step[0]).slice(1);
    if (unit === "seconds per second") {
      const [factor, suffix] = size === 0 ? [1e3, "ms"] : TIMES.slice(3).find(step => size >= step[0]).slice(1);
      return [factor, `${suffix}/s`];
    }
    if (!unit.startsWith("bytes")) return [1, ""];
    const [factor, suffix] = BYTES.find(step => size >= step[0]).slice(1);
    return [factor, unit === "bytes" ? suffix : `${suffix}/s`];
  }
  function digits(size, suffix) {
    if (size === 0) return 0;
    if (suffix === "%") return size >= 100 ? 0 : size < 1 || size > 99.9 ? 2 : 1;
    if (Number.isInteger(size) && ["", "B", "B/s"].includes(suffix)) return 0;
    if (size >= (["ms", "µs", "ms/s", "µs/s", "B", "B/s"].includes(suffix) ? 10 : 100)) return 0;
    return size >= 1 ? 1 : size >= 0.1 ? 2 : Math.min(6, 1 - Math.floor(Math.log10(size)));
  }
  function amount(value, unit) {
    if (value === null || value === undefined) return "–";
    const [factor, suffix] = scale(unit, Math.abs(value)), scaled = value * factor, size = Math.abs(scaled);
    let text;
    if (suffix === "%" && scaled >= 99.995 && scaled < 100) text = "> 99.99";
    else if (suffix === "%" && size > 0 && size < 0.005) text = scaled > 0 ? "< 0.01" : "< −0.01";
    else {
      const fixed = size.toFixed(digits(size, suffix)), [whole, part] = fixed.split(".");
      text = (scaled < 0 && Number(fixed) ? "−" : "") + whole.replace(/\B(?=(\d{3})+$)/g, ",") + (part ? `.${part}` : "");
    }
    return suffix ? `${text} ${suffix}` : text;
  }
  window.trivetAmount = amount; // for the test that server and script agree

  // --- figures ----------------------------------------------------------------------------------------------
  const at = (chart, i) => (chart.t0 + i * chart.step) * 1000;

  function vertical(chart, near) {
    const seen = chart.series.flatMap(line => line.y).filter(y => y !== null).concat(near.map(target => target.value));
    const high = seen.length ? Math.max(...seen) : 1, low = seen.length ? Math.min(...seen) : 0;
    if (chart.zero || low < 0.5 * high || low === high && low <= 1) return [Math.min(0, low), high > 0 ? high * 1.12 : 1];
    const pad = (high - low || high * 0.1) * 0.15;
    return [Math.max(0, low - pad), chart.suffix === "%" && high <= 100 ? Math.min(100.4, high + pad) : high + pad];
  }

  const WEIGHTY = ["load_test", "deploy", "failover", "restart", "reset"];
  function events(chart, width) {
    const shapes = [], notes = [], taken = [], span = chart.step * Math.max(chart.n - 1, 1);
    chart.events.forEach(event => {
      const x = event.at * 1000;
      shapes.push(event.until
        ? { ...template.stretch, x0: x, x1: event.until * 1000, fillcolor: token(event.kind === "alert" ? "--missedbg" : "--band") }
        : { ...template.moment, x0: x, x1: x, line: { ...template.moment.line, color: token("--accent") } });
    });
    // There is room for few texts: what people did comes first, then what is rare, then the newest.
    const rank = event => (WEIGHTY.indexOf(event.kind) + 1) || WEIGHTY.length + 1;
    [...chart.events].sort((a, b) => rank(a) - rank(b) || b.at - a.at).forEach(event => {
      const x = event.at * 1000, most = Math.min(30, Math.max(8, Math.floor(width / 6.2) - 4)); // the whole of it is read under the cursor
      const text = event.text.length > most ? `${event.text.slice(0, most - 1)}…` : event.text, long = text.length * 6.2;
      const mark = Math.max(0, (event.at - chart.t0) / span * width);
      const turned = mark + long > width; // no room to the right: it ends at its line
      const left = turned ? mark - long : mark;
      if (taken.some(([from, to]) => left < to + 8 && from < left + long + 8)) return;
      taken.push([left, left + long]);
      notes.push({ x: Math.max(x, chart.t0 * 1000), xanchor: turned ? "right" : "left", yref: "paper", y: 1, yanchor: "bottom", showarrow: false, xshift: turned ? 3 : -3,
        text: text.replace(/[<>&]/g, " "), font: { size: 11, color: token("--t2") } });
    });
    return [shapes, notes];
  }

  function figure(chart, width) {
    const near = chart.targets.filter(target => !target.far);
    const x = Array.from({ length: chart.n }, (_, i) => at(chart, i));
    const [shapes, annotations] = events(chart, width);
    near.forEach(target => shapes.push({ ...template.target, y0: target.value, y1: target.value, line: { ...template.target.line, color: token("--tgt") } }));
    const traces = chart.series.map((line, i) => ({ ...template.trace, x, y: line.y, name: `${i}`,
      line: { ...template.trace.line, color: token(`--c${i + 1}`) }, ...lonely(line.y, token(`--c${i + 1}`)) }));
    const touch = matchMedia("(pointer: coarse)").matches;
    const range = [at(chart, 0) - chart.step * 500, at(chart, chart.n - 1)];
    const layout = { ...template.layout, shapes, annotations, uirevision: main().dataset.query,
      dragmode: touch ? false : "zoom", font: { ...template.layout.font, color: token("--t3") },
      xaxis: { ...template.layout.xaxis, range, fixedrange: touch, nticks: Math.max(3, Math.min(8, Math.floor(width / 80))) },
      yaxis: { ...template.layout.yaxis, gridcolor: token("--grid"), range: vertical(chart, near),
        ticksuffix: chart.suffix ? ` ${chart.suffix}` : "", showticksuffix: "last", tickformat: ",~r" } };
    layout.yaxis.tickformat = layout.yaxis.range[1] >= 10000 ? "~s" : ",~f";
    return [traces, layout];
  }

  // A value between two gaps makes no line: it gets a dot.
  function lonely(y, color) {
    const alone = y.map((value, i) => value !== null && (y[i - 1] ?? null) === null && (y[i + 1] ?? null) === null);
    if (!alone.includes(true)) return {};
    return { mode: "lines+markers", marker: { color, size: alone.map(yes => yes ? 4 : 0), line: { width: 0 } } };
  }

  function swatch(cls) {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    svg.setAttribute("width", "14"); svg.setAttribute("height", "6"); svg.setAttribute("aria-hidden", "true");
    if (cls) svg.setAttribute("class", cls);
    path.setAttribute("d", "M0 3H14");
    svg.append(path);
    return svg;
  }

  function entry(cls, mark, text, value) {
    const span = document.createElement("span");
    span.className = cls;
    if (mark !== null) span.append(swatch(mark));
    span.append(text);
    if (value !== undefined) { const b = document.createElement("b"); b.textContent = value; span.append(" ", b); }
    return span;
  }

  function legend(chart) {
    document.getElementById(`lg-${chart.id}`)?.replaceChildren(
      ...chart.series.map((line, i) => entry("", `c${i + 1}`, line.name, line.now)),
      ...chart.targets.map(target => entry("tg", "", target.far ? `${target.text}, off this scale` : target.text)),
      ...(chart.more ? [entry("q", null, `and ${chart.more} more`)] : []));
  }

  function draw(id) {
    const el = plot(id), chart = data.get(id);
    if (!el || !chart || !el.offsetWidth) return;
    legend(chart);
    if (!chart.series.length) return;
    if (!el.classList.contains("drawn")) {
      el.replaceChildren();
      el.classList.add("drawn");
    }
    const [traces, layout] = figure(chart, el.offsetWidth - 70);
    Plotly.react(el, traces, layout, template.config);
    if (el.dataset.wired) return;
    el.dataset.wired = "1";
    el.on("plotly_hover", event => point(chart.id, event.points[0].pointNumber));
    el.on("plotly_unhover", () => point(null, -1));
    el.on("plotly_relayout", change => zoom(change));
  }

  // --- one cursor for all charts ----------------------------------------------------------------------------
  let frame = 0, last = -1;
  function point(id, i) {
    if (i === last) return;
    last = i;
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(() => readout(i));
  }
  function readout(i) {
    let time = "", near = "";
    data.forEach((chart, id) => {
      const el = plot(id);
      if (!el || !el._fullLayout || !el.isConnected) return;
      const line = el.querySelector(".xh") || el.appendChild(Object.assign(document.createElement("div"), { className: "xh" }));
      const values = document.getElementById(`lg-${id}`).querySelectorAll("b");
      line.hidden = i < 0;
      chart.series.forEach((series, k) => { if (values[k]) values[k].textContent = i < 0 ? series.now : amount(series.y[i] === null ? null : series.y[i] / chart.factor, chart.unit); });
      if (i < 0) return;
      const axis = el._fullLayout.xaxis;
      line.style.transform = `translateX(${axis._offset + axis.d2p(at(chart, i))}px)`;
      time = `${new Date(at(chart, i)).toISOString().slice(5, 19).replace("T", " ")} UTC`;
      near = happened(chart, i);
    });
    const output = document.getElementById("at");
    if (output) { output.textContent = time + near; output.title = near; }
  }

  // The marks under the cursor: those whose text had no room are read here.
  function happened(chart, i) {
    const here = chart.t0 + i * chart.step, reach = chart.step * Math.max(1, chart.n / 120);
    const found = chart.events.filter(event => event.at - reach <= here && here <= (event.until ?? event.at) + reach);
    return found.map(event => ` · ${event.text}`).join("");
  }

  // --- a dragged stretch becomes the page's range -----------------------------------------------------------
  const moment = text => Date.parse(String(text).replace(" ", "T") + (String(text).includes("Z") ? "" : "Z"));
  function zoom(change) {
    const from = moment(change["xaxis.range[0]"]), to = moment(change["xaxis.range[1]"]);
    if (!(to - from >= 10000)) return;
    const iso = time => new Date(time).toISOString().slice(0, 19) + "Z";
    location.assign(`${main().dataset.path}?${new URLSearchParams({ from: iso(from), to: iso(to) })}`);
  }

  // --- fetching: all charts in sight in one request ---------------------------------------------------------
  let waiting = new Set(), timer = 0, turn = 0;
  function want(ids) {
    ids.forEach(id => waiting.add(id));
    clearTimeout(timer);
    timer = setTimeout(load, 30);
  }
  async function load() {
    const ids = [...waiting].filter(plot);
    waiting = new Set();
    if (!ids.length) return;
    const mine = ++turn, query = main().dataset.query;
    const address = `${main().dataset.charts}?${query}&${ids.map(id => `panel=${encodeURIComponent(id)}`).join("&")}`;
    try {
      template = template || await (await fetch(root.dataset.template)).json();
      const response = await fetch(address);
      if (!response.ok) return;
      const found = await response.json();
      if (query !== main().dataset.query) return;
      for (const id of Object.keys(found)) { data.set(id, found[id]); if (inSight.has(id) || !plot(id).dataset.wired) draw(id); }
      root.dataset.drawn = String(mine);
    } catch { /* the polled part says that nothing answers */ }
  }

  const watcher = new IntersectionObserver(entries => {
    entries.forEach(entry => {
      const id = entry.target.dataset.chart;
      if (entry.isIntersecting) inSight.add(id); else inSight.delete(id);
    });
    want(entries.filter(entry => entry.isIntersecting).map(entry => entry.target.dataset.chart));
  }, { rootMargin: "200px" });
  const sizes = new ResizeObserver(entries => {
    clearTimeout(sizes.timer);
    sizes.timer = setTimeout(() => entries.forEach(({ target }) => {
      if (target.isConnected && target.dataset.wired && target.offsetWidth) draw(target.dataset.chart);
    }), 120);
  });

  let watched = new Set();
  function watch() {
    const now = new Set(document.querySelectorAll("[data-chart]"));
    watched.forEach(el => {
      if (now.has(el)) return;
      watcher.unobserve(el);
      sizes.unobserve(el);
      if (el.dataset.wired) Plotly.purge(el);
    });
    now.forEach(el => { if (!watched.has(el)) { watcher.observe(el); sizes.observe(el); } });
    watched = now;
  }

  document.addEventListener("trivet:fresh", () => { watch(); want(inSight); });
  document.addEventListener("trivet:theme", () => inSight.forEach(draw));
  watch();
})();
