// The package against itself and, through the command, against C++.
'use strict';

const test = require('node:test');
const assert = require('node:assert');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const { Worker } = require('node:worker_threads');
const { Producer, Consumer, remove } = require('./index.js');

const command = process.env.ANNULUS_COMMAND;
const code = (wanted) => (why) => why.code === wanted;
let made = 0;

// Runs a test over every transport, under a name that nobody else uses.
function each(what, run) {
  for (const scheme of ['shm', 'pipe', 'auto']) {
    test(`${what}, ${scheme}`, async () => {
      const name = `${scheme}:test.node.${process.pid}.${++made}`;
      try {
        await run(name);
      } finally {
        try { remove(name, true); } catch (why) { assert.ok(code('NOT_FOUND')(why), why); }
      }
    });
  }
}

const text = (bytes) => Buffer.from(bytes).toString();
const sent = Array.from({ length: 2000 }, (_, n) => Buffer.alloc(n % 300, n));
const frames = Buffer.concat(sent.flatMap((one) => {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(one.length);
  return [length, one];
}));

each('messages and claims arrive in order', (name) => {
  const tx = new Producer(name);
  const rx = new Consumer(name);
  tx.push('one');
  tx.push(new Uint8Array(0), 1000);
  const claim = tx.claim(100);
  assert.throws(() => tx.push('x'), code('NOT_PERMITTED'));
  claim.bytes.set(Buffer.from('two'));
  claim.commit(3);
  assert.strictEqual(claim.bytes.length, 0);
  assert.throws(() => claim.commit(3), code('NOT_PERMITTED'));
  tx.claim(10).abort();
  for (const wanted of ['one', '', 'two']) assert.strictEqual(text(rx.read(1000)), wanted);
  rx.release();
  assert.throws(() => rx.read(), code('EMPTY'));
  assert.strictEqual(tx.peer(), 'attached');
  tx.close();
  assert.throws(() => tx.push('x'), code('NOT_PERMITTED'));
  assert.throws(() => rx.read(Infinity), code('CLOSED'));
  rx.close();
});

each('a view has no bytes after release', (name) => {
  const tx = new Producer(name);
  const rx = new Consumer(name);
  tx.push('abcdef');
  const view = rx.read();
  const part = view.subarray(1, 3);
  assert.strictEqual(text(part), 'bc');
  rx.release();
  assert.strictEqual(view.length, 0);
  assert.strictEqual(part[0], undefined);
  tx.push('abcdef');
  const last = rx.read();
  rx.close();
  assert.strictEqual(last.length, 0);
  tx.close();
});

each('refusals say what is wrong', (name) => {
  assert.throws(() => new Consumer(`${name}?create=no`), code('NOT_FOUND'));
  const rx = new Consumer(name);
  assert.throws(() => new Consumer(name), code('IN_USE'));
  assert.throws(() => rx.read(1), code('TIMED_OUT'));
  assert.throws(() => rx.read(-1), RangeError);
  const tx = new Producer(name);
  assert.throws(() => tx.claim(tx.maxMessage + 1), code('NEVER_FITS'));
  assert.throws(() => tx.push(7), TypeError);
  const claim = tx.claim(4);
  for (const wrong of [NaN, -1, 1.5, '1']) assert.throws(() => claim.commit(wrong), RangeError);
  assert.throws(() => claim.commit(5), code('NEVER_FITS'));
  assert.throws(() => rx.read(), code('EMPTY'));
  assert.throws(() => new Producer(`${name}\0`), /without NUL/);
  assert.throws(() => new Producer('nowhere:x'), code('BAD_ARGUMENT'));
  tx.close();
  rx.close();
});

each('the event loop goes on while a wait runs, and ends it', async (name) => {
  const rx = new Consumer(name);
  const waiting = rx.wait();
  assert.throws(() => rx.read(), code('NOT_PERMITTED'));
  setImmediate(() => rx.interrupt());
  await assert.rejects(waiting, code('INTERRUPTED'));
  const last = rx.wait();
  rx.close();
  await assert.rejects(last, code('INTERRUPTED'));
  assert.throws(() => rx.read(), code('NOT_PERMITTED'));
});

each('a process and a worker that end do not wait on', async (name) => {
  const waits = `const { Consumer } = require(${JSON.stringify(__dirname)});
    new Consumer(${JSON.stringify(name)}).wait();`;
  const child = spawn(process.execPath, ['-e', `${waits} setImmediate(() => process.exit(3));`]);
  assert.deepStrictEqual(await once(child, 'exit'), [3, null]);
  const worker = new Worker(`${waits} require('worker_threads').parentPort.postMessage(1);`,
    { eval: true });
  await once(worker, 'message');
  await worker.terminate();
  new Consumer(name).close();
});

each('what C++ sends is read', async (name) => {
  const rx = new Consumer(name);
  const sender = spawn(command, ['send', name, '--frames'], { stdio: ['pipe', 'inherit', 'inherit'] });
  sender.stdin.end(frames);
  const got = [];
  for await (const message of rx) got.push(Buffer.from(message));
  assert.deepStrictEqual(got, sent);
  rx.close();
});

each('what is sent C++ reads', async (name) => {
  const tx = new Producer(name);
  const receiver = spawn(command, ['recv', name, '--frames'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const received = [];
  receiver.stdout.on('data', (some) => received.push(some));
  while (tx.peer() !== 'attached') {  // a pipe keeps only what somebody has open
    await new Promise(setImmediate);
    assert.strictEqual(receiver.exitCode, null);
  }
  for (const one of sent) tx.push(one, 30000);
  tx.close();
  const [exit] = await once(receiver, 'close');
  assert.strictEqual(exit, 0);
  assert.ok(Buffer.concat(received).equals(frames));
});

each('a killed producer loses nothing that was sent', async (name) => {
  const rx = new Consumer(name);
  const sender = spawn(command, ['send', name, '--frames'], { stdio: ['pipe', 'inherit', 'inherit'] });
  sender.stdin.write(frames);
  for (const wanted of sent) {
    let got;
    while (got === undefined) {
      try { got = rx.read(); } catch (why) {
        assert.ok(code('EMPTY')(why), why);
        await rx.wait(30000);
      }
    }
    assert.ok(wanted.equals(got));
    rx.release();
  }
  sender.kill('SIGKILL');
  await assert.rejects(rx.wait(30000), code('PEER_GONE'));
  assert.strictEqual(rx.peer(), 'died');
  rx.close();
});
