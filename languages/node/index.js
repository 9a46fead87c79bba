// Messages between processes through shared memory, or a named pipe.
//
//     const { Producer, Consumer } = require('annulus');
//     const tx = new Producer('shm:orders');
//     tx.push('one', 1000);
//     const claim = tx.claim(256);              // written in place
//     claim.bytes.set([1, 2, 3]);
//     claim.commit(3);
//
//     const rx = new Consumer('shm:orders');
//     for await (const message of rx) ...       // in place: a Uint8Array
//
// Names     as of the library: shm:NAME, pipe:NAME or auto:NAME, options behind a '?'
// Waits     milliseconds; 0, the default: the call never waits; Infinity: without a deadline. A
//           call that waits holds the event loop up. wait() and `for await` do not
// In place  the bytes of a message end with release(), those of a claim with commit() or abort():
//           from then on the array is empty, and so is every other over the same memory
// Errors    AnnulusError, whose `code` is a word: 'FULL', 'EMPTY', 'CLOSED', 'PEER_GONE', ...
'use strict';

const native = require(process.env.ANNULUS_NODE || './annulus.node');

const REFUSALS = ['OK', 'FULL', 'EMPTY', 'NEVER_FITS', 'CLOSED', 'PEER_GONE', 'STALLED', 'CORRUPT',
  'NOT_PERMITTED', 'TIMED_OUT', 'INTERRUPTED', 'REMOVED', 'NO_MEMORY'];
const FAULTS = ['BAD_ARGUMENT', 'NOT_FOUND', 'ALREADY_EXISTS', 'IN_USE', 'NO_PERMISSION',
  'NO_SPACE', 'NOT_A_CHANNEL', 'INCOMPATIBLE', 'DAMAGED', 'SYSTEM'];
const PRESENCE = ['never_came', 'attached', 'left', 'died'];

class AnnulusError extends Error {
  constructor(code, text) {
    super(text);
    this.name = 'AnnulusError';
    this.code = code;
  }
}

function check(status) {
  if (status !== 0) throw new AnnulusError(REFUSALS[status], native.text(status));
}

function opening(call) {
  try {
    return call();
  } catch (why) {
    if (why.fault === undefined) throw why;
    throw new AnnulusError(FAULTS[why.fault], why.message);
  }
}

function nanoseconds(wait) {
  if (wait === Infinity) return -1;
  if (!(wait >= 0)) throw new RangeError(`annulus: a wait of ${wait} ms`);
  return Math.min(Math.ceil(wait * 1e6), Number.MAX_SAFE_INTEGER);
}

// A thread that waits keeps its process, or its worker, from the end: so none waits longer at once.
const SLICE = 50;

const encoder = new TextEncoder();

class Role {
  #role;
  #inPlace = [];

  constructor(open, name) {
    this.#role = opening(() => open(name));
  }

  // Gives the role back. Bytes in place end.
  close() {
    this._end();
    native.close(this.#role);
  }
  [Symbol.dispose ?? Symbol('dispose')]() { this.close(); }
  // Ends the wait that runs in this role, or else the next one.
  interrupt() { native.interrupt(this.#role); }
  // What is known of the other side: 'never_came', 'attached', 'left' or 'died'.
  peer() { return PRESENCE[native.peer(this.#role)]; }
  get maxMessage() { return native.maxMessage(this.#role); }

  _call(name, ...given) { return native[name](this.#role, ...given); }
  // The bytes that an answer holds.
  _bytes(answer) {
    if (typeof answer === 'number') check(answer);
    if (answer.byteLength > 0) this.#inPlace.push(answer);
    return new Uint8Array(answer);
  }
  _end() {
    for (const buffer of this.#inPlace.splice(0)) native.detach(buffer);
  }
}

class Producer extends Role {
  constructor(name) { super(native.openProducer, name); }

  // Sends one message: a string or a Uint8Array.
  push(message, wait = 0) {
    const bytes = typeof message === 'string' ? encoder.encode(message) : message;
    check(this._call('push', bytes, nanoseconds(wait)));
  }

  // Space for a message of `count` bytes. One claim may be open at a time.
  claim(count, wait = 0) {
    if (!Number.isSafeInteger(count) || count < 0) {
      throw new RangeError(`annulus: a claim of ${count} bytes`);
    }
    const bytes = this._bytes(this._call('claim', count, nanoseconds(wait)));
    const end = (call, ...given) => {
      if (end.isOver) check(REFUSALS.indexOf('NOT_PERMITTED'));
      end.isOver = true;
      this._end();
      check(this._call(call, ...given));
    };
    const commit = (fewer = count) => {
      if (!Number.isSafeInteger(fewer) || fewer < 0) {
        throw new RangeError(`annulus: a message of ${fewer} bytes`);
      }
      end('commit', fewer);
    };
    return { bytes, commit, abort: () => end('abort') };
  }
}

class Consumer extends Role {
  constructor(name) { super(native.openConsumer, name); }

  // The next message, in place until release().
  read(wait = 0) { return this._bytes(this._call('read', nanoseconds(wait))); }

  // Hands back the space of all that was read.
  release() {
    this._end();
    check(this._call('release'));
  }

  // Waits until there is a message. Meanwhile nothing but interrupt(), peer() and close() is
  // permitted.
  async wait(wait = Infinity) {
    const until = performance.now() + wait;
    for (;;) {
      const left = Math.max(until - performance.now(), 0);
      const status = await this._call('wait', nanoseconds(Math.min(left, SLICE)));
      if (REFUSALS[status] !== 'TIMED_OUT' || left <= SLICE) return check(status);
    }
  }

  // Every message until the producers close. Each ends when the next is asked for.
  async *[Symbol.asyncIterator]() {
    for (;;) {
      let message;
      try {
        message = this.read();
      } catch (why) {
        if (why.code === 'CLOSED') return;
        if (why.code !== 'EMPTY' && why.code !== 'STALLED') throw why;
        try {
          await this.wait();
        } catch (ended) {
          if (ended.code === 'CLOSED') return;
          throw ended;
        }
        continue;
      }
      yield message;
      this.release();
    }
  }
}

// Removes a channel with its files. In use: fails, unless forced.
function remove(name, isForced = false) { opening(() => native.remove(name, isForced)); }

module.exports = { Producer, Consumer, AnnulusError, remove };
