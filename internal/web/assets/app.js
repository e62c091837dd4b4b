// The page: what the agent tells, as it happens, and what a person sets off.
import * as view from "./view.js";
const { el } = view;
const $ = (id) => document.getElementById(id);

let me = { look: false, operate: false, users: false };
let stream, connected = false, problem = "";
const parts = {}; // name -> { order: [id], items: Map }
const names = new Map(); // room -> guests, for as long as somebody wants to see them
let log = [];
const maxLog = 500, shownLog = 200;

const lists = {
  conditions: view.condition, waits: view.waiting, commands: view.command, links: view.link,
  devices: view.device, rooms: view.room, events: view.happening,
};
const all = (name) => (parts[name]?.order ?? []).map((id) => parts[name].items.get(id)).filter(Boolean);
const house = () => ({ me, names, rooms: all("rooms"), devices: all("devices") });

function announce(text) { $("announce").textContent = text; }

// ---- What the house tells ----

function listen() {
  stream?.close();
  stream = new EventSource("api/stream");
  stream.onmessage = (e) => { connected = true; take(JSON.parse(e.data)); stand(); };
  stream.onerror = () => {
    connected = false;
    stand();
    if (stream?.readyState === EventSource.CLOSED) { stream = undefined; setTimeout(begin, 5000); }
  };
}

function take(m) {
  problem = m.problem ?? "";
  if (m.whole) { for (const name of Object.keys(parts)) delete parts[name]; log = []; }
  for (const [name, part] of Object.entries(m.parts ?? {})) {
    const p = (parts[name] ??= { order: [], items: new Map() });
    if (name === "conditions" && !m.whole && part.order) tellConditions(p, part);
    for (const [id, item] of Object.entries(part.items ?? {})) p.items.set(id, item);
    if (part.order) {
      p.order = part.order;
      const still = new Set(part.order);
      for (const id of p.items.keys()) if (!still.has(id)) p.items.delete(id);
    }
  }
  // What is about a stay is shown with its room, and a room with its devices.
  const wider = m.parts?.rooms || m.parts?.devices;
  for (const name of Object.keys(lists)) {
    const part = m.parts?.[name];
    if (part || m.whole || (wider && name !== "conditions")) show(name, m.whole || wider ? undefined : new Set(Object.keys(part.items ?? {})));
  }
  if (m.parts?.devices || m.parts?.links) devicesOfLog();
  if (m.log) { log.push(...m.log); log = log.slice(-maxLog); }
  if (m.log || m.whole || m.parts?.rooms) showLog();
}

function tellConditions(p, part) {
  const fresh = part.order.filter((id) => !p.items.has(id)).map((id) => part.items?.[id]).filter(Boolean);
  const gone = [...p.items.keys()].filter((id) => !part.order.includes(id));
  const words = fresh.map((c) => `New: ${c.code.replaceAll("-", " ")} ${c.about ?? ""}`).concat(gone.map((id) => `Over: ${id.replaceAll("-", " ")}`));
  if (words.length) announce(words.join(". "));
}

