// The page's own script: charts, sliders, sharing, opening a record. No library but htmx and Vega; no eval.
'use strict';

document.documentElement.classList.add('scripts');
const form = document.getElementById('form');
const answers = document.getElementById('answers');
const say = (text, where = 'told') => { const told = document.getElementById(where); if (told) told.textContent = text; };
function later(wait, work) {
  let timer;
  const soon = (...given) => { clearTimeout(timer); timer = setTimeout(() => work(...given), wait); };
  soon.stop = () => clearTimeout(timer);
  return soon;
}

// --- charts -----------------------------------------------------------------------------------------

let vega;
function loadVega() {
  const load = (name) => new Promise((done, failed) => {
    const script = document.createElement('script');
    script.src = `/static/vendor/${name}.min.js`;
    script.onload = done;
    script.onerror = failed;
    document.head.append(script);
  });
  vega = vega || load('vega').then(() => load('vega-lite')).then(() => load('vega-embed'));
  return vega;
}

function theme() {
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const [ink, soft, rule] = [colour('--ink'), colour('--soft'), colour('--rule')];
  return {
    background: 'transparent', font: style.getPropertyValue('--font').trim(), view: { stroke: null },
    axis: { labelColor: soft, titleColor: ink, gridColor: rule, domainColor: rule, tickColor: rule, labelFontSize: 12, titleFontSize: 13, titleFontWeight: 'normal' },
    legend: { labelColor: ink, orient: 'top', title: null, labelFontSize: 12, columns: innerWidth < 640 ? 2 : 4 },
    title: { color: ink, subtitleColor: soft, fontSize: 14, anchor: 'start', fontWeight: 600 },
    range: { category: ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'].map(toned) },
  };
}

// The colours of the charts, as bright as a dark page needs them.
const dark = matchMedia('(prefers-color-scheme: dark)');
const BRIGHT = { '#0072b2': '#56b4e9', '#d55e00': '#ff9d5c', '#009e73': '#3fd0a5', '#5b6570': '#9aa6b2' };
const onPaper = () => document.documentElement.classList.contains('paper');
const toned = (colour) => (dark.matches && !onPaper() && BRIGHT[colour]) || colour;
const tonedAll = (value) => {
  if (typeof value === 'string') return toned(value);
  if (Array.isArray(value)) return value.map(tonedAll);
  if (value && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, name === 'values' ? part : tonedAll(part)]));
  return value;
};

// Panels stand side by side where there is room, so that they are seen together with what moves them.
async function draw(figure, spec) {
  await loadVega();
  figure.spec = spec;
  const { vconcat: panels, title, ...rest } = spec;
  const columns = figure.clientWidth >= 620 && panels.length > 1 ? 2 : 1;
  const width = Math.max(200, Math.min(700, figure.clientWidth / columns - 82));
  const fitted = { ...rest, columns, concat: panels.map((panel) => ({ ...tonedAll(panel), width, height: 105 })) };
  let place = figure.querySelector('.drawing');
  if (!place) {
    figure.querySelectorAll('p').forEach((note) => note.remove());
    place = document.createElement('div');
    place.className = 'drawing';
    const caption = document.createElement('figcaption');
    caption.textContent = `${title.subtitle.join('; ')}.`.replace(/^./, (letter) => letter.toUpperCase());
    figure.append(place, caption);
  }
  await vegaEmbed(place, fitted, { mode: 'vega-lite', ast: true, actions: false, renderer: 'svg', config: theme(), defaultStyle: false, tooltip: false });
}

function drawNew(root) {
  root.querySelectorAll('figure.chart > script[type="application/json"]').forEach((data) => {
    const figure = data.parentElement;
    const spec = JSON.parse(data.textContent);
    data.remove();
    draw(figure, spec);
  });
}
new MutationObserver(() => drawNew(document)).observe(document.body, { childList: true, subtree: true });
const drawAgain = () => Promise.all([...document.querySelectorAll('figure.chart')].map((figure) => figure.spec && draw(figure, figure.spec)));
const redraw = later(200, drawAgain);
let lastWidth = innerWidth;
addEventListener('resize', () => { if (innerWidth !== lastWidth) { lastWidth = innerWidth; redraw(); } });
dark.addEventListener('change', redraw);

