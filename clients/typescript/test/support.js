// A hub and a clock in the test's hands: no network, no waiting, and every frame is looked at.

import assert from "node:assert/strict";
import { ByteWriter } from "../dist/bytes.js";
import { FrameReader } from "../dist/decode.js";
import { encodeMessage, writeMessage } from "../dist/encode.js";
import { BrokerClient } from "../dist/index.js";
import { Kind } from "../dist/messages.js";

/** The clock of a client: moves when it is told to. */
export class FakeClock {
  time = 0;
  chance = 0.5;
  timers = [];

  now = () => this.time;
  random = () => this.chance;
  soon = run => setImmediate(run);

  after = (milliseconds, run) => {
    const timer = { at: this.time + milliseconds, run };
    this.timers.push(timer);
    return () => this.timers = this.timers.filter(each => each !== timer);
  };

  /** Lets time pass, timer by timer, and what they set off run. */
  async advance(milliseconds) {
    const end = this.time + milliseconds;
    while (true) {
      const next = this.timers.filter(each => each.at <= end).sort((one, other) => one.at - other.at)[0];
      if (next === undefined) break;
      this.timers = this.timers.filter(each => each !== next);
      this.time = Math.max(this.time, next.at);
      next.run();
      await settle();
    }

    this.time = end;
    await settle();
  }
}

/** Lets everything run that can without a frame and without time. */
export async function settle() {
  for (let i = 0; i < 5; i++) await new Promise(resolve => setImmediate(resolve));
}

export const LIMITS = {
  frameBytesMax: 524_288,
  messagesPerFrameMax: 4096,
  chunkBytesMax: 262_144,
  chunksMax: 256,
  streamBytesMax: 67_108_864,
  streamsMax: 8,
  callsMax: 1024,
  windowChunks: 4,
  windowItems: 8,
  pingMilliseconds: 25_000,
};

/** The hub's side of one connection. */
export class HubSide {
  bufferedAmount = 0;
  binaryType = "blob";
  protocol = "";
  frames = [];          // Payloads that the client has sent and nobody has looked at.
  messages = [];
  closed = undefined;
  onopen = onmessage => void onmessage;

  constructor(url, protocols) {
    this.url = url;
    this.protocols = protocols;
  }

  send(data) {
    assert.equal(this.closed, undefined, "sent after close");
    this.frames.push(data.slice());
  }

  close(code, reason) {
    if (this.closed !== undefined) return;
    this.closed = { code, reason };
    setImmediate(() => this.onclose?.({ code, reason }));
  }

  open(protocol = "v3.broker") {
    this.protocol = protocol;
    this.onopen({});
  }

  /** Sends messages in one frame, plain. */
  say(...messages) {
    const target = new ByteWriter();
    target.u8(0);
    for (const message of messages) writeMessage(target, message);
    this.sayRaw(target.written);
  }

  sayRaw(bytes) {
    const copy = Uint8Array.from(bytes);
    this.onmessage({ data: copy.buffer });
  }

  welcome(limits = {}) {
    this.say({ kind: Kind.welcome, version: 1, compressions: 0, ...LIMITS, client: "c7", ...limits });
  }

  /** The connection breaks. */
  abort(code = 1006, reason = "") {
    this.onclose({ code, reason });
  }

  /** The next frame that the client sends: its messages. */
  async hearFrame() {
    await settle();
    const frame = this.frames.shift();
    assert.ok(frame, "the client has sent no frame");
    return read(frame, this.protocol === "v3.broker");
  }

  /** The next message that the client sends. */
  async hear() {
    if (this.messages.length === 0) this.messages = await this.hearFrame();
    return this.messages.shift();
  }

  /** That the client sends nothing. */
  async hearNothing() {
    await settle();
    assert.deepEqual([this.messages.length, this.frames.length], [0, 0], "the client has sent something");
  }
}

/** The messages of a client's frame. */
export function read(frame, isBatched = true) {
  const reader = new FrameReader(frame, 0, isBatched, "server");
  const messages = [];
  let message;
  while ((message = reader.next()) !== undefined) messages.push(message);
  assert.equal(reader.fault, 0, `fault ${reader.fault}`);
  return messages;
}

/** A client that is connecting, and the sockets that it makes. */
export function start(options = {}) {
  const clock = new FakeClock();
  const sides = [];
  class Socket extends HubSide {
    constructor(url, protocols) {
      super(url, protocols);
      sides.push(this);
    }
  }

  const errors = [];
  const connecting = BrokerClient.connect({ url: "ws://hub/ws", WebSocket: Socket, clock, onError: error => errors.push(error), ...options });
  connecting.catch(() => {});
  return { clock, sides, errors, connecting };
}

/** A client that is connected, its clock, and the hub's side. */
export async function connect(options = {}, { protocol = "v3.broker", limits = {} } = {}) {
  const { clock, sides, errors, connecting } = start(options);
  await settle();
  const side = sides[0];
  side.open(protocol);
  const hello = await side.hear();
  assert.equal(hello.kind, Kind.hello);
  side.welcome(limits);
  return { client: await connecting, clock, errors, side, sides };
}

/** Lets the first backoff pass, half of its random part, and welcomes the client again. */
export async function reconnect({ clock, sides }, limits = {}) {
  await settle();
  const before = sides.length;
  await clock.advance(750);
  assert.equal(sides.length, before + 1, "the client has not come back");
  const side = sides[before];
  side.open();
  await side.hear();
  side.welcome(limits);
  return side;
}

/** Subscribes "news", which the hub gives the number 7. */
export async function subscribe({ client, side }, confirmed = {}, settings = {}) {
  const subscribing = client.subscribe("news", settings);
  const message = await side.hear();
  assert.equal(message.kind, Kind.subscribe);
  side.say({ kind: Kind.subscribed, request: message.request, channel: 7, state: 0, epoch: 0n, offset: 0, ...confirmed });
  return [await subscribing, message];
}

export const bytes = (...values) => Uint8Array.from(values);
export const text = value => new TextEncoder().encode(value);
export const words = value => new TextDecoder().decode(value);
export const delivery = (offset, data, channel = 7) => ({ kind: Kind.delivery, channel, offset, data: typeof data === "string" ? text(data) : data });
export const encoded = message => encodeMessage(message);

/** Whether a promise is still waiting. */
export async function isPending(promise) {
  await settle();
  const nothing = {};
  return await Promise.race([promise.catch(() => {}), Promise.resolve(nothing)]) === nothing;
}
