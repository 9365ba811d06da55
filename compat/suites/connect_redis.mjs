// express-session on connect-redis and node-redis, over real HTTP requests.

import assert from 'node:assert/strict';

import { host, key, load, main, port, test } from './harness.mjs';

const { default: express } = await load('express');
const { default: session } = await load('express-session');
const { RedisStore } = await load('connect-redis');
const { createClient } = await load('redis');

async function site(options, body) {
  const client = createClient({ url: `redis://${host}:${port}` });
  client.on('error', () => {});
  await client.connect();
  const store = new RedisStore({ client, prefix: `${key('sess')}:`, ttl: 100, ...options });
  const app = express();
  const lasting = { cookie: { maxAge: 100_000 }, resave: false, saveUninitialized: false };
  app.use(session({ store, secret: 'for a test', ...lasting }));
  app.get('/visit', (request, response) => {
    request.session.visits = (request.session.visits ?? 0) + 1;
    response.json({ visits: request.session.visits });
  });
  app.get('/look', (request, response) => response.json({ visits: request.session.visits ?? 0 }));
  app.get('/regenerate', (request, response, next) => {
    request.session.regenerate((failure) => (failure ? next(failure) : response.json({})));
  });
  app.get('/logout', (request, response, next) => {
    request.session.destroy((failure) => (failure ? next(failure) : response.json({})));
  });
  const server = await new Promise((done) => {
    const started = app.listen(0, '127.0.0.1', () => done(started));
  });
  try {
    await body({ store, client, visitor: () => visitor(server.address().port) });
  } finally {
    server.closeAllConnections();
    server.close();
    client.destroy();
  }
}

function visitor(httpPort) {
  let cookie = '';
  return async (path) => {
    const answer = await fetch(`http://127.0.0.1:${httpPort}${path}`, { headers: { cookie } });
    const given = answer.headers.get('set-cookie');
    if (given) cookie = given.split(';')[0];
    assert.equal(answer.status, 200);
    return answer.json();
  };
}

test('sessions follow their cookie', () =>
  site({}, async ({ visitor }) => {
    const [ann, bob] = [visitor(), visitor()];
    for (const wanted of [1, 2, 3]) assert.equal((await ann('/visit')).visits, wanted);
    assert.equal((await bob('/visit')).visits, 1);
    assert.equal((await ann('/look')).visits, 3);
    await ann('/logout');
    assert.equal((await ann('/look')).visits, 0);
    assert.equal((await bob('/look')).visits, 1);
  }));

test('a regenerated session is a new one', () =>
  site({}, async ({ visitor, store }) => {
    const ann = visitor();
    await ann('/visit');
    const [before] = await store.ids();
    await ann('/regenerate');
    await ann('/visit');
    const after = await store.ids();
    assert.equal(after.length, 1);
    assert.notEqual(after[0], before);
  }));

test('reading a session renews its expiry', () =>
  site({}, async ({ visitor, store, client }) => {
    const ann = visitor();
    await ann('/visit');
    const [id] = await store.ids();
    const name = store.prefix + id;
    await client.expire(name, 10);
    await ann('/look');
    const left = await client.ttl(name);
    assert.ok(left > 90 && left <= 100, `${left} s are left`);
  }));

test('the store lists, counts and clears', () =>
  site({ scanCount: 7 }, async ({ visitor, store }) => {
    await Promise.all([...Array(60).keys()].map(() => visitor()('/visit')));
    assert.equal(await store.length(), 60);
    const all = await store.all();
    assert.equal(all.length, 60);
    assert.ok(all.every((each) => each.visits === 1 && each.id));
    await store.clear();
    assert.equal(await store.length(), 0);
  }));

test('visitors side by side do not mix', () =>
  site({}, async ({ visitor }) => {
    const counts = await Promise.all(
      [...Array(12).keys()].map(async (number) => {
        const get = visitor();
        for (let i = 0; i <= number; i += 1) await get('/visit');
        return (await get('/look')).visits;
      }),
    );
    assert.deepEqual(counts, [...Array(12).keys()].map((number) => number + 1));
  }));

await main();
