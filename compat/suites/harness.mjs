// What the Node.js suites share: where the server is, how a case reports to compat/run.py, and how
// packages are found in the folder that compat/setup.py installs.
//
// A case is an async function given to `test`; it fails by throwing, and is skipped by throwing
// `Skip`. Its name is its claim. Each case uses keys of its own, under the prefix of `key()`.

import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

export const host = process.env.COMPAT_HOST ?? '127.0.0.1';
export const port = Number(process.env.COMPAT_PORT ?? 6379);
export const isDynamo = process.env.COMPAT_SERVER === 'dynamo';

const CASE_TIMEOUT_MS = 60_000;
const cases = [];
let numbers = 0;

export class Skip extends Error {}

export async function load(name) {
  const folder = path.join(process.env.COMPAT_DIR ?? '.', 'node', 'package.json');
  const found = createRequire(folder).resolve(name);
  return import(pathToFileURL(found).href);
}

export function key(name = 'key') {
  numbers += 1;
  return `${path.basename(process.argv[1])}:${numbers}:${name}`;
}

export function test(name, body) {
  cases.push({ name, body });
}

export const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

export async function until(condition, what, timeout = 10_000) {
  const deadline = Date.now() + timeout;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`${what} did not come true within ${timeout} ms`);
    await pause(20);
  }
}

async function limited(body) {
  let timer;
  const limit = new Promise((_, refuse) => {
    timer = setTimeout(() => refuse(new Error('exceeded the limit of a case')), CASE_TIMEOUT_MS);
  });
  try {
    await Promise.race([body(), limit]);
  } finally {
    clearTimeout(timer);
  }
}

function report(outcome, name, detail, seconds) {
  const line = JSON.stringify({ outcome, name, detail, seconds });
  return new Promise((done) => process.stdout.write(`@case ${line}\n`, done));
}

export async function main() {
  for (const { name, body } of cases) {
    const start = Date.now();
    let outcome = 'passed';
    let detail = '';
    try {
      await limited(body);
    } catch (failure) {
      outcome = failure instanceof Skip ? 'skipped' : 'failed';
      detail = failure instanceof Skip ? failure.message : String(failure?.stack ?? failure);
    }
    await report(outcome, name, detail, (Date.now() - start) / 1000);
  }
  await report('finished', '', '', 0);
  // A client that a failed case left open must not keep the process alive.
  process.exit(0);
}
