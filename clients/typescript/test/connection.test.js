// Connecting, batching, reconnecting and what ends a connection; the hub and the clock are in the test's hands.

import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { test } from "node:test";
import { backoff } from "../dist/backoff.js";
import { BrokerClient, BrokerError, ConnectionLostError, QueueFullError, RequestRejectedError } from "../dist/index.js";
import { Kind } from "../dist/messages.js";
import { connect, delivery, encoded, FakeClock, isPending, reconnect, settle, start, subscribe, text } from "./support.js";

test("hello says what the options say, and the welcome opens the client", async () => {
  const { sides, connecting } = start({ name: "demo", token: async () => "sesam", frameBytesMax: 300_000, transferWindow: 3, itemsWindow: 2, gzip: true });
  await settle();
  assert.deepEqual([sides[0].url, sides[0].protocols, sides[0].binaryType], ["ws://hub/ws", ["v3.broker", "v2.broker"], "arraybuffer"]);
  sides[0].open();
  assert.deepEqual(
    await sides[0].hear(),
    { kind: Kind.hello, version: 1, compressions: 2, frameBytesMax: 300_000, windowChunks: 3, windowItems: 2, name: "demo", token: "sesam" });
  sides[0].welcome();
  const client = await connecting;
  assert.deepEqual([client.state, client.clientId, client.messageBytesMax], ["connected", "c7", 67_108_864]);
});

test("options that are wrong are named", async () => {
  const refused = async (options, error) => await assert.rejects(BrokerClient.connect({ url: "ws://hub", WebSocket: class {}, ...options }), error);
  await refused({ itemsWindow: 0 }, { name: "RangeError", message: "itemsWindow is at least 1, and it is 0." });
  await refused({ frameBytesMax: 1.5 }, { name: "RangeError" });
  await refused({ sendBytesMax: NaN }, { name: "RangeError" });
  await refused({ backoffMin: 2, backoffMax: 1 }, { name: "RangeError" });
  await refused({ name: "n".repeat(256) }, { name: "RangeError" });
  if (globalThis.WebSocket === undefined) await refused({ WebSocket: undefined }, { name: "TypeError", message: /give one as the option WebSocket/ });
});

test("a hub that does not answer, answers otherwise or speaks otherwise is told apart", async () => {
  const late = start();
  await settle();
  await late.clock.advance(10_000);
  await assert.rejects(late.connecting, { name: "ConnectionLostError", message: /no answer within 10 s/ });

  const refused = start();
  await settle();
  refused.sides[0].onerror({ message: "Unexpected server response: 403" });
  refused.sides[0].abort();
  await assert.rejects(refused.connecting, failure => failure.closeInfo.code === 403 && !failure.closeInfo.mayReconnect);

  const other = start();
  await settle();
  other.sides[0].open("graphql-ws");
  await assert.rejects(other.connecting, failure => failure.closeInfo.code === 1010 && !failure.closeInfo.mayReconnect);

  const bye = start();
  await settle();
  bye.sides[0].open();
  bye.sides[0].say({ kind: Kind.bye, code: 3506, retryMilliseconds: 0xffffffff, text: "too small" });
  bye.sides[0].abort(3506, "too small");
  await assert.rejects(bye.connecting, failure => failure.closeInfo.code === 3506 && failure.closeInfo.text === "too small" && !failure.closeInfo.mayReconnect);

  const early = start();
  await settle();
  early.sides[0].open();
  early.sides[0].say({ kind: Kind.ping, mark: 1n });
  await assert.rejects(early.connecting, failure => failure.closeInfo.code === 1008);

  const token = start({ token: () => Promise.reject(new Error("logged out")) });
  await assert.rejects(token.connecting, /logged out/);
});

test("connecting can be given up", async () => {
  const controller = new AbortController();
  class Socket {
    close() {}
  }

  const connecting = BrokerClient.connect({ url: "ws://hub", WebSocket: Socket, clock: new FakeClock() }, controller.signal);
  controller.abort();
  await assert.rejects(connecting, { name: "AbortError" });
});

test("what is sent in one turn leaves in one frame, in v2.broker one message a frame", async () => {
  for (const [protocol, frames] of [["v3.broker", 1], ["v2.broker", 3]]) {
    const { client, side } = await connect({}, { protocol });
    for (let i = 0; i < 3; i++) void client.publish("news", `${i}`).catch(() => {});
    await settle();
    assert.equal(side.frames.length, frames);
    for (let i = 0; i < 3; i++) assert.deepEqual((await side.hear()).data, text(`${i}`));
  }
});

test("a frame has no more messages and bytes than the hub accepts, and a longer message is alone", async () => {
  const { client, side } = await connect({}, { limits: { messagesPerFrameMax: 2 } });
  for (let i = 0; i < 5; i++) void client.publish("news", "x").catch(() => {});
  await settle();
  assert.deepEqual(side.frames.map(frame => frame.length), [36, 36, 18].map(each => each - 2 * 2 + (each === 18 ? 2 : 0)));

  const other = await connect();
  for (const length of [200_000, 62_000, 200, 300_000, 10]) void other.client.publish("news", new Uint8Array(length)).catch(() => {});
  await settle();
  const messages = [];
  while (other.side.frames.length > 0) messages.push((await other.side.hearFrame()).map(each => each.data.length));
  assert.deepEqual(messages, [[200_000, 62_000], [200], [300_000], [10]]);
});

