'use strict';
// The page shows what the hotel says of itself and tells it what a person does.
// All that comes from there is text: nothing is ever made into markup.

const $ = id => document.getElementById(id);
let view = null;

function el(tag, props, ...children) {
  const e = document.createElement(tag);
  for (const [k, v] of Object.entries(props || {})) {
    if (k === 'class') e.className = v;
    else if (k === 'text') e.textContent = v;
    else if (k.startsWith('on')) e.addEventListener(k.slice(2), v);
    else e.setAttribute(k, v);
  }
  e.append(...children);
  return e;
}

function say(text, bad) {
  $('said').textContent = text;
  $('said').className = bad ? 'wrong' : 'well';
}

async function act(deed) {
  try {
    const answer = await fetch('/api/act', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'X-Control-Room': '1' },
      body: JSON.stringify(deed),
    });
    const text = await answer.text();
    let said;
    try { said = JSON.parse(text); } catch { said = { error: text }; }
    if (said.error) say('Not done: ' + said.error, true);
    else say(said.said.charAt(0).toUpperCase() + said.said.slice(1) + '.');
    return !said.error;
  } catch {
    say('Not done: the hotel does not answer.', true);
    return false;
  }
}

// fill makes the children of a list anew where their text or order has changed.
function fill(list, items) {
  const key = JSON.stringify(items);
  if (list.dataset.key === key) return;
  list.dataset.key = key;
  list.replaceChildren(...items.map(([text, cls]) => el('li', { text, class: cls || '' })));
}

// choices keeps what is chosen when a list of choices changes.
function choices(select, items) {
  const key = JSON.stringify(items);
  if (select.dataset.key === key) return;
  select.dataset.key = key;
  const chosen = select.value;
  select.replaceChildren(...items.map(([value, text]) => el('option', { value, text })));
  if (items.some(([value]) => value === chosen)) select.value = chosen;
}

const guestText = g => `${g.name}, ${g.room}`;

function lists() {
  const inHouse = view.rooms.flatMap(r => r.guests);
  return {
    rooms: view.rooms.map(r => [r.room, r.room + (r.guests.length ? ' (taken)' : '') + (r.mews ? ' – Mews' : '')]),
    guests: inHouse.map(g => [g.id, guestText(g)]).concat(view.left.map(g => [g.id, guestText(g) + (g.reversed ? ' – did not stay' : ' – has left')])),
    encoders: view.encoders.map(e => [e.name, e.name]),
    cards: [['', 'choose a card']].concat(view.cards.filter(c => !c.in).map(c => [c.uid, `${c.text} (${c.uid.slice(-4)})`])),
    slot: [['new blank', 'a new blank card'], ['new staff', 'a staff card'], ['new foreign', 'a card from elsewhere'], ['new damaged', 'a damaged card']]
      .concat(view.cards.filter(c => !c.in).map(c => [c.uid, `${c.text} (${c.uid.slice(-4)})`])),
    phones: view.phones.map(p => [p.name, p.name]),
    coded: [['', 'nobody']].concat(view.rooms.filter(r => r.code).map(r => [r.room, r.room])),
  };
}

function showJudge() {
  const n = view.wrong.length;
  $('verdict').textContent = n ? `${n} thing${n > 1 ? 's are' : ' is'} not as it should be.` : 'The house is as it should be.';
  $('verdict').className = n ? 'wrong' : 'well';
  fill($('wrong'), view.wrong.map(w => [`${w.about}: ${w.text}`]));
  fill($('conditions'), view.conditions.length
    ? view.conditions.map(c => [[c.about, c.text, c.code && `(${c.code})`].filter(Boolean).join(' ')])
    : [['Nothing to mend.', 'soft']]);
  $('notes').hidden = !view.notes.length;
  fill($('notelist'), view.notes.map(n => [n]));
  $('locked').hidden = !view.locked;
  $('locked').textContent = view.locked;
}

function showAgent() {
  $('agent').textContent = 'The agent is ' + view.agent.text + '.';
  $('agent').className = view.agent.runs || !view.agent.ours ? 'well' : 'wrong';
  $('power').hidden = !view.agent.ours;
  const url = view.status + '/';
  if (/^http:\/\/127\.0\.0\.1:\d+\/$/.test(url)) $('status').href = url;
}

// Encoders never come or go: each is built once, and then kept up to date.
const encoders = new Map();

