// A calm working day for the served API: some 20 requests a second, five reads in six, a few things read by everybody.
//
// An arrival rate, not users with pauses: the load stays the same when the API slows down, which is when it is looked at.
// The mix is chosen so that a cache has what a cache needs, popular answers; how often it hits is the API's doing.
// Told by the environment: BASE_URL, RATE, DURATION, DEMO_PASSWORD, and how many rows the seed made.

import http from 'k6/http';
import { check } from 'k6';

const BASE = __ENV.BASE_URL || 'http://127.0.0.1:8000';
const PASSWORD = __ENV.DEMO_PASSWORD || '';
const BLUEPRINTS = Number(__ENV.BLUEPRINTS || 60000);
const USERS = Number(__ENV.USERS || 5000);

// What people look at now, out of all there is. Larger sets need longer than the cache's 300 s to come round again.
const POPULAR_BLUEPRINTS = 150;
const POPULAR_USERS = 25;

const PROVIDERS = ['aws', 'azure', 'gcp', 'kubernetes', 'onprem'];
const STATUSES = ['active', 'draft', 'archived'];
const PAGES = 3;
const SUBJECTS = ['payments', 'search', 'billing', 'identity', 'orders', 'analytics'];
const THINGS = ['network', 'cluster', 'database', 'gateway'];

export const options = {
  scenarios: {
    steady: {
      executor: 'constant-arrival-rate',
      rate: Number(__ENV.RATE || 20),
      timeUnit: '1s',
      duration: __ENV.DURATION || '30m',
      preAllocatedVUs: 5,
      maxVUs: 40,
      gracefulStop: '2s',
    },
  },
  discardResponseBodies: true,
  // The default 14 tags on each of 16 samples are most of what k6 costs at this rate.
  systemTags: ['name', 'status', 'expected_response'],
};

// Rank 0 is asked for most, rank n - 1 some n times less (Zipf's law, by its inverse).
function rank(n) {
  return Math.floor(Math.pow(n + 1, Math.random())) - 1;
}

function anyOf(list) {
  return list[rank(list.length)];
}

function popularBlueprint() {
  // Spread over the table by a step that shares no factor with its size.
  return 1 + ((rank(POPULAR_BLUEPRINTS) * 7919) % BLUEPRINTS);
}

function anyBlueprint() {
  return 1 + Math.floor(Math.random() * BLUEPRINTS);
}

function get(path, name) {
  const answer = http.get(BASE + path, { tags: { name } });
  check(answer, { 'read is answered': (r) => r.status === 200 });
}

function send(method, path, body, name, expected, more) {
  const sent = { headers: { 'Content-Type': 'application/json' }, tags: { name }, ...more };
  const answer = http.request(method, BASE + path, body && JSON.stringify(body), sent);
  check(answer, { [`${name} is answered`]: (r) => r.status === expected });
  return answer;
}

function detail() {
  get(`/api/blueprints/${Math.random() < 0.97 ? popularBlueprint() : anyBlueprint()}`, 'detail');
}

function listOfUser() {
  get(`/api/blueprints?user_id=${1 + rank(POPULAR_USERS)}`, 'list of a user');
}

function listFiltered() {
  const status = Math.random() < 0.5 ? `&status=${anyOf(STATUSES)}` : '';
  get(`/api/blueprints?provider=${anyOf(PROVIDERS)}${status}&page=${1 + rank(PAGES)}`, 'list by provider');
}

function listNewest() {
  get('/api/blueprints', 'newest');
}

function search() {
  get(`/api/blueprints?q=${anyOf(SUBJECTS)}%20${anyOf(THINGS)}`, 'search');
}

// Blueprints this virtual user made, and may delete again.
const own = [];

function create() {
  const made = send(
    'POST',
    '/api/blueprints',
    {
      user_id: POPULAR_USERS + 1 + Math.floor(Math.random() * (USERS - POPULAR_USERS)),
      name: `${anyOf(SUBJECTS)} ${anyOf(THINGS)} sandbox`,
      provider: anyOf(PROVIDERS),
      definition: { nodes: 1 + rank(20) },
    },
    'create',
    201,
    { responseType: 'text' },
  );
  if (made.status === 201) own.push(made.json('id'));
}

function update() {
  const id = Math.random() < 0.2 ? popularBlueprint() : anyBlueprint();
  const dice = Math.random();
  // Most edits are of the definition, which no list shows.
  let change = { definition: { nodes: 1 + rank(20), zones: 3 } };
  if (dice < 0.3) change = { description: `Edited on ${new Date().toISOString()}.` };
  else if (dice < 0.4) change = { status: anyOf(STATUSES) };
  send('PUT', `/api/blueprints/${id}`, change, 'update', 200);
}

function remove() {
  if (own.length === 0) create();
  else send('DELETE', `/api/blueprints/${own.shift()}`, null, 'delete', 204);
}

function login() {
  // Only some users are active: the first of them is tried, and others' "no" is an answer too.
  const email = `user${1 + rank(USERS)}@example.com`;
  const answer = http.post(`${BASE}/api/login`, JSON.stringify({ email, password: PASSWORD }), {
    tags: { name: 'login' },
    responseCallback: http.expectedStatuses(201, 401),
  });
  check(answer, { 'login is answered': (r) => r.status === 201 || r.status === 401 });
}

// Parts in a thousand.
const MIX = [
  [665, detail],
  [130, listOfUser],
  [40, listFiltered],
  [15, listNewest],
  [20, search],
  [70, update],
  [18, create],
  [12, remove],
  [30, login],
];

export default function () {
  let dice = Math.random() * 1000;
  for (const [parts, action] of MIX) {
    dice -= parts;
    if (dice < 0) return action();
  }
  return detail();
}