test("pings are answered, and the client's own tell how long the answer took", async () => {
  const { client, clock, side } = await connect();
  side.say({ kind: Kind.ping, mark: 5n });
  assert.deepEqual(await side.hear(), { kind: Kind.pong, mark: 5n });
  const pinging = client.ping();
  const { mark } = await side.hear();
  clock.time += 12;
  side.say({ kind: Kind.pong, mark });
  assert.equal(await pinging, 12);
});

test("a silent hub is asked once, and then lost", async () => {
  const { client, clock, side } = await connect({ keepAlive: 30_000 });
  await clock.advance(20_000);
  side.say({ kind: Kind.ping, mark: 1n });
  await side.hear();
  await clock.advance(29_000);
  await side.hearNothing();
  await clock.advance(1_000);
  const ping = await side.hear();
  assert.equal(ping.kind, Kind.ping);
  side.say({ kind: Kind.pong, mark: ping.mark });
  await clock.advance(60_000);
  assert.equal(client.state, "waiting");
  assert.match(client.lastClose.text, /silent for 60 s/);
});

test("backoff is random between its bounds, and grows with each failure", () => {
  assert.deepEqual([0, 1, 2, 10].map(failures => backoff(failures, 500, 20_000, 0)), [500, 500, 500, 500]);
  assert.deepEqual([0, 1, 2, 10].map(failures => backoff(failures, 500, 20_000, 1)), [1000, 1500, 2500, 20_000]);
});

test("a lost connection fails what waits and what is begun without one, and the client comes back", async () => {
  const connected = await connect();
  const { client, side } = connected;
  const states = [];
  client.onStateChange(state => states.push(state));
  const [call, publishing, pinging] = [client.call("slow"), client.publish("news", "x"), client.ping()];
  await settle();
  side.abort();
  for (const each of [call, publishing, pinging, client.publish("news", "y")]) await assert.rejects(each, ConnectionLostError);
  await settle();
  assert.equal(client.state, "waiting");
  await assert.rejects(client.call("slow"), ConnectionLostError);
  const again = await reconnect(connected);
  const receipt = client.publish("news", "z");
  again.say({ kind: Kind.published, request: (await again.hear()).request, receivers: 2, offset: 9 });
  assert.deepEqual(await receipt, { offset: 9, receivers: 2 });
  assert.deepEqual(states, ["waiting", "connecting", "connected"]);
});

test("the time that the hub names is kept, and codes that forbid it end the client", async () => {
  const { client, clock, side, sides } = await connect();
  side.say({ kind: Kind.bye, code: 3001, retryMilliseconds: 2500, text: "shutdown" });
  side.abort(3001, "shutdown");
  await settle();
  assert.deepEqual(client.lastClose, { code: 3001, text: "shutdown", mayReconnect: true, retryAfter: 2500 });
  await clock.advance(2499);
  assert.equal(sides.length, 1);
  await clock.advance(1);
  assert.equal(sides.length, 2);

  for (const code of [1002, 1003, 1007, 1008, 1009, 1010, 3500, 3999, 4500, 4999]) {
    const forbidden = await connect();
    const [news] = await subscribe(forbidden);
    forbidden.side.abort(code, "no");
    await settle();
    assert.equal(forbidden.client.state, "closed");
    await assert.rejects(news[Symbol.asyncIterator]().next(), ConnectionLostError);
    await assert.rejects(forbidden.client.publish("news", "x"), failure => failure.closeInfo.code === code);
  }
});

test("attempts that fail are repeated with growing waits", async () => {
  const { client, clock, side, sides } = await connect();
  side.abort();
  await settle();
  for (const wait of [750, 1000, 1500]) {
    const before = sides.length;
    await clock.advance(wait - 1);
    assert.equal(sides.length, before);
    await clock.advance(1);
    assert.equal(sides.length, before + 1);
    sides[before].abort();
    await settle();
  }

  await client.close();
  assert.equal(client.state, "closed");
  await clock.advance(100_000);
  assert.equal(sides.length, 4);
});

test("closing sends what waits, ends subscriptions and fails what waits for an answer", async () => {
  const connected = await connect();
  const [news] = await subscribe(connected);
  const publishing = connected.client.publish("news", "last");
  const closing = connected.client.close();
  await assert.rejects(publishing, failure => failure instanceof ConnectionLostError && failure.closeInfo.code === 1000);
  assert.deepEqual((await connected.side.hear()).data, text("last"));
  assert.deepEqual(connected.side.closed, { code: 1000, reason: "" });
  await closing;
  assert.deepEqual(await news[Symbol.asyncIterator]().next(), { done: true, value: undefined });
  await connected.client.close();
});

