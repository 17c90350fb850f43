// SMART App Launch: PKCE (S256) in the browser. The verifier lives as long as the login and never leaves this origin.
'use strict';

const told = document.getElementById('told');
const given = new URLSearchParams(location.search);
const text64 = (bytes) => btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
const random = () => text64(crypto.getRandomValues(new Uint8Array(32)));

async function answerOf(response) {
  const body = await response.json();
  if (!response.ok) throw new Error(body.detail);
  return body;
}

async function launch() {
  const iss = given.get('iss');
  if (!iss) throw new Error('This page is opened from a record system, which names itself. It did not.');
  const settings = await answerOf(await fetch(`/smart/settings?iss=${encodeURIComponent(iss)}`));
  const [verifier, state] = [random(), random()];
  const challenge = text64(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier))));
  sessionStorage.setItem('eutonia.login', JSON.stringify({ iss, verifier, state }));
  const there = new URL(settings.authorize);
  const asked = {
    response_type: 'code', client_id: settings.client_id, redirect_uri: settings.redirect_uri, scope: settings.scope,
    state, aud: iss, code_challenge: challenge, code_challenge_method: 'S256',
  };
  if (given.get('launch')) asked.launch = given.get('launch');
  for (const [name, value] of Object.entries(asked)) there.searchParams.set(name, value);
  location.replace(there);
}

async function callback() {
  const login = JSON.parse(sessionStorage.getItem('eutonia.login') || 'null');
  sessionStorage.removeItem('eutonia.login');
  if (given.get('error')) throw new Error(`The record system refused: ${given.get('error_description') || given.get('error')}.`);
  if (!login || login.state !== given.get('state')) throw new Error('This login was not begun here. Open the page from the record system again.');
  const response = await fetch('/smart/record', {
    method: 'POST', headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ iss: login.iss, code: given.get('code'), verifier: login.verifier }),
  });
  const bundle = await answerOf(response);
  sessionStorage.setItem('eutonia.record', JSON.stringify(bundle));
  location.replace('/');
}

(told.dataset.step === 'launch' ? launch() : callback()).catch((error) => { told.textContent = error.message; });
