// What the agent has told, and how the page comes to show it.
import * as view from "./view.js";
const { el } = view;
const $ = (id) => document.getElementById(id);

/** state is who looks, and what is wrong between the page and the agent, "" for nothing. */
export const state = { me: { look: false, operate: false, users: false }, trouble: "" };
export const names = new Map(); // room -> guests, for as long as somebody wants to see them
const parts = {}; // name -> { order: [id], items: Map }
const roomOf = new Map(); // stay -> its room
const log = [];
const maxLog = 500, shownLog = 200;
let problem = "";

const lists = {
  conditions: view.condition, waits: view.waiting, commands: view.command, links: view.link,
  devices: view.device, rooms: view.room, events: view.happening,
};
const all = (name) => (parts[name]?.order ?? []).map((id) => parts[name].items.get(id)).filter(Boolean);
export const event = (id) => parts.events.items.get(id);

export function announce(text) { $("announce").textContent = text; }

// ---- What the house tells ----

/** take takes over what the stream tells. */
export function take(m) {
  problem = m.problem ?? "";
  if (m.whole) forget();
  for (const [name, part] of Object.entries(m.parts ?? {})) {
    const p = (parts[name] ??= { order: [], items: new Map() });
    if (name === "conditions" && !m.whole && part.order) tellConditions(p, part);
    for (const [id, item] of Object.entries(part.items ?? {})) {
      if (name === "rooms") takeStays(id, p.items.get(id), item);
      p.items.set(id, item);
    }
    if (part.order) {
      p.order = part.order;
      const still = new Set(part.order);
      for (const [id, item] of p.items) if (!still.has(id)) { if (name === "rooms") takeStays(id, item); p.items.delete(id); }
    }
    mark(name, Object.keys(part.items ?? {}), Boolean(part.order));
  }
  if (m.log) { log.push(...m.log); log.splice(0, log.length - maxLog); due.log?.push(...m.log); }
  later();
}

/** forget has the page show nothing. */
export function forget() {
  for (const name of Object.keys(parts)) delete parts[name];
  for (const name of Object.keys(lists)) mark(name, [], true);
  log.length = 0;
  roomOf.clear();
  due.log = undefined;
}

/** takeStays notes whose room has become another. */
function takeStays(room, before, now) {
  for (const stay of before?.stays ?? []) if (roomOf.get(stay) === room && !now?.stays?.includes(stay)) { roomOf.delete(stay); due.moved.add(stay); }
  for (const stay of now?.stays ?? []) if (roomOf.get(stay) !== room) { roomOf.set(stay, room); due.moved.add(stay); }
}

function tellConditions(p, part) {
  const fresh = part.order.filter((id) => !p.items.has(id)).map((id) => part.items?.[id]).filter(Boolean);
  const gone = [...p.items.keys()].filter((id) => !part.order.includes(id));
  const words = fresh.map((c) => `New: ${c.code.replaceAll("-", " ")} ${c.about ?? ""}`).concat(gone.map((id) => `Over: ${id.replaceAll("-", " ")}`));
  if (words.length) announce(words.join(". "));
}

// ---- What the next frame shows: only what has changed, and what came in many messages once ----

// due is by list which entries look otherwise now, and whether the order does; stays that
// are elsewhere now; and the new lines of the log, undefined for all of them.
const nothing = () => ({ lists: {}, moved: new Set(), log: [] });
let due = nothing(), waiting = false;
const shown = {}; // name -> Map of the entries by id
const asked = new WeakMap(); // entry -> the stays whose rooms it names
let has = ""; // kinds of devices that there are

export function mark(name, ids, order) {
  const d = (due.lists[name] ??= { ids: new Set(), order: false });
  for (const id of ids) d.ids.add(id);
  d.order ||= order;
}

export function later() {
  if (waiting) return;
  waiting = true;
  if (document.hidden) setTimeout(render, 1000); // there are no frames, and the title still tells
  else requestAnimationFrame(render);
}

export function render() {
  if (!waiting) return;
  waiting = false;
  const kinds = [...new Set(all("devices").map((d) => d.kind))].sort().join(" ");
  const day = view.newDay();
  if (day) due.log = undefined;
  if (due.moved.size && $("log-room").value) due.log = undefined;
  for (const name of Object.keys(lists)) {
    if (day || (name === "rooms" && kinds !== has)) mark(name, parts[name]?.order ?? [], false);
    for (const [id, li] of due.moved.size ? shown[name] ?? [] : []) if (asked.get(li)?.some((stay) => due.moved.has(stay))) mark(name, [id], false);
  }
  has = kinds;
  const now = due;
  due = nothing();
  for (const [name, d] of Object.entries(now.lists)) if (lists[name]) show(name, d);
  if (now.lists.devices || now.lists.links) devicesOfLog();
  showLog(now.log);
  stand();
}