test("a frame that breaks the protocol ends the connection with its code", async () => {
  const cases = [
    [side => side.sayRaw([0, 0xff]), 1007],
    [side => side.sayRaw([]), 1007],
    [side => side.sayRaw([9, 3]), 1007],
    [side => side.sayRaw(new Uint8Array(1_048_577)), 1009],
    [side => side.onmessage({ data: "text" }), 1003],
    [side => side.welcome(), 1008],
  ];
  for (const [break_, code] of cases) {
    const { client, side } = await connect();
    break_(side);
    await settle();
    assert.equal(side.closed.code, code);
    assert.deepEqual([client.state, client.lastClose.mayReconnect], ["waiting", true]);
    const error = await side.hear();
    assert.deepEqual([error.kind, error.scope], [Kind.error, 2]);
  }
});

test("where no code but 1000 may be sent, the connection ends all the same", async () => {
  const { client, side } = await connect();
  const close = side.close.bind(side);
  side.close = (code, reason) => {
    if (code !== 1000) throw new DOMException("not allowed", "InvalidAccessError");
    close(code, reason);
  };
  side.sayRaw([0, 0xff]);
  await settle();
  assert.deepEqual([side.closed.code, client.lastClose.code], [1000, 1007]);
});

test("compressed frames are expanded to the limit, in their order", async () => {
  const { connecting, sides } = start({ gzip: true, frameBytesMax: 70_000 });
  await settle();
  const side = sides[0];
  side.open();
  await side.hear();
  side.welcome({ compressions: 2 });
  const client = await connecting;
  const [news] = await subscribe({ client, side });
  side.sayRaw([2, ...gzipSync(encoded(delivery(0, new Uint8Array(60_000))))]);
  side.say(delivery(0, "behind"));
  const reader = news[Symbol.asyncIterator]();
  assert.equal((await reader.next()).value.data.length, 60_000);
  assert.equal((await reader.next()).value.text(), "behind");
  side.sayRaw([2, ...gzipSync(encoded(delivery(0, new Uint8Array(70_001))))]);
  await new Promise(resolve => client.onStateChange(resolve));
  assert.equal(client.lastClose.code, 1009);

  const broken = await connect({ gzip: true }, { limits: { compressions: 2 } });
  broken.side.sayRaw([2, 1, 2, 3]);
  await new Promise(resolve => broken.client.onStateChange(resolve));
  assert.equal(broken.client.lastClose.code, 1007);
});

test("a full queue refuses, and what was accepted is sent", async () => {
  const { client, side } = await connect({ sendBytesMax: 100 });
  const taken = client.publish("news", new Uint8Array(60));
  await assert.rejects(client.publish("news", new Uint8Array(60)), QueueFullError);
  const { request } = await side.hear();
  await side.hearNothing();
  side.say({ kind: Kind.published, request, receivers: 0, offset: 0 });
  await taken;
});

test("frames wait while the socket is full, and what needs room waits with them", async () => {
  const { client, clock, side } = await connect({ sendBytesMax: 1000 });
  side.bufferedAmount = 2 ** 21;
  void client.publish("news", new Uint8Array(900)).catch(() => {});
  const subscribing = client.subscribe("x".repeat(200));
  await side.hearNothing();
  side.bufferedAmount = 0;
  await clock.advance(5);
  assert.equal((await side.hear()).kind, Kind.publish);
  assert.equal((await side.hear()).kind, Kind.subscribe);
  assert.equal(await isPending(subscribing), true);
});

test("a hub that takes nothing at all loses the connection", async () => {
  const { client, side } = await connect({ sendBytesMax: 1000 });
  side.bufferedAmount = 2 ** 21;
  await settle();
  for (let i = 0; i < 81 && client.state === "connected"; i++) {
    side.say(...Array.from({ length: 1000 }, () => ({ kind: Kind.ping, mark: 1n })));
    await settle();
  }

  assert.deepEqual([client.state, client.lastClose.code], ["waiting", 1006]);
  assert.match(client.lastClose.text, /takes nothing/);
});

test("what a listener throws goes to onError, and the others are called", async () => {
  const { client, errors, side } = await connect();
  const states = [];
  client.onStateChange(() => {
    throw new Error("the log is full");
  });
  const remove = client.onStateChange(state => states.push(state));
  side.abort();
  await settle();
  remove();
  await client.close();
  assert.deepEqual([states, errors.map(each => each.message)], [["waiting"], ["the log is full", "the log is full"]]);
});

test("an error of the connection is told before its Close frame", async () => {
  const { client, side } = await connect();
  side.say({ kind: Kind.error, scope: 2, code: 7, id: 0, chunkIndex: 0, messageIndex: 4096, text: "The payload has too many messages." });
  side.abort(1008, "");
  await settle();
  assert.deepEqual([client.state, client.lastClose.code, client.lastClose.text], ["closed", 1008, "The payload has too many messages."]);
});

test("errors have names", () => {
  const rejected = new RequestRejectedError(103, "x");
  assert.deepEqual([rejected.name, rejected.codeName, rejected instanceof BrokerError], ["RequestRejectedError", "permissionDenied", true]);
  assert.deepEqual([new RequestRejectedError(205, "x").codeName, new RequestRejectedError(1234, "x").codeName], ["tooManyTransfers", "1234"]);
});
