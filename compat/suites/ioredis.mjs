// ioredis 6: its own interface, results compared.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';

import { host, key, load, main, port, test, until } from './harness.mjs';

const { Redis } = await load('ioredis');
const connect = (options = {}) => new Redis({ host, port, ...options });

async function using(options, body) {
  const client = connect(options);
  try {
    await body(client);
  } finally {
    client.disconnect();
  }
}

test('becomes ready and answers', () =>
  using({}, async (client) => {
    await new Promise((done, fail) => client.once('ready', done).once('error', fail));
    assert.equal(await client.ping(), 'PONG');
    assert.equal(client.status, 'ready');
  }));

test('strings, counters and several keys', () =>
  using({}, async (client) => {
    const [one, two] = [key('one'), key('two')];
    assert.equal(await client.get(one), null);
    assert.equal(await client.set(one, 'v'), 'OK');
    assert.equal(await client.set(one, 'w', 'NX'), null);
    assert.equal(await client.set(one, 'w', 'EX', 100, 'GET'), 'v');
    assert.ok([99, 100].includes(await client.ttl(one)));
    assert.equal(await client.incrby(two, 41), 41);
    assert.equal(await client.incr(two), 42);
    assert.equal(Number(await client.incrbyfloat(two, 0.5)), 42.5);
    assert.deepEqual(await client.mget(one, two, key('none')), ['w', '42.5', null]);
    assert.equal(await client.mset({ [one]: '1', [two]: '2' }), 'OK');
    assert.equal(await client.getdel(one), '1');
    assert.equal(await client.exists(one, two), 1);
    assert.equal(await client.del(one, two), 1);
    await assert.rejects(client.call('NOSUCH', 'a'), /ERR unknown command/);
  }));

test('buffers are binary safe', () =>
  using({}, async (client) => {
    const name = Buffer.concat([Buffer.from(key()), Buffer.from([0, 255, 13, 10, 128])]);
    const value = randomBytes(1 << 20);
    assert.equal(await client.set(name, value), 'OK');
    assert.ok((await client.getBuffer(name)).equals(value));
    assert.equal(await client.setbit(name, 0, 1), value[0] >> 7);
    assert.equal(await client.getbit(name, 0), 1);
    const ones = (value[0] | 128).toString(2).replaceAll('0', '').length;
    assert.equal(await client.bitcount(name, 0, 0), ones);
  }));

test('pipelines keep order and report errors one by one', () =>
  using({}, async (client) => {
    const name = key();
    const pipeline = client.pipeline();
    for (let i = 0; i < 3000; i += 1) pipeline.set(`${name}:${i}`, i);
    for (let i = 0; i < 3000; i += 1) pipeline.get(`${name}:${i}`);
    const replies = await pipeline.exec();
    assert.ok(replies.every(([failure]) => failure === null));
    assert.deepEqual(replies.slice(3000).map(([, got]) => Number(got)), [...Array(3000).keys()]);
    const mixed = await client.pipeline().set(name, 'x').incr(name).get(name).exec();
    assert.match(mixed[1][0].message, /not an integer/);
    assert.equal(mixed[2][1], 'x');
  }));

test('automatic pipelining', () =>
  using({ enableAutoPipelining: true }, async (client) => {
    const name = key();
    const replies = await Promise.all([...Array(500).keys()].map(() => client.incr(name)));
    assert.deepEqual(replies, [...Array(500).keys()].map((i) => i + 1));
  }));

test('multi, exec, discard', () =>
  using({}, async (client) => {
    const name = key();
    const replies = await client.multi().set(name, 1).incr(name).get(name).exec();
    assert.deepEqual(replies, [[null, 'OK'], [null, 2], [null, '2']]);
    await client.multi({ pipeline: false });
    assert.equal(await client.set(name, 9), 'QUEUED');
    assert.equal(await client.discard(), 'OK');
    assert.equal(await client.get(name), '2');
    await assert.rejects(client.multi().set(name).exec(), /EXECABORT|wrong number of arguments/);
  }));

test('watch stops a transaction', () =>
  using({}, async (client) => {
    const name = key();
    const other = connect();
    await client.set(name, 1);
    await client.watch(name);
    await other.set(name, 2);
    assert.equal(await client.multi().set(name, 3).exec(), null);
    assert.equal(await client.get(name), '2');
    other.disconnect();
  }));

test('publish and subscribe', () =>
  using({}, async (client) => {
    const channel = key('channel');
    const listener = connect();
    const messages = [];
    listener.on('message', (from, message) => messages.push([from, message]));
    listener.on('pmessage', (pattern, from, message) => messages.push([pattern, from, message]));
    assert.equal(await listener.subscribe(channel), 1);
    assert.equal(await listener.psubscribe(`${channel}*`), 2);
    assert.equal(await client.publish(channel, 'news'), 2);
    await until(() => messages.length === 2, 'two messages');
    assert.deepEqual(messages.sort(), [[channel, 'news'], [`${channel}*`, channel, 'news']].sort());
    assert.equal(await listener.unsubscribe(channel), 1);
    assert.equal(await listener.punsubscribe(`${channel}*`), 0);
    assert.equal(await listener.ping(), 'PONG');
    listener.disconnect();
  }));

test('scanStream finds each key', () =>
  using({}, async (client) => {
    const stem = key('scan');
    const names = [...Array(400).keys()].map((i) => `${stem}:${i}`);
    await client.mset(Object.fromEntries(names.map((name) => [name, 1])));
    const found = new Set();
    for await (const batch of client.scanStream({ match: `${stem}:*`, count: 30 })) {
      batch.forEach((name) => found.add(name));
    }
    assert.deepEqual([...found].sort(), names.sort());
  }));

test('databases, key prefix and connection name', () =>
  using({ db: 2, keyPrefix: 'prefix:', connectionName: 'compat' }, async (client) => {
    const name = key();
    await client.set(name, 'two');
    assert.equal(await client.client('GETNAME'), 'compat');
    await using({}, async (zero) => {
      assert.equal(await zero.get(`prefix:${name}`), null);
      await zero.select(2);
      assert.equal(await zero.get(`prefix:${name}`), 'two');
    });
  }));

test('comes back after its connection was killed', () =>
  using({}, async (client) => {
    const name = key();
    await client.set(name, 'before');
    const number = await client.client('ID');
    const killer = connect();
    assert.equal(await killer.client('KILL', 'ID', number), 1);
    assert.equal(await client.get(name), 'before');
    assert.notEqual(await client.client('ID'), number);
    assert.equal(await client.quit(), 'OK');
    killer.disconnect();
  }));

test('RESP2 when asked for', () =>
  using({ protocol: 2 }, async (client) => {
    const name = key();
    assert.equal(await client.set(name, 'v'), 'OK');
    const policy = await client.config('GET', 'maxmemory-policy');
    assert.deepEqual(policy, ['maxmemory-policy', 'noeviction']);
  }));

await main();
