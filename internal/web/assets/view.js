// How the parts of the house look. What comes from the house is text, never markup.

/** el makes an element: attributes, then children; a string becomes text. */
export function el(tag, attributes, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === undefined || value === false) continue;
    e.setAttribute(name, value === true ? "" : value);
  }
  e.append(...children.flat().filter((c) => c !== undefined && c !== null && c !== "" && c !== false));
  return e;
}

// A format of times is dear to make, and cheap to use: these are made once.
let days, hours, seconds, today;
export function inZone(name) {
  const format = (timeZone, options) => new Intl.DateTimeFormat(undefined, { timeZone, ...options });
  let zone = name || undefined;
  try { format(zone); } catch { zone = undefined; }
  days = format(zone, { day: "numeric", month: "short" });
  hours = format(zone, { hour: "2-digit", minute: "2-digit" });
  seconds = format(zone, { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  today = undefined;
}

/** newDay looks at the calendar, and tells whether clock shows a day now that it did not, or the other way round. */
export function newDay() {
  const before = today;
  today = days.format(new Date());
  return today !== before;
}

const missing = (iso) => !iso || iso.startsWith("0001-");

/** clock is an instant as the hotel's clocks show it, with the day if it is another. */
export function clock(iso) {
  if (missing(iso)) return "";
  const at = new Date(iso), day = days.format(at);
  return el("time", { datetime: iso }, day === today ? seconds.format(at) : `${day}, ${hours.format(at)}`);
}

export function span(seconds) {
  for (const [name, size] of [["h", 3600], ["min", 60]]) if (seconds >= size && seconds % size === 0) return `${seconds / size} ${name}`;
  return `${seconds} s`;
}

const count = (n, what) => `${n} ${what}${n === 1 ? "" : "s"}`;
const chip = (text, look, attributes) => el("li", { class: `chip ${look}`, ...attributes }, text);
const deed = (name, text, about, attributes) => el("button", { type: "button", "data-deed": name, "aria-label": `${text}: ${about}`, ...attributes }, text);
const outcome = () => el("p", { class: "outcome", role: "status" });

/** subject is what a command is about, for people. */
function subject(text, roomOf) {
  const cut = (text ?? "").indexOf(":");
  const [sort, name] = cut < 0 ? ["", text] : [text.slice(0, cut), text.slice(cut + 1)];
  if (sort === "stay") {
    const room = roomOf(name);
    return room ? `room ${room}` : "a guest who is not in house";
  }
  return sort === "" ? name : sort === "room" ? `room ${name}` : `${sort} for room ${name}`;
}

const actions = {
  encode: "cut a key", cancel_room: "cancel the room's keys", welcome: "greet on the TV", clear: "clear the TV",
  message: "show a message", ensure: "open the WiFi", revoke: "close the WiFi",
};
const actionName = (a) => actions[a] ?? a;

/** what is a command in a few words. */
export function what(c, roomOf) {
  return [c.action ? actionName(c.action) : "", subject(c.subject, roomOf), c.device ? `at ${c.device}` : ""].filter(Boolean).join(", ");
}

function state(c) {
  if (c.unknown) return ["outcome unknown", "bad"];
  return { Pending: ["waits", "warn"], Processing: ["under way", "warn"], Processed: ["done", "ok"], Cancelled: ["called off", ""], Error: ["failed", "bad"] }[c.state] ?? [c.state ?? "done", "ok"];
}

const stateLook = { online: "ok", live: "ok", busy: "ok", "catching up": "ok", "not tried yet": "", offline: "bad", parked: "bad", degraded: "warn" };
const lookOf = (s) => stateLook[s] ?? "warn";
const list = (...pairs) => el("dl", {}, pairs.filter(([, v]) => v !== "" && v !== undefined && v !== null).flatMap(([k, v]) => [el("dt", {}, k), el("dd", {}, v)]));

// Each takes an item, and what the page knows, and gives the content of its entry.

export function condition(c) {
  return {
    look: c.serious ? "serious" : "mild",
    body: [
      el("h3", {}, `${c.code.replaceAll("-", " ")}${c.about ? `: ${c.about}` : ""}`),
      // Lines with carets are above, where they stand under what they point at.
      el("p", {}, c.text.includes("\n") ? el("a", { href: "#problems" }, "In the property file") : c.text), el("p", {}, "What to do: ", c.do, "."),
      el("p", { class: "quiet" }, el("code", {}, c.code), missing(c.since) ? "" : " since ", clock(c.since)),
    ],
  };
}

export function waiting(w, { me, roomOf }) {
  const c = w.command;
  const about = c ? what(c, roomOf) : w.id;
  const id = { "data-id": w.id };
  const kinds = {
    unknown: ["serious", `Nobody knows whether this was done: ${about}`, "Look, then say what you found. Try the card on the door, or read it. The agent does not try again by itself.",
      [deed("done", "It worked", about, id), deed("not-done", "It did not", about, id)]],
    failed: ["mild", `Failed: ${about}`, "", [deed("retry", "Retry", about, id)]],
    parked: ["serious", `The PMS does not let us in: ${w.id}`, "", w.reconnects ? [deed("reconnect", "Connect anew", about, id)] : []],
    quarantined: ["mild", `Waits for a late answer: ${w.id}`, "It takes no new work until then.", [deed("test", "Test", about, id)]],
    unmapped: ["mild", `A name that nothing maps: ${w.text}`, `Seen ${count(w.count, "time")} on ${w.id}. If it matters, add it to aliases in the property file, and restart edgeagent.`, []],
    messages: ["mild", `${count(w.count, "message")} of the PMS could not be read`, "Ask the PMS vendor what they are.", []],
  };
  const [look, title, hint, buttons] = kinds[w.kind] ?? ["mild", w.kind, "", []];
  return {
    look,
    body: [
      el("h3", {}, title), w.kind === "unmapped" ? "" : el("p", {}, w.text), el("p", { class: "quiet" }, hint),
      el("p", { class: "quiet" }, missing(w.since) ? "" : "since ", clock(w.since)),
      me.operate ? el("div", {}, buttons) : "", outcome(),
    ],
  };
}

export function command(c, { me, roomOf }) {
  const [word, look] = state(c);
  const about = what(c, roomOf);
  const later = !missing(c.due) && new Date(c.due) > new Date();
  const buttons = c.state === "Pending" && me.operate
    ? [deed("retry", later ? "Do it now" : "Retry", about, { "data-id": c.id }), c.setting ? "" : deed("cancel", "Cancel", about, { "data-id": c.id })] : [];
  return {
    body: [
      el("h3", {}, about), el("ul", { class: "chips" }, chip(word, look), c.tries ? chip(count(c.tries, "try").replace("trys", "tries"), "") : ""),
      el("p", {}, c.note), list(["since", clock(c.created)], ["due", later ? clock(c.due) : ""]),
      el("div", {}, buttons.filter(Boolean)), outcome(),
    ],
  };
}

export function link(l, { me }) {
  const k = l.link;
  return {
    look: k.state === "parked" ? "serious" : "",
    body: [
      el("h3", {}, l.name), el("ul", { class: "chips" }, chip(k.state, lookOf(k.state))),
      el("p", {}, k.problem), el("p", {}, k.monitor_only ? `Moves nothing: ${k.monitor_only}` : ""),
      list(["since", clock(k.since)], ["last event", clock(k.last_notice) || "none yet"], ["next try", clock(k.next_try)]),
      (l.commands ?? []).map((c) => el("p", { class: "quiet" }, `device command ${c.id}: ${c.state} `, c.note ?? "", c.problem ? `; not told yet: ${c.problem}` : "")),
      me.operate && l.reconnects ? el("div", {}, deed("reconnect", "Connect anew", l.name, { "data-id": l.name })) : "", outcome(),
    ],
  };
}

export function device(d, { me, roomOf }) {
  const s = d.state;
  return {
    look: s.condition === "offline" ? "serious" : s.condition === "quarantined" || s.condition === "degraded" ? "mild" : "",
    body: [
      el("h3", {}, d.name), el("ul", { class: "chips" }, chip(s.condition, lookOf(s.condition)), chip(d.kind, ""), d.waiting ? chip(`${d.waiting} waiting`, "warn") : ""),
      el("p", {}, s.reason), el("p", { class: "quiet" }, d.remark), list(["since", clock(s.since)]),
      (d.doing ?? []).map((o) => el("p", {}, `At work for ${subject(o.subject, roomOf)}${o.step === "accepted" ? ": present the card now" : o.step ? `: ${o.step}` : ""}`)),
      me.operate ? el("div", {}, deed("test", "Test", d.name, { "data-id": d.name })) : "", outcome(),
    ],
  };
}

const kinds = [["keycard", "Key"], ["iptv", "TV"], ["wifi", "WiFi"]];

export function room(r, { me, has, names }) {
  const chips = kinds.filter(([kind]) => has.includes(kind)).map(([kind, name]) => {
    const o = r.outcomes?.[kind];
    const known = o || (kind === "keycard" && r.key_until);
    const [word, look] = o?.forgotten ? ["not known since the restart", ""] : o ? state(o) : known ? ["done", "ok"] : ["nothing yet", ""];
    const said = o?.action && word === "done" ? { encode: "cut", cancel_room: "cancelled", welcome: "greets", clear: "cleared", ensure: "open", revoke: "closed" }[o.action] ?? word : word;
    return chip([`${name}: ${said} `, o ? clock(o.at) : "", kind === "keycard" && r.key_until ? [" until ", clock(r.key_until)] : ""].flat(), look,
      { "data-kind": kind, "data-state": o ? (o.unknown ? "unknown" : o.forgotten ? "forgotten" : o.state) : known ? "Processed" : "none" });
  });
  const notes = Object.values(r.outcomes ?? {}).filter((o) => o.note && (o.state === "Error" || o.state === "Pending"));
  const shown = names.get(r.room);
  return {
    body: [
      el("h3", {}, r.room),
      el("p", {}, `${count(r.guests, "guest")}`, missing(r.departure) ? "" : " until ", clock(r.departure), r.dnd ? ", not to be disturbed" : ""),
      el("ul", { class: "chips" }, chips),
      notes.map((o) => el("p", { class: "quiet" }, `${o.device}: ${o.note}`)),
      shown ? el("p", {}, shown.length ? shown.join(", ") : "The PMS has given no name.") : "",
      me.operate ? el("div", {}, deed("names", shown ? "Hide names" : "Show names", `room ${r.room}`, { "data-id": r.room, "aria-expanded": String(Boolean(shown)) })) : "", outcome(),
    ],
  };
}

export function happening(e, { roomOf }) {
  const where = e.old_room ? `room ${e.old_room} to ${e.room}` : e.room ? `room ${e.room}` : "";
  return {
    body: [
      el("h3", {}, el("code", {}, e.kind), ` ${where}`),
      el("p", { class: "quiet" }, clock(e.at), ` from ${e.source}${e.fresh ? "" : ", a replay or old news"}`),
      e.caused?.length ? el("ul", { class: "plain" }, e.caused.map((c) => el("li", {}, line(c, roomOf)))) : el("p", { class: "quiet" }, "Caused nothing."),
      el("div", {}, deed("explain", "Explain", `${e.kind} ${where}`, { "data-id": e.id })),
    ],
  };
}

function line(c, roomOf) {
  const [word, look] = state(c);
  const tries = c.tries > 1 ? `, ${c.tries} tries` : "";
  return [el("span", { class: `chip ${look}` }, word), " ", what(c, roomOf) || c.id, tries, missing(c.settled) ? "" : ", ", clock(c.settled), c.note ? `: ${c.note}` : ""];
}

/** explanation shows what the rules make of an event. */
export function explanation(x) {
  const does = (s) => el("li", {}, s.why ? `not ${s.action} at ${s.target}: ${s.why}`
    : [`${s.action} at ${s.target}${s.subject ? ` for ${s.subject}` : ""}${s.after ? `, ${span(s.after)} later` : ""}${s.within ? `, within ${span(s.within)} or not at all` : ""}`,
      s.params ? list(...s.params) : ""]);
  const why = (o) => o.field ? `${o.field} is ${o.actual || "empty"}, wanted: ${o.wanted}` : (o.steps ?? []).map((s) => `${s.action} at ${s.target}: ${s.why}`).join("; ");
  const not = (o) => el("li", {}, el("h4", {}, o.rule), el("p", { class: "quiet" }, why(o)));
  const near = x.others.filter((o) => o.field !== "event"), far = x.others.filter((o) => o.field === "event");
  return [
    el("h3", {}, `Would happen on ${x.event}${x.room ? ` in room ${x.room}` : ""}`),
    x.fires.length ? el("ul", { class: "rows" }, x.fires.map((f) => el("li", {}, el("h4", {}, f.rule), f.on ? el("p", { class: "quiet" }, `on ${f.on}, which comes with it`) : "", el("ul", {}, f.steps.map(does)))))
      : el("p", {}, "Nothing: no rule fires."),
    el("h3", {}, "Would not happen"),
    near.length ? el("ul", { class: "rows" }, near.map(not)) : "",
    far.length ? el("details", {}, el("summary", {}, `${count(far.length, "rule")} for other events`), el("ul", { class: "rows" }, far.map(not))) : "",
  ];
}

const levels = ["debug", "info", "warn", "error", "fatal", "panic"];
export const atLeast = (entry, level) => levels.indexOf(entry.level ?? "info") >= levels.indexOf(level);

/** isAbout tells whether a line of the log is about a room. */
export function isAbout(entry, room, roomOf) {
  if (entry.room === room) return true;
  const [sort, name] = [entry.subject?.split(":")[0], entry.subject?.split(":").slice(1).join(":")];
  if (!sort) return false;
  return (sort === "stay" ? roomOf(name) : name) === room;
}

/** logLine is a line of the log. */
export function logLine(entry) {
  const { time, level, message, ...rest } = entry;
  const look = level === "warn" ? "warn" : level === "info" || level === "debug" ? "" : "bad";
  const fields = Object.entries(rest).map(([k, v]) => `${k}=${typeof v === "string" ? v : JSON.stringify(v)}`).join(" ");
  return el("li", { class: look }, clock(time), ` ${level ?? ""} ${message ?? ""} `, el("span", { class: "quiet" }, fields));
}
