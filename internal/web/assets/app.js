// The page: what the agent tells, as it happens, and what a person sets off.
import * as house from "./house.js";
import * as view from "./view.js";
const { el } = view;
const { names, announce } = house;
const $ = (id) => document.getElementById(id);

let stream;

// ---- What the house tells ----

function listen() {
  stream?.close();
  stream = new EventSource("api/stream");
  stream.onmessage = (e) => {
    const m = JSON.parse(e.data);
    if (m.full) { stream.close(); stream = undefined; return fails("Too many pages are open, and another has taken the place of this one. Load it anew to go on"); }
    house.state.trouble = "";
    house.take(m);
  };
  stream.onerror = async () => {
    fails();
    if (stream?.readyState !== EventSource.CLOSED) return;
    stream = undefined;
    setTimeout(begin, 5000);
    fails(await refusal());
  };
}

function fails(why) {
  house.state.trouble = why || "The agent does not answer; trying again";
  house.stand();
}

/** refusal is why the agent does not tell what happens, which a stream does not say; "" where it would. */
async function refusal() {
  const enough = new AbortController();
  try {
    const answer = await fetch("api/stream", { signal: enough.signal });
    return answer.ok ? "" : (await answer.text()).trim();
  } catch { return ""; } finally { enough.abort(); }
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
    dialog.onclose = () => { if (!dialog.open) resolve(dialog.returnValue === "yes"); }; // not the end of the question before, which may come late
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

function hideNames(rooms) {
  if (!rooms.length) return;
  house.mark("rooms", rooms.filter((room) => names.delete(room)), false);
  house.later();
}

async function toggleNames(room, li) {
  if (names.has(room)) return hideNames([room]);
  try {
    names.set(room, JSON.parse(await post(at("rooms", room, "names"))).names);
    house.mark("rooms", [room], false);
    house.later();
    setTimeout(hideNames, 60000, [room]);
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
  const e = house.event(id);
  const quote = (v) => /\s/.test(v) ? `"${v}"` : v;
  const text = [e.kind, e.room && `room=${quote(e.room)}`, e.old_room && `old_room=${quote(e.old_room)}`, `fresh=${e.fresh}`].filter(Boolean).join(" ");
  $("explain-text").value = text;
  return house.state.me.operate ? explain(at("events", id, "explain")) : explain("api/explain", { text });
}

// ---- Who is here ----

async function begin() {
  hideNames([...names.keys()]); // who comes now is perhaps another one
  const link = new URLSearchParams(location.hash.slice(1)).get("link");
  if (link) {
    history.replaceState(null, "", location.pathname); // it is used up, and nobody's business
    try { await post("api/login", { link }); } catch (e) { $("login-error").textContent = e.message; announce(e.message); }
  }
  let me;
  try { me = await (await fetch("api/me")).json(); } catch { fails(); setTimeout(begin, 5000); return; }
  house.state.me = me;
  view.inZone(me.zone);
  $("property").textContent = me.property || "edgeagent";
  $("version").textContent = `edgeagent ${me.version ?? ""}`;
  $("who").textContent = !me.user ? "" : me.user === "link" ? "logged in by link" : `${me.user}${me.operate ? "" : " (may look)"}`;
  $("logout").hidden = !me.user;
  $("reload").hidden = !me.operate;
  $("house").hidden = $("nav").hidden = !me.look;
  $("problems").hidden = !me.problems;
  $("file-problems").textContent = me.problems ?? "";
  $("login").hidden = me.operate || Boolean(me.user);
  $("login-form").hidden = !me.users;
  $("login-title").textContent = me.users ? "Log in" : "This page only shows";
  $("login-hint").textContent = me.users ? (me.look ? "Without it, this page only shows." : "") : "To operate, run edgeagent page on the gateway and open the link that it prints.";
  house.title();
  if (me.look) listen();
  else { stream?.close(); stream = undefined; house.state.trouble = ""; house.forget(); house.later(); }
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
$("logout").addEventListener("click", async () => { hideNames([...names.keys()]); try { await post("api/logout"); } finally { begin(); } });
$("explain-form").addEventListener("submit", (e) => { e.preventDefault(); explain("api/explain", { text: $("explain-text").value }); });
for (const id of ["log-device", "log-room", "log-level"]) $(id).addEventListener("input", () => house.showLog());
$("rooms-find").addEventListener("input", house.findRoom);
$("sure-yes").addEventListener("click", () => $("sure").close("yes"));
$("sure-no").addEventListener("click", () => $("sure").close("no"));

// Nobody looks: the agent need not either.
let away;
document.addEventListener("visibilitychange", () => {
  clearTimeout(away);
  house.render(); // a frame that was promised may be long in coming
  if (document.hidden) away = setTimeout(() => { stream?.close(); stream = undefined; }, 30000);
  else if (!stream && house.state.me.look) listen();
});
addEventListener("hashchange", () => { if (location.hash.startsWith("#link=")) begin(); });
begin();
