// What the live page and the report of a replay are made of.
"use strict";
const byId = (id) => document.getElementById(id);
const unfolded = {};   // which details the reader has opened
let timeZone;          // the reader's own where not set

// Text only ever becomes a text node: nothing from a log is parsed as HTML.
const h = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
const draw = (tag, attributes, ...children) => fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
}
const count = (n) => Math.abs(n) >= 1e6 ? n.toLocaleString("en", { notation: "compact", maximumFractionDigits: 1 })
  : n.toLocaleString("en", { maximumFractionDigits: Math.abs(n) < 10 ? 1 : 0 });
function span(secs) {
  if (secs < 1) return "under 1 s";
  const units = [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]];
  const at = units.findIndex(([, size]) => secs >= size);
  const first = Math.floor(secs / units[at][1]);
  const rest = units[at + 1] ? Math.floor((secs % units[at][1]) / units[at + 1][1]) : 0;
  return first + " " + units[at][0] + (rest && first < 10 ? " " + rest + " " + units[at + 1][0] : "");
}
const secsBetween = (from, to) => Math.max(0, (to - new Date(from)) / 1000);
function clock(text) {
  const day = (time) => time.toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric", timeZone });
  const time = new Date(text);
  const hours = time.toLocaleTimeString("en-GB", { timeZone });
  return day(time) === day(new Date()) ? hours : day(time) + ", " + hours;
}
const when = (text) => text ? h("time", { datetime: text, title: text }, clock(text)) : "–";
const words = (name) => name.replaceAll("_", " ");
const badge = (name) => h("span", { class: "badge " + name }, words(name));
const level = (name) => h("span", { class: name }, name === "unknown" ? "–" : name);
const empty = (text) => h("div", { class: "empty" }, text);
function template(text) {
  return text.split("<*>").flatMap((part, idx) => idx ? [h("mark", {}, "<*>"), part] : [part]);
}
function table(columns, rows) {
  const head = columns.map(([name, kind]) => h("th", { scope: "col", class: kind === "num" ? "num" : null }, name));
  const cell = (value, idx) => h("td", { class: columns[idx][1] || null }, value);
  return h("table", {}, h("thead", {}, h("tr", {}, head)), h("tbody", {}, rows.map((row) => h("tr", {}, row.map(cell)))));
}
function spark(rates) {
  const max = Math.max(...rates, 1e-9), top = 2, bottom = 25;
  const point = (rate, idx) => (idx * 180 / (rates.length - 1)).toFixed(1) + " " + (bottom - rate / max * (bottom - top)).toFixed(1);
  const line = "M" + rates.map(point).join("L");
  return draw("svg", { class: "spark", viewBox: "0 0 180 26", role: "img", "aria-label": "records a minute, at most " + count(max) },
    draw("path", { class: "area", d: line + "L180 26L0 26Z" }), draw("path", { class: "line", d: line }));
}

function fold(key, attributes, summary, unfold) {
  const details = h("details", attributes, h("summary", {}, summary));
  const body = h("div", {});
  details.append(body);
  const open = () => { if (!body.hasChildNodes()) unfold(body); };
  details.addEventListener("toggle", () => {
    if (details.open) { unfolded[key] = true; open(); } else delete unfolded[key];
  });
  if (unfolded[key]) { details.open = true; open(); }
  return details;
}
function evidence(lines) {
  return h("ul", { class: "evidence" }, lines.map((item) => h("li", {},
    h("div", { class: "kind " + item.severity }, words(item.kind)),
    h("div", {},
      h("div", { class: "reason" }, item.reason),
      item.line ? h("div", { class: "log" }, item.line.text) : null,
      item.line ? h("div", { class: "place" }, [item.service, item.line.host, item.line.source + "@" + item.line.offset, clock(item.line.time)].filter(Boolean).join(" · ")) : null))));
}
function path(services, named) {
  return h("span", { class: "path" }, services.flatMap((name, idx) => idx ? [h("i", {}, "→"), named(name)] : [named(name)]));
}
const hosts = (names) => names.length ? h("span", {}, "on " + names.slice(0, 5).join(", ") + (names.length > 5 ? " and " + (names.length - 5) + " more" : "")) : null;
function alertCard(alert, until, named, why) {
  return h("article", { class: "card alert edge-" + alert.severity, id: alert.id },
    h("div", { class: "facts" }, badge(alert.severity),
      h("span", {}, "since ", when(alert.started_at), " (" + span(secsBetween(alert.started_at, until)) + ")"),
      h("span", {}, count(alert.anomaly_count) + (alert.anomaly_count === 1 ? " anomaly" : " anomalies"))),
    h("h3", {}, alert.title),
    h("div", { class: "facts" }, path(alert.services, named), hosts(alert.hosts)),
    evidence(alert.evidence),
    why);
}