// --- sliders ----------------------------------------------------------------------------------------

const valueOf = (slider) => slider.dataset.values.split(' ')[Number(slider.value)];
function show(slider) {
  const text = `${valueOf(slider)} ${slider.dataset.unit}`;
  slider.setAttribute('aria-valuetext', text);
  slider.parentElement.querySelector('output').textContent = text;
}

// While a slider moves, a few virtual patients are drawn; once it rests, all of them. One request at a time, and then
// the newest: what the server has begun it would finish anyway.
async function follow(box, moving) {
  if (box.busy) { box.next = moving; return; }
  box.busy = true;
  try { await simulate(box, moving); } finally { box.busy = false; }
  if (box.next !== undefined) { const next = box.next; delete box.next; follow(box, next); }
}
async function simulate(box, moving) {
  const fields = new URLSearchParams(form ? new FormData(form) : undefined);
  box.querySelectorAll('[data-try]').forEach((slider) => fields.set(`try.${slider.dataset.try}`, valueOf(slider)));
  const figure = box.querySelector('figure.chart') || box.parentElement.querySelector('figure.chart');
  fields.set('place', box.dataset.place || '0');
  fields.set('plan_field', box.dataset.planField || 'plan');
  if (figure.dataset.drug) { fields.set('drug', figure.dataset.drug); fields.set('panels', figure.dataset.panels); }
  if (moving) fields.set('moving', '1');
  const tried = box.querySelector('.tried');
  if (!tried.textContent) tried.textContent = 'Simulating…';
  try {
    const answer = await fetch('/course', { method: 'POST', body: fields });
    const made = await answer.json();
    if (!box.isConnected) return;
    if (!answer.ok) { tried.textContent = made.detail; return; }
    tried.textContent = made.told;
    box.plan = made.plan;
    const use = box.querySelector('[data-use]');
    if (use) use.hidden = false;
    figure.setAttribute('aria-label', `Course of ${made.told}`);
    await draw(figure, made.spec);
  } catch {
    tried.textContent = 'The simulation could not be reached.';
  }
}
const followSoon = new WeakMap();
document.addEventListener('input', (event) => {
  const slider = event.target;
  if (!slider.dataset || !slider.dataset.try) return;
  show(slider);
  const box = slider.closest('.try, .learn');
  if (!followSoon.has(box)) followSoon.set(box, [later(60, follow), later(600, follow)]);
  const [soon, atRest] = followSoon.get(box);
  soon(box, true);
  atRest(box, false);
});
document.querySelectorAll('.learn').forEach((box, number) => {
  const seen = new IntersectionObserver((entries) => {
    if (entries.some((entry) => entry.isIntersecting)) { seen.disconnect(); setTimeout(follow, 150 * number, box); }
  }, { rootMargin: '300px' });
  seen.observe(box);
});

const OF_LINKS = 'It holds what the form holds, behind a # sign that browsers send to no server. Whoever has it can read it.';

// --- the form ---------------------------------------------------------------------------------------

const fieldOf = (name) => form.elements[name];
// One request for each state of the form: a press of the button after a change asks once, not twice.
let asked = '';
function assess() {
  judgeSoon.stop();
  asked = new URLSearchParams(new FormData(form)).toString();
  htmx.trigger(form, 'judge');
}
const judgeSoon = later(250, () => { if (new URLSearchParams(new FormData(form)).toString() !== asked) assess(); });

