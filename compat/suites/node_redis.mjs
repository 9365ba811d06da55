// node-redis 6 in RESP 2 and 3: its own interface, results compared.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';

import { host, key, load, main, port, test, until } from './harness.mjs';

const { RESP_TYPES, WatchError, createClient, createClientPool } = await load('redis');
const url = `redis://${host}:${port}`;

async function connect(options = {}) {
  const client = createClient({ url, ...options });
  client.on('error', () => {});
  return client.connect();
}

function both(name, body) {
  for (const RESP of [2, 3]) {
    test(`${name} [RESP${RESP}]`, async () => {
      const client = await connect({ RESP });
      try {
        await body(client, RESP);
      } finally {
        client.destroy();
      }
    });
  }
}

both('strings and options', async (client) => {
  const name = key();
  assert.equal(await client.ping(), 'PONG');
  assert.equal(await client.get(name), null);
  assert.equal(await client.set(name, 'v'), 'OK');
  assert.equal(await client.set(name, 'w', { condition: 'NX' }), null);
  assert.equal(await client.set(name, 'w', { NX: true }), null);
  const options = { expiration: { type: 'EX', value: 100 }, GET: true };
  assert.equal(await client.set(name, 'w', options), 'v');
  assert.ok([99, 100].includes(await client.ttl(name)));
  assert.equal(await client.set(name, 'x', { EX: 50 }), 'OK');
  assert.ok([49, 50].includes(await client.ttl(name)));
  assert.equal(await client.getEx(name, { type: 'PERSIST' }), 'x');
  assert.equal(await client.ttl(name), -1);
  assert.equal(await client.append(name, 'yz'), 3);
  assert.equal(await client.getRange(name, 1, -1), 'yz');
  assert.equal(await client.getDel(name), 'xyz');
  assert.equal(await client.type(name), 'none');
});

both('counters, several keys and expiry', async (client) => {
  const [one, two] = [key('one'), key('two')];
  assert.equal(await client.incr(one), 1);
  assert.equal(await client.decrBy(one, 11), -10);
  assert.equal(await client.incrByFloat(one, 0.25), '-9.75');
  assert.equal(await client.mSet([[one, '1'], [two, '2']]), 'OK');
  assert.deepEqual(await client.mGet([one, two, key('none')]), ['1', '2', null]);
  assert.equal(Boolean(await client.expire(one, 100)), true);
  assert.equal(Boolean(await client.expire(one, 50, 'GT')), false);
  assert.equal(Boolean(await client.persist(one)), true);
  assert.equal(await client.exists([one, two]), 2);
  assert.equal(await client.unlink([one, two]), 2);
  await client.set(one, 'v', { PX: 30 });
  await until(async () => (await client.get(one)) === null, 'expiry');
});

both('bits', async (client) => {
  const name = key();
  assert.equal(await client.setBit(name, 7, 1), 0);
  assert.equal(await client.getBit(name, 7), 1);
  assert.equal(await client.bitCount(name), 1);
  assert.equal(await client.bitPos(name, 1), 7);
  const operation = { operation: 'INCRBY', encoding: 'u8', offset: 8, increment: 250 };
  assert.deepEqual(await client.bitField(name, [operation, operation]), [250, 244]);
});

both('commands sent together are one pipeline', async (client) => {
  const name = key();
  const count = [...Array(2000).keys()];
  await Promise.all(count.map((i) => client.set(`${name}:${i}`, `${i}`)));
  const got = await Promise.all(count.map((i) => client.get(`${name}:${i}`)));
  assert.deepEqual(got.map(Number), count);
});

both('multi', async (client) => {
  const name = key();
  const replies = await client.multi().set(name, '1').incr(name).get(name).exec();
  assert.deepEqual(replies, ['OK', 2, '2']);
  await assert.rejects(client.multi().set(name, 'text').incr(name).exec());
  assert.equal(await client.get(name), 'text');
  const piped = await client.multi().set(name, '5').incr(name).execAsPipeline();
  assert.deepEqual(piped, ['OK', 6]);
});

both('watch stops a transaction', async (client, RESP) => {
  const name = key();
  const other = await connect({ RESP });
  await client.set(name, '1');
  await client.watch(name);
  await other.set(name, '2');
  await assert.rejects(client.multi().set(name, '3').exec(), WatchError);
  assert.equal(await client.get(name), '2');
  other.destroy();
});