function buildEncoder(e) {
  const lamp = el('p', { class: 'lamp', role: 'status' });
  const slot = el('p', {});
  const card = el('select', { 'data-list': 'slot' });
  const wrong = el('select', {},
    ...[['no card', 'nobody presents it'], ['jam', 'it jams'], ['pulled', 'it is pulled out too early'], ['damaged', 'it is damaged'],
      ['late', 'the answer is late'], ['lost', 'the answer gets lost']].map(([value, text]) => el('option', { value, text })));
  const byHand = el('input', { type: 'checkbox', onchange: () => act({ do: 'by hand', encoder: e.name, on: byHand.checked }) });
  const put = el('button', { type: 'button', text: 'Put the card in', onclick: () => act({ do: 'insert', encoder: e.name, card: card.value }) });
  const out = el('button', { type: 'button', text: 'Take it out', onclick: () => act({ do: 'take', encoder: e.name }) });
  const head = el('h3', { text: e.name });
  const tile = el('div', { class: 'tile', role: 'group', 'aria-label': 'Encoder ' + e.name }, head, el('p', { class: 'soft', text: 'device ' + e.device }), lamp, slot,
    el('label', { class: 'tick' }, byHand, 'I put the cards in'),
    el('div', { class: 'row' }, el('label', {}, 'Card', card), put, out),
    el('div', { class: 'row' }, el('label', {}, 'With the next card', wrong),
      el('button', { type: 'button', class: 'bad', text: 'Let it go wrong', onclick: () => act({ do: 'next card', encoder: e.name, text: wrong.value }) })),
    el('div', { class: 'row' }, ...switchButtons(s => s.encoder === e.name)));
  $('encoders').append(tile);
  encoders.set(e.name, { lamp, slot, byHand, put, out });
}

function showEncoders() {
  for (const e of view.encoders) {
    if (!encoders.has(e.name)) buildEncoder(e);
    const t = encoders.get(e.name);
    const lamp = !e.plugged ? 'unplugged' : e.waits ? 'asks for a card' : e.busy ? 'at work' : 'idle';
    if (t.lamp.textContent !== lamp) t.lamp.textContent = lamp;
    t.lamp.className = 'lamp' + (e.waits ? ' on' : '');
    const card = view.cards.find(c => c.uid === e.card);
    t.slot.textContent = card ? `In the slot: ${card.text} (${card.uid.slice(-4)})` : e.byHand ? 'The slot is empty.' : 'Blank cards come by themselves.';
    if (document.activeElement !== t.byHand) t.byHand.checked = e.byHand;
    t.put.disabled = !e.byHand || !!e.card;
    t.out.disabled = !e.card;
  }
}

const switches = new Map();

function switchButtons(which) {
  return view.switches.filter(which).map(s => {
    const b = el('button', {
      type: 'button', class: 'bad', 'aria-pressed': 'false', text: s.text,
      onclick: () => act({ do: 'switch', switch: s.name, on: b.getAttribute('aria-pressed') !== 'true' }),
    });
    switches.set(s.name, b);
    return b;
  });
}

function showSwitches() {
  if (!$('switches').childElementCount) $('switches').append(...switchButtons(s => !s.encoder));
  for (const [name, b] of switches) b.setAttribute('aria-pressed', String(view.broken.includes(name)));
}

function tv(t) {
  const screen = el('div', { class: 'tv', role: 'group', 'aria-label': 'TV ' + t.id });
  if (t.dir === 'rtl' || t.dir === 'ltr') screen.setAttribute('dir', t.dir);
  if (/^[A-Za-z0-9-]{2,20}$/.test(t.lang)) screen.setAttribute('lang', t.lang);
  if (!t.on) screen.append(el('p', { text: 'not connected', dir: 'ltr', lang: 'en' }));
  if (!t.names.length) screen.append(el('p', { text: 'no greeting', dir: 'ltr', lang: 'en' }));
  for (const n of t.names) screen.append(el('p', { text: n }));
  if (t.wifi) screen.append(el('p', { text: 'WiFi: ' + t.wifi, dir: 'ltr' }));
  for (const m of t.messages) screen.append(el('p', { text: '✉ ' + m, dir: 'auto' }));
  if (t.popup) screen.append(el('p', { text: t.popup, dir: 'auto' }));
  return screen;
}

const tiles = new Map();