function state() {
  return Object.fromEntries([...new FormData(form)].filter(([, value]) => typeof value === 'string' && value.trim()));
}
function pack(given) {
  const bytes = new TextEncoder().encode(JSON.stringify(given));
  let text = '';
  bytes.forEach((byte) => { text += String.fromCharCode(byte); });
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
function unpack(text) {
  const raw = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(raw, (letter) => letter.charCodeAt(0))));
}
function fill(given) {
  for (const [name, value] of Object.entries(given)) {
    if (name.startsWith('answer.') && !fieldOf(name)) {
      const kept = document.createElement('input');
      Object.assign(kept, { type: 'hidden', name, value });
      document.getElementById('questions').append(kept);
    } else if (fieldOf(name)) {
      const field = fieldOf(name);
      if (field.type === 'checkbox') field.checked = true; else field.value = value;
    }
  }
  if (given.plan_b) second(true);
  if (given.record) showRecord('a record that came with the link');
}
function second(open) {
  document.getElementById('second').hidden = !open;
  document.getElementById('add-second').textContent = open ? 'One plan only' : 'Compare two plans';
  if (!open) fieldOf('plan_b').value = '';
}
function showRecord(name) {
  document.getElementById('record-name').textContent = `Open: ${name}`;
  document.getElementById('record-shown').hidden = false;
  form.classList.add('recorded');
}
function hideRecord() {
  fieldOf('record').value = '';
  fieldOf('as_of').value = '';
  document.getElementById('record-shown').hidden = true;
  document.getElementById('record-holds').replaceChildren();
  form.classList.remove('recorded');
}
// Another patient: what was filled in for the one before must not be added to this record. The plans stay.
function openRecord(text, name, asOf = '') {
  const plans = ['plan', 'plan_b'].map((field) => [field, fieldOf(field).value]);
  form.querySelectorAll('input:not([type=file]), select, textarea').forEach((field) => {
    if (['checkbox', 'radio'].includes(field.type)) field.checked = false; else field.value = '';
  });
  document.getElementById('questions').replaceChildren();
  plans.forEach(([field, value]) => { fieldOf(field).value = value; });
  fieldOf('record').value = text;
  fieldOf('as_of').value = asOf;
  say('', 'file-told');
  showRecord(name);
  assess();
}
// The day here, not the one in London.
const today = () => { const now = new Date(); return new Date(now - now.getTimezoneOffset() * 60000).toISOString().slice(0, 10); };
const welcome = document.getElementById('answer')?.innerHTML;
function showWelcome() {
  document.getElementById('answer').innerHTML = welcome;
  document.getElementById('tools').hidden = true;
  answers.classList.remove('old');
  ['told', 'announced', 'file-told'].forEach((place) => say('', place));
}

if (form) {
  form.addEventListener('submit', (event) => { event.preventDefault(); assess(); });
  form.addEventListener('change', () => judgeSoon());
  form.addEventListener('input', () => { if (!document.getElementById('tools').hidden) answers.classList.add('old'); });
  document.getElementById('add-second').addEventListener('click', () => {
    const open = document.getElementById('second').hidden;
    second(open);
    if (open) fieldOf('plan_b').focus(); else assess();
  });
  document.getElementById('share').addEventListener('click', async () => {
    const link = new URL(location.href);
    link.search = '';
    link.hash = pack(state());
    if (link.href.length > 60000) { say('The record is too large for a link. Send the file instead.'); return; }
    history.replaceState(null, '', link);
    try { await navigator.clipboard.writeText(link.href); say(`The link is copied. ${OF_LINKS}`); } catch { say(`The link is in the address bar. ${OF_LINKS}`); }
  });
  // Paper is white: charts of a dark page are drawn once more before they are printed.
  document.getElementById('print').addEventListener('click', async () => {
    if (!dark.matches) { print(); return; }
    document.documentElement.classList.add('paper');
    try { await drawAgain(); print(); } finally { document.documentElement.classList.remove('paper'); redraw(); }
  });
  document.getElementById('file').addEventListener('change', async (event) => {
    const [file] = event.target.files;
    if (!file) return;
    if (file.size > 4_000_000) { say(`${file.name} is larger than 4 MB. Assess it with the command line: eutonia assess ${file.name}`, 'file-told'); return; }
    openRecord(await file.text(), file.name);
    event.target.value = '';
  });
  document.getElementById('record-close').addEventListener('click', () => { hideRecord(); form.requestSubmit(); });
  form.addEventListener('reset', () => setTimeout(() => {
    judgeSoon.stop();
    htmx.trigger(form, 'htmx:abort');
    hideRecord();
    second(false);
    document.getElementById('questions').replaceChildren();
    history.replaceState(null, '', location.pathname);
    asked = '';
    showWelcome();
    fieldOf('plan').focus();
  }));
  if (location.hash.length > 1) {
    try { fill(unpack(location.hash.slice(1))); addEventListener('load', () => setTimeout(assess, 50)); } catch { say('This link cannot be read.'); }
  }
  const launched = sessionStorage.getItem('eutonia.record');
  if (launched) {
    sessionStorage.removeItem('eutonia.record');
    addEventListener('load', () => setTimeout(openRecord, 50, launched, 'the patient of the record system', today()));
  }
}