both('publish and subscribe', async (client) => {
  const channel = key('channel');
  const listener = await client.duplicate().connect();
  const messages = [];
  await listener.subscribe(channel, (message, from) => messages.push([from, message]));
  await listener.pSubscribe(`${channel}*`, (message, from) => messages.push([from, message]));
  assert.equal(await client.publish(channel, 'news'), 2);
  await until(() => messages.length === 2, 'two messages');
  assert.deepEqual(messages, [[channel, 'news'], [channel, 'news']]);
  assert.deepEqual(await client.pubSubChannels(channel), [channel]);
  assert.deepEqual({ ...(await client.pubSubNumSub(channel)) }, { [channel]: 1 });
  await listener.unsubscribe(channel);
  await listener.pUnsubscribe(`${channel}*`);
  assert.equal(await client.publish(channel, 'nobody'), 0);
  // In RESP2 the client hands out the reply of a connection that once subscribed as a buffer.
  assert.equal(String(await listener.ping()), 'PONG');
  listener.destroy();
});

both('scanIterator finds each key', async (client) => {
  const stem = key('scan');
  const names = [...Array(400).keys()].map((i) => `${stem}:${i}`);
  await client.mSet(names.map((name) => [name, '1']));
  const found = new Set();
  for await (const batch of client.scanIterator({ MATCH: `${stem}:*`, COUNT: 30 })) {
    batch.forEach((name) => found.add(name));
  }
  assert.deepEqual([...found].sort(), names.sort());
});

both('buffers are binary safe', async (client) => {
  const name = key();
  const value = randomBytes(1 << 20);
  await client.set(name, value);
  const binary = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
  assert.ok((await binary.get(name)).equals(value));
});

both('server commands', async (client) => {
  assert.match(await client.info('server'), /redis_version:\d+\./);
  assert.equal((await client.configGet('maxmemory-policy'))['maxmemory-policy'], 'noeviction');
  assert.ok((await client.dbSize()) >= 0);
  assert.equal((await client.commandInfo(['get']))[0].arity, 2);
  const id = await client.clientId();
  assert.ok((await client.clientList()).some((each) => each.id === id));
  assert.ok(Math.abs(Number((await client.time())[0]) - Date.now() / 1000) < 5);
  await assert.rejects(client.sendCommand(['NOSUCH', 'a']), /ERR unknown command/);
  assert.equal(await client.echo('still there'), 'still there');
});

both('comes back after its connection was killed', async (client, RESP) => {
  const name = key();
  await client.set(name, 'before');
  const killer = await connect({ RESP });
  const id = await client.clientId();
  assert.equal(await killer.clientKill({ filter: 'ID', id }), 1);
  await until(async () => {
    try {
      return (await client.get(name)) === 'before';
    } catch {
      return false;
    }
  }, 'the value after a reconnect');
  killer.destroy();
});

test('legacy interface with callbacks', async () => {
  const client = await connect();
  const legacy = client.legacy();
  const name = key();
  const call = (command, ...words) =>
    new Promise((done, fail) => {
      legacy[command](...words, (failure, reply) => (failure ? fail(failure) : done(reply)));
    });
  assert.equal(await call('set', name, 'v', 'EX', '100'), 'OK');
  assert.equal(await call('get', name), 'v');
  assert.ok(['100', '99', 100, 99].includes(await call('ttl', name)));
  assert.deepEqual(await call('mGet', name, key('none')), ['v', null]);
  client.destroy();
});

test('database, name and ping interval as options', async () => {
  const client = await connect({ database: 4, name: 'compat', pingInterval: 50 });
  const name = key();
  await client.set(name, 'four');
  assert.equal(await client.clientGetName(), 'compat');
  await new Promise((done) => setTimeout(done, 200));
  const zero = await connect();
  assert.equal(await zero.get(name), null);
  await zero.select(4);
  assert.equal(await zero.get(name), 'four');
  zero.destroy();
  await client.close();
});

test('a pool of connections', async () => {
  const pool = createClientPool({ url }, { minimum: 2, maximum: 8 });
  pool.on('error', () => {});
  await pool.connect();
  const name = key();
  const got = await Promise.all([...Array(200).keys()].map(() => pool.incr(name)));
  assert.deepEqual(got.sort((a, b) => a - b), [...Array(200).keys()].map((i) => i + 1));
  pool.destroy();
});

await main();