/** show brings a list up to date. */
function show(name, { ids, order }) {
  const ul = $(`${name}-list`), have = (shown[name] ??= new Map()), p = parts[name] ?? { order: [], items: new Map() };
  for (const [id, li] of order ? have : []) {
    if (p.items.has(id)) continue;
    if (li.contains(document.activeElement)) $(`${name}-title`).focus();
    li.remove();
    have.delete(id);
  }
  for (const id of ids) {
    if (!p.items.has(id)) continue;
    if (!have.has(id)) have.set(id, el("li", { "data-id": id }));
    const li = have.get(id), stays = [];
    fill(li, lists[name](p.items.get(id), { me: state.me, names, has, roomOf: (stay) => { stays.push(stay); return roomOf.get(stay); } }));
    asked.set(li, stays);
  }
  if (!order) return;
  let next = ul.firstElementChild;
  for (const id of p.order) {
    const li = have.get(id);
    if (li === next) next = next.nextElementSibling;
    else ul.insertBefore(li, next);
  }
  $(`${name}-count`).textContent = p.order.length ? `(${p.order.length})` : "";
  if (name === "rooms") findRoom();
  if (name === "conditions") title();
}

/** fill renders an entry, if it looks otherwise now; whoever has the keyboard on one of its buttons keeps it. */
function fill(li, { look, body }) {
  const fresh = el("div", {}, body.flat());
  const old = li.querySelector(".outcome"), its = fresh.querySelector(".outcome");
  if (old && its) { its.textContent = old.textContent; its.className = old.className; }
  if (li.className !== (look ?? "")) li.className = look ?? "";
  if (fresh.isEqualNode(li.firstElementChild)) return;
  const held = li.contains(document.activeElement) ? document.activeElement.dataset.deed : undefined;
  li.replaceChildren(fresh);
  if (held) li.querySelector(`[data-deed="${held}"]`)?.focus();
}

export function stand() {
  const { me, trouble } = state, bad = problem || trouble;
  const worst = all("conditions").filter((c) => c.serious).length;
  const since = parts.head?.items.get("head")?.started;
  $("stand").className = bad ? "bad" : "";
  const text = bad || (!me.look ? "Not logged in" : worst ? `${worst} ${worst === 1 ? "thing needs" : "things need"} a person`
    : me.problems && !since ? "Nothing runs: the property file has problems" : "All is well");
  if ($("stand").textContent !== text) $("stand").textContent = text;
}

export function title() {
  const worst = all("conditions").filter((c) => c.serious).length;
  document.title = `${worst ? `(${worst}) ` : ""}${state.me.property || "edgeagent"}`;
}

// ---- Log and rooms: what is looked for ----

function devicesOfLog() {
  const select = $("log-device"), wanted = ["", ...all("devices").map((d) => d.name), ...all("links").map((l) => l.name)];
  if ([...select.options].map((o) => o.value).join("\n") === wanted.join("\n")) return;
  const chosen = select.value;
  select.replaceChildren(...wanted.map((name) => el("option", { value: name }, name || "all")));
  select.value = wanted.includes(chosen) ? chosen : "";
}

/** showLog puts new lines above the others, which stay as they are: somebody may be copying from them. */
export function showLog(fresh) {
  const device = $("log-device").value, room = $("log-room").value.trim(), level = $("log-level").value, ul = $("log-list");
  const fits = (e) => view.atLeast(e, level) && (!device || e.device === device || e.pms === device) && (!room || view.isAbout(e, room, (stay) => roomOf.get(stay)));
  const lines = (fresh ?? log).filter(fits).slice(-shownLog).reverse().map(view.logLine);
  if (fresh) ul.prepend(...lines); else ul.replaceChildren(...lines);
  while (ul.children.length > shownLog) ul.lastElementChild.remove();
}

export function findRoom() {
  const wanted = $("rooms-find").value.trim().toLowerCase();
  for (const li of $("rooms-list").children) li.hidden = wanted !== "" && !li.dataset.id.toLowerCase().includes(wanted);
}