function showRooms() {
  for (const r of view.rooms) {
    const key = JSON.stringify(r);
    let tile = tiles.get(r.room);
    if (!tile) {
      tile = el('article', { class: 'tile', 'aria-label': 'Room ' + r.room });
      tiles.set(r.room, tile);
      $('rooms').append(tile);
    }
    if (tile.dataset.key === key) continue;
    tile.dataset.key = key;
    tile.replaceChildren(
      el('h3', { text: r.room + (r.mews ? ' – Mews' : '') }),
      ...(r.guests.length ? r.guests.map(g => el('p', { text: `${g.name}, until ${g.until}` })) : [el('p', { class: 'soft', text: 'nobody is in' })]),
      ...r.tvs.map(tv),
      ...(/^http:\/\/127\.0\.0\.1:\d+\/?#/.test(r.page)
        ? [el('p', {}, el('a', { href: r.page, target: '_blank', rel: 'noopener', text: 'TV of ' + r.room + ' in a window' }))] : []),
      el('p', { text: r.opens.length ? 'Opens to ' + r.opens.map(u => u.slice(-4)).join(', ') : 'No guest’s card opens the door.' }),
      el('p', { text: r.code ? 'WiFi: ' + [r.code.user, r.code.code].filter(Boolean).join(' ') : 'No WiFi code.' }));
  }
}

function showCommands() {
  const list = $('commands'), key = JSON.stringify(view.commands);
  if (list.dataset.key === key) return;
  list.dataset.key = key;
  const had = list.contains(document.activeElement);
  list.replaceChildren(...view.commands.map(c => el('li', { text: c.text + ' ' },
    ...(c.final ? [] : [el('button', { type: 'button', text: 'Take back', onclick: () => act({ do: 'cancel key', command: c.id }) })]))));
  if (had) (list.querySelector('button') || $('desk').querySelector('select')).focus();
}

function show() {
  const all = lists();
  showJudge(); showAgent(); showSwitches(); showEncoders(); showRooms(); showCommands();
  for (const s of document.querySelectorAll('select[data-list]')) choices(s, all[s.dataset.list]);
  fill($('phones'), view.phones.map(p => [`${p.name}: ${p.online ? 'online' : 'offline'}${p.said ? ' – ' + p.said : ''}`, p.online ? 'well' : 'soft']));
  $('mews').hidden = !view.rooms.some(r => r.mews);
  desk();
}

// desk lets only what fits the chosen guest be pressed.
function desk() {
  const f = $('stay').elements;
  const left = view.left.find(g => g.id === f.guest.value);
  const guest = left || view.rooms.flatMap(r => r.guests).find(g => g.id === f.guest.value);
  for (const b of $('stay').querySelectorAll('button[data-do]')) {
    const back = b.dataset.do === 'reverse check-out';
    b.disabled = !guest || back !== !!left || (back && left.reversed)
      || (b.dataset.do === 'message' && guest.mews) || (b.dataset.do === 'cut key' && !guest.mews);
  }
}

function start() {
  $('checkin').addEventListener('submit', e => {
    e.preventDefault();
    const f = e.target.elements;
    act({
      do: 'check in', title: f.title.value, first: f.first.value, last: f.last.value, language: f.language.value,
      room: f.room.value, nights: Number(f.nights.value), share: f.share.checked,
    });
  });
  $('stay').addEventListener('submit', e => e.preventDefault());
  $('stay').addEventListener('change', () => view && desk());
  $('stay').addEventListener('click', e => {
    const b = e.target.closest('button[data-do]');
    if (!b) return;
    const f = $('stay').elements, deed = { do: b.dataset.do, guest: f.guest.value };
    if (deed.do === 'move') deed.room = f.room.value;
    if (deed.do === 'stretch') deed.hours = Number(b.dataset.hours);
    if (deed.do === 'message' || deed.do === 'rename') deed.text = f.text.value;
    if (deed.do === 'cut key') { deed.cards = Number(f.cards.value); deed.encoder = f.encoder.value; }
    act(deed);
  });
  $('power').addEventListener('click', e => { if (e.target.dataset.power) act({ do: 'power', text: e.target.dataset.power }); });
  $('door').addEventListener('submit', e => {
    e.preventDefault();
    act({ do: 'door', card: e.target.elements.card.value, room: e.target.elements.room.value });
  });
  const join = $('join');
  join.addEventListener('change', e => {
    if (e.target.name !== 'from' || !view) return;
    const room = view.rooms.find(r => r.room === e.target.value);
    join.elements.user.value = room && room.code ? room.code.user : '';
    join.elements.code.value = room && room.code ? room.code.code : '';
  });
  join.addEventListener('submit', e => {
    e.preventDefault();
    const f = join.elements;
    act({ do: 'join', phone: f.phone.value, user: f.user.value, code: f.code.value });
  });
  const live = new EventSource('/api/live');
  live.onmessage = e => { $('line').textContent = 'Live'; view = JSON.parse(e.data); show(); };
  live.onerror = () => { $('line').textContent = 'The hotel does not answer. This page tries again.'; };
}

start();