/** show brings a list up to date; only says which entries have changed, undefined for any. */
function show(name, only) {
  const ul = $(`${name}-list`), p = parts[name] ?? { order: [], items: new Map() };
  const have = new Map([...ul.children].map((li) => [li.dataset.id, li]));
  const around = house();
  let next = ul.firstElementChild;
  for (const id of p.order) {
    let li = have.get(id);
    have.delete(id);
    if (!li) { li = el("li", { "data-id": id }); fill(li, lists[name](p.items.get(id), around)); }
    else if (!only || only.has(id)) fill(li, lists[name](p.items.get(id), around));
    if (li === next) next = next.nextElementSibling;
    else ul.insertBefore(li, next);
  }
  for (const li of have.values()) {
    if (li.contains(document.activeElement)) $(`${name}-title`).focus();
    li.remove();
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
  li.className = look ?? "";
  if (fresh.isEqualNode(li.firstElementChild)) return;
  const held = li.contains(document.activeElement) ? document.activeElement.dataset.deed : undefined;
  li.replaceChildren(fresh);
  if (held) li.querySelector(`[data-deed="${held}"]`)?.focus();
}

function stand() {
  const bad = !connected || problem;
  const worst = all("conditions").filter((c) => c.serious).length;
  const since = parts.head?.items.get("head")?.started;
  $("stand").className = bad ? "bad" : "";
  const text = problem ? problem : !connected ? "The agent does not answer; trying again"
    : worst ? `${worst} ${worst === 1 ? "thing needs" : "things need"} a person` : me.problems && !since ? "Nothing runs: the property file has problems" : "All is well";
  if ($("stand").textContent !== text) $("stand").textContent = text;
}

function title() {
  const worst = all("conditions").filter((c) => c.serious).length;
  document.title = `${worst ? `(${worst}) ` : ""}${me.property || "edgeagent"}`;
}

// ---- Log and rooms: what is looked for ----

function devicesOfLog() {
  const select = $("log-device"), wanted = ["", ...all("devices").map((d) => d.name), ...all("links").map((l) => l.name)];
  if ([...select.options].map((o) => o.value).join("\n") === wanted.join("\n")) return;
  const chosen = select.value;
  select.replaceChildren(...wanted.map((name) => el("option", { value: name }, name || "all")));
  select.value = wanted.includes(chosen) ? chosen : "";
}

function showLog() {
  const device = $("log-device").value, room = $("log-room").value.trim(), level = $("log-level").value, rooms = all("rooms");
  const fits = (e) => view.atLeast(e, level) && (!device || e.device === device || e.pms === device) && (!room || view.isAbout(e, room, rooms));
  $("log-list").replaceChildren(...log.filter(fits).slice(-shownLog).reverse().map(view.logLine));
}

function findRoom() {
  const wanted = $("rooms-find").value.trim().toLowerCase();
  for (const li of $("rooms-list").children) li.hidden = wanted !== "" && !li.dataset.id.toLowerCase().includes(wanted);
}

// ---- What a person sets off ----

async function post(path, body) {
  const answer = await fetch(path, { method: "POST", headers: { "X-Edgeagent": "1", "Content-Type": "application/json" }, body: JSON.stringify(body ?? {}) });
  const text = answer.status === 204 ? "" : await answer.text();
  if (answer.status === 401 && path !== "api/login") begin(); // the session is over
  if (!answer.ok) throw new Error(text.trim() || `the agent answered ${answer.status}`);
  return text;
}

const at = (kind, id, deed) => `api/${kind}/${encodeURIComponent(id)}/${deed}`;

const deeds = {
  test: { path: (id) => at("devices", id, "probe"), done: "It answers." },
  reconnect: { path: (id) => at("links", id, "reconnect"), done: "It is opened anew." },
  retry: { path: (id) => at("commands", id, "retry"), done: "It is tried again." },
  cancel: { path: (id) => at("commands", id, "cancel"), done: "It is called off.", sure: "Call this off?" },
  done: { path: (id) => at("commands", id, "done"), done: "Noted: it was done.", sure: "You have looked, and it was done?" },
  "not-done": { path: (id) => at("commands", id, "not-done"), done: "Noted: it was not done.", sure: "You have looked, and it was not done?" },
};

function sure(question, about) {
  $("sure-text").textContent = `${question} ${about}`;
  const dialog = $("sure");
  return new Promise((resolve) => {
    dialog.returnValue = "no";
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
    dialog.showModal();
  });
}

function say(li, text, bad) {
  const p = li?.querySelector(".outcome");
  if (p) { p.textContent = text; p.className = `outcome ${bad ? "bad" : "ok"}`; }
  if (!p || !li.isConnected) announce(text);
}

async function press(button) {
  const { deed, id } = button.dataset, li = button.closest("li[data-id]");
  if (button.getAttribute("aria-disabled") === "true") return;
  if (deed === "explain") return explainHappened(id);
  if (deed === "names") return toggleNames(id, li);
  const d = deeds[deed];
  if (d.sure && !(await sure(d.sure, button.getAttribute("aria-label").split(": ").slice(1).join(": ")))) return;
  button.setAttribute("aria-disabled", "true");
  say(li, deed === "test" ? "Asking it…" : "…");
  try { await post(d.path(id)); say(li, d.done); } catch (e) { say(li, e.message, true); }
  const same = li.querySelector(`[data-deed="${deed}"]`);
  (same ?? button).removeAttribute("aria-disabled");
}

async function toggleNames(room, li) {
  if (names.delete(room)) return show("rooms");
  try {
    names.set(room, JSON.parse(await post(at("rooms", room, "names"))).names);
    show("rooms");
    setTimeout(() => { if (names.delete(room)) show("rooms"); }, 60000);
  } catch (e) { say(li, e.message, true); }
}

// ---- Explain ----

async function explain(path, body) {
  const out = $("explain-result");
  try { out.replaceChildren(...view.explanation(JSON.parse(await post(path, body))).filter(Boolean)); } catch (e) { out.replaceChildren(el("p", { class: "outcome bad" }, e.message)); }
  out.hidden = false;
  out.focus();
}

function explainHappened(id) {
  const e = parts.events.items.get(id);
  const quote = (v) => /\s/.test(v) ? `"${v}"` : v;
  const text = [e.kind, e.room && `room=${quote(e.room)}`, e.old_room && `old_room=${quote(e.old_room)}`, `fresh=${e.fresh}`].filter(Boolean).join(" ");
  $("explain-text").value = text;
  return me.operate ? explain(at("events", id, "explain")) : explain("api/explain", { text });
}

// ---- Who is here ----

async function begin() {
  const link = new URLSearchParams(location.hash.slice(1)).get("link");
  if (link) {
    history.replaceState(null, "", location.pathname); // it is used up, and nobody's business
    try { await post("api/login", { link }); } catch (e) { $("login-error").textContent = e.message; announce(e.message); }
  }
  try { me = await (await fetch("api/me")).json(); } catch { connected = false; stand(); setTimeout(begin, 5000); return; }
  view.inZone(me.zone);
  $("property").textContent = me.property || "edgeagent";
  $("version").textContent = `edgeagent ${me.version ?? ""}`;
  $("who").textContent = me.user ? `${me.user}${me.operate ? "" : " (may look)"}` : "";
  $("logout").hidden = !me.user;
  $("reload").hidden = !me.operate;
  $("house").hidden = $("nav").hidden = !me.look;
  $("problems").hidden = !me.problems;
  $("file-problems").textContent = me.problems ?? "";
  $("login").hidden = me.operate || Boolean(me.user);
  $("login-form").hidden = !me.users;
  $("login-title").textContent = me.users ? "Log in" : "This page only shows";
  $("login-hint").textContent = me.users ? (me.look ? "Without it, this page only shows." : "") : "To operate, run edgeagent page on the gateway and open the link that it prints.";
  title();
  if (me.look) listen();
  else { stream?.close(); stream = undefined; $("stand").textContent = "Not logged in"; names.clear(); for (const name of Object.keys(parts)) delete parts[name]; for (const name of Object.keys(lists)) show(name); log = []; showLog(); }
}

$("reload").addEventListener("click", async () => {
  const out = $("explain-result");
  let text = "", bad = false;
  try { text = (await post("api/reload")).trim(); text = text ? `Taken over, but: ${text}.` : "Taken over."; } catch (e) { text = e.message; bad = true; }
  out.replaceChildren(el("p", { class: `outcome ${bad ? "bad" : "ok"}` }, text));
  out.hidden = false;
  out.focus();
});
document.addEventListener("click", (e) => { const b = e.target.closest("button[data-deed]"); if (b) press(b); });
$("login-form").addEventListener("submit", async (e) => {
  e.preventDefault();
  $("login-error").textContent = "";
  try {
    await post("api/login", { name: $("login-name").value, password: $("login-password").value });
    $("login-password").value = "";
    await begin();
    $("main").focus();
  } catch (x) { $("login-error").textContent = x.message; }
});
$("logout").addEventListener("click", async () => { try { await post("api/logout"); } finally { begin(); } });
$("explain-form").addEventListener("submit", (e) => { e.preventDefault(); explain("api/explain", { text: $("explain-text").value }); });
for (const id of ["log-device", "log-room", "log-level"]) $(id).addEventListener("input", showLog);
$("rooms-find").addEventListener("input", findRoom);
$("sure-yes").addEventListener("click", () => $("sure").close("yes"));
$("sure-no").addEventListener("click", () => $("sure").close("no"));

// Nobody looks: the agent need not either.
let away;
document.addEventListener("visibilitychange", () => {
  clearTimeout(away);
  if (document.hidden) away = setTimeout(() => { stream?.close(); stream = undefined; }, 30000);
  else if (!stream && me.look) listen();
});
addEventListener("hashchange", () => { if (location.hash.startsWith("#link=")) begin(); });
begin();