// What came back is told once, in a sentence; the answer itself is no live region, or all of it would be read out.
document.body.addEventListener('htmx:after:swap', (event) => {
  if (event.detail.ctx.target.id !== 'answer') return;
  answers?.classList.remove('old');
  if (form) document.getElementById('tools').hidden = false;
  say('');
  const found = [...document.querySelectorAll('#answer .verdict-line, #answer .banner, #answer #found ~ p')].slice(0, 2);
  say(found.map((each) => each.textContent.trim().replace(/\s+/g, ' ')).join('. '), 'announced');
});
// An answer that failed leaves no older one standing in its place.
function failed(event) {
  const ctx = event.detail.ctx;
  if (!ctx) return;
  const { target, response } = ctx;
  let why = 'The service cannot be reached. Press the button again in a moment.';
  if (response?.status >= 400) {
    try { why = JSON.parse(ctx.text).detail; } catch { why = `The service answered with status ${response.status}.`; }
  }
  const banner = document.createElement('p');
  banner.className = 'banner';
  banner.setAttribute('role', 'alert');
  banner.textContent = `No answer: ${why}`;
  if (target.id === 'way-off') {
    target.querySelector('.banner')?.remove();
    target.prepend(banner);
    return;
  }
  target.replaceChildren(banner);
  if (target.id === 'will') {
    const again = document.createElement('button');
    again.type = 'button';
    again.textContent = 'Simulate again';
    again.addEventListener('click', () => htmx.trigger(target, 'again'));
    target.append(again);
  }
  if (target.id === 'answer') { asked = ''; answers?.classList.remove('old'); }
}
['htmx:response:error', 'htmx:error'].forEach((name) => document.body.addEventListener(name, failed));

// On a phone the answer stands below the form: after a press of the button it is brought into view.
if (form) {
  let pressed = false;
  form.querySelector('button.main').addEventListener('click', () => { pressed = true; });
  document.getElementById('file').addEventListener('change', () => { pressed = true; });
  new MutationObserver(() => {
    if (pressed && innerWidth < 960) document.getElementById('answer').scrollIntoView();
    pressed = false;
  }).observe(document.getElementById('answer'), { childList: true });
}

document.addEventListener('click', (event) => {
  const button = event.target.closest('[data-plan], [data-beside], [data-focus], [data-clear], [data-use], [data-as-of]');
  if (!button) return;
  const { plan, beside, focus, clear, use, asOf } = button.dataset;
  if (asOf !== undefined) { fieldOf('as_of').value = asOf && today(); assess(); }
  if (plan) { fieldOf('plan').value = plan; assess(); }
  if (beside) { second(true); fieldOf('plan_b').value = beside; assess(); scrollTo({ top: 0 }); }
  if (focus) { event.preventDefault(); document.getElementById(focus).focus(); }
  if (clear) { form.querySelectorAll(`[name="${CSS.escape(clear)}"]`).forEach((radio) => { radio.checked = false; }); assess(); }
  if (use !== undefined) {
    const box = button.closest('.try');
    if (box.plan) { fieldOf(box.dataset.planField).value = box.plan; assess(); }
  }
});

const articleFile = document.getElementById('article-file');
if (articleFile) {
  articleFile.addEventListener('change', async () => {
    if (articleFile.files[0]) document.getElementById('text').value = await articleFile.files[0].text();
  });
}
