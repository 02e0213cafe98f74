// Publications, subscriptions and histories; the hub and the clock are in the test's hands.

import assert from "node:assert/strict";
import { test } from "node:test";
import { DeliveryQueue } from "../dist/deliveryQueue.js";
import { RequestRejectedError } from "../dist/index.js";
import { Kind } from "../dist/messages.js";
import { SeenOffsets } from "../dist/seenOffsets.js";
import { connect, delivery, isPending, reconnect, subscribe, text } from "./support.js";

const RECOVERABLE = 1, RECOVERED = 2;
const missed = (offset, count) => ({ kind: Kind.missed, channel: 7, offset, count });
const confirmed = (request, state, epoch, offset) => ({ kind: Kind.subscribed, request, channel: 7, state, epoch, offset });

async function next(reader) {
  const { done, value } = await reader.next();
  assert.equal(done, false);
  return value;
}

test("a publication waits for its answer, and a rejection says why", async () => {
  const { client, side } = await connect();
  const [first, second] = [client.publish("news", "hello"), client.publish("secret", "hello")];
  assert.deepEqual(await side.hear(), { kind: Kind.publish, request: 1, channel: "news", data: text("hello") });
  side.say(
    { kind: Kind.error, scope: 0, code: 103, id: 2, chunkIndex: 0, messageIndex: 0, text: "permission denied" },
    { kind: Kind.published, request: 1, receivers: 3, offset: 42 });
  assert.deepEqual(await first, { offset: 42, receivers: 3 });
  await assert.rejects(second, { name: "RequestRejectedError", code: 103, message: "The hub refused: permission denied (103)" });
  await assert.rejects(client.publish("", "x"), TypeError);
  await assert.rejects(client.publish("ü".repeat(32_768), "x"), RangeError);
  await side.hear();
  const third = client.publish("news", "x");
  side.say({ kind: Kind.published, request: (await side.hear()).request, receivers: 0, offset: 1 });
  await third;
});

test("an answer of another kind than its request is nobody's", async () => {
  const { client, side } = await connect();
  const publishing = client.publish("news", "hello");
  const { request } = await side.hear();
  side.say({ kind: Kind.historyReply, request: 77, epoch: 0n, offset: 0, publications: [] });
  side.say({ kind: Kind.published, request, receivers: 3, offset: 42 });
  await publishing;
});

test("a subscription that is rejected, or given up, leaves nothing", async () => {
  const { client, side } = await connect();
  const rejected = client.subscribe("news");
  const { request } = await side.hear();
  side.say({ kind: Kind.error, scope: 0, code: 103, id: request, chunkIndex: 0, messageIndex: 0, text: "permission denied" });
  await assert.rejects(rejected, RequestRejectedError);

  const controller = new AbortController();
  const given = client.subscribe("news", { signal: controller.signal });
  const late = (await side.hear()).request;
  controller.abort();
  await assert.rejects(given, { name: "AbortError" });
  side.say(confirmed(late, 0, 0n, 0));
  assert.deepEqual(await side.hear(), { kind: Kind.unsubscribe, request: 0xffffffff, channel: 7 });
});

test("unsubscribing ends the enumeration, and tells the hub", async () => {
  const connected = await connect();
  const [news] = await subscribe(connected);
  connected.side.say(delivery(1, "one"));
  news.unsubscribe();
  news.unsubscribe();
  connected.side.say(delivery(2, "two"));
  assert.deepEqual(await connected.side.hear(), { kind: Kind.unsubscribe, request: 0xffffffff, channel: 7 });
  await connected.side.hearNothing();
  const reader = news[Symbol.asyncIterator]();
  assert.equal((await next(reader)).text(), "one");
  assert.equal((await reader.next()).done, true);
});

test("a subscription continues after a reconnect, and says that something may be missing", async () => {
  const connected = await connect();
  const [news] = await subscribe(connected, {}, { token: () => "fresh" });
  const reader = news[Symbol.asyncIterator]();
  connected.side.say(delivery(0, "one"), delivery(0, "two"));
  assert.deepEqual([(await next(reader)).text(), (await next(reader)).gap], ["one", "none"]);

  connected.side.abort();
  const side = await reconnect(connected);
  const { request, options, token } = await side.hear();
  assert.deepEqual([options, token], [0, "fresh"]);
  side.say(confirmed(request, 0, 0n, 0), delivery(0, "three"), delivery(0, "four"));
  const third = await next(reader);
  assert.deepEqual([third.text(), third.gap, (await next(reader)).gap], ["three", "possible", "none"]);
});

for (const [state, epoch, offset, gap] of [
  [RECOVERABLE | RECOVERED, 9n, 13, "none"],
  [RECOVERABLE, 9n, 12, "none"],
  [RECOVERABLE, 9n, 13, "possible"],
  [RECOVERABLE, 10n, 12, "possible"],
]) {
  test(`a history is asked for what was missed: state ${state}, epoch ${epoch}, offset ${offset}`, async () => {
    const connected = await connect();
    const [news] = await subscribe(connected, { state: RECOVERABLE, epoch: 9n, offset: 11 });
    const reader = news[Symbol.asyncIterator]();
    connected.side.say(delivery(12, "last"));
    await next(reader);
    connected.side.abort();
    const side = await reconnect(connected);
    const asked = await side.hear();
    assert.deepEqual([asked.options, asked.epoch, asked.offset], [1, 9n, 12]);
    side.say(confirmed(asked.request, state, epoch, offset), delivery(offset + 1, "next"));
    assert.equal((await next(reader)).gap, gap);
    assert.equal(news.recovered, gap === "none");
  });
}

test("a subscription since a position is a continued one", async () => {
  const connected = await connect();
  const [recovered, asked] = await subscribe(connected, { state: RECOVERABLE | RECOVERED, epoch: 9n, offset: 13 }, { since: { epoch: 9n, offset: 12 } });
  assert.deepEqual([asked.options, asked.epoch, asked.offset, recovered.recovered], [1, 9n, 12, true]);
  connected.side.say(delivery(13, "thirteen"));
  const reader = recovered[Symbol.asyncIterator]();
  assert.deepEqual([(await next(reader)).gap, recovered.position], ["none", { epoch: 9n, offset: 13 }]);

  const other = await connect();
  const [lost] = await subscribe(other, { state: RECOVERABLE, epoch: 10n, offset: 3 }, { since: { epoch: 9n, offset: 12 } });
  other.side.say(delivery(4, "four"));
  assert.deepEqual([lost.recovered, (await next(lost[Symbol.asyncIterator]())).gap], [false, "possible"]);
});

test("what the hub will not deliver is counted, and what comes twice is given once", async () => {
  const connected = await connect();
  const [news] = await subscribe(connected, { state: RECOVERABLE, epoch: 9n, offset: 1 });
  connected.side.say(delivery(2, "two"), delivery(2, "two again"), missed(3, 4), delivery(7, "seven"));
  const reader = news[Symbol.asyncIterator]();
  assert.equal((await next(reader)).offset, 2);
  const seventh = await next(reader);
  assert.deepEqual([seventh.offset, seventh.gap, seventh.missed], [7, "certain", 4]);
});

test("a long delivery that was cut off is asked for again, though later ones came", async () => {
  const connected = await connect();
  const [news] = await subscribe(connected, { state: RECOVERABLE, epoch: 9n, offset: 1 });
  connected.side.say(delivery(3, "three"));
  assert.deepEqual(news.position, { epoch: 9n, offset: 1 });
  connected.side.abort();
  const side = await reconnect(connected);
  const asked = await side.hear();
  assert.equal(asked.offset, 1);
  side.say(confirmed(asked.request, RECOVERABLE | RECOVERED, 9n, 3), delivery(2, "two"), delivery(3, "three"), delivery(4, "four"));
  const reader = news[Symbol.asyncIterator]();
  const read = [await next(reader), await next(reader), await next(reader)];
  assert.deepEqual(read.map(each => [each.text(), each.gap]), [["three", "none"], ["two", "none"], ["four", "none"]]);
  assert.deepEqual(news.position, { epoch: 9n, offset: 4 });
});

test("the hub's own unsubscribed is followed by a subscribe, or by the end", async () => {
  for (const [code, options] of [[2500, 1], [2501, 1], [2502, 0]]) {
    const connected = await connect();
    const [news] = await subscribe(connected, { state: RECOVERABLE, epoch: 9n, offset: 1 });
    connected.side.say({ kind: Kind.unsubscribed, request: 0, channel: 7, code, text: "again" });
    const asked = await connected.side.hear();
    assert.deepEqual([asked.kind, asked.options], [Kind.subscribe, options]);
    connected.side.say({ kind: Kind.error, scope: 0, code: 103, id: asked.request, chunkIndex: 0, messageIndex: 0, text: "no more" });
    await assert.rejects(news[Symbol.asyncIterator]().next(), { code: 103 });
  }

  const connected = await connect();
  const [news] = await subscribe(connected);
  connected.side.say({ kind: Kind.unsubscribed, request: 0, channel: 7, code: 2000, text: "server side" });
  await assert.rejects(news[Symbol.asyncIterator]().next(), { name: "RequestRejectedError", code: 2000, message: /server side/ });
  await connected.side.hearNothing();
});

test("a page of a history is read, and what was asked is on the wire", async () => {
  const { client, side } = await connect();
  const reading = client.history("news", { since: { epoch: 9n, offset: 4 }, limit: 10, reverse: true });
  const { request, ...asked } = await side.hear();
  assert.deepEqual(asked, { kind: Kind.history, options: 3, epoch: 9n, offset: 4, limit: 10, channel: "news" });
  side.say({ kind: Kind.historyReply, request, epoch: 9n, offset: 5, publications: [{ offset: 3, data: text("three") }] });
  assert.deepEqual(await reading, { top: { epoch: 9n, offset: 5 }, publications: [{ offset: 3, data: text("three") }] });
  void client.history("news").catch(() => {});
  assert.equal((await side.hear()).limit, 0xffffffff);
  await assert.rejects(client.history("news", { limit: -1 }), RangeError);
});

test("who is in a channel is asked for, and joins and leaves come to a subscription that wants them", async () => {
  const { client, side } = await connect();
  const member = { client: "c7", user: "42", connectionInfo: text("{}"), channelInfo: text("") };
  const asking = client.presence("news");
  const { request, ...asked } = await side.hear();
  assert.deepEqual(asked, { kind: Kind.presence, options: 0, channel: "news" });
  side.say({ kind: Kind.presenceReply, request, clients: 1, users: 1, members: [member] });
  assert.deepEqual(await asking, { clients: 1, users: 1, members: [member] });
  void client.presence("news", { countsOnly: true }).catch(() => {});
  assert.equal((await side.hear()).options, 1);

  const seen = [];
  const subscribing = client.subscribe("news", { onJoin: each => seen.push(["in", each.client]), onLeave: each => seen.push(["out", each.client]) });
  const wanted = await side.hear();
  assert.equal(wanted.options, 2);
  side.say(confirmed(wanted.request, 0, 0n, 0));
  await subscribing;
  side.say({ kind: Kind.joined, channel: 7, member });
  side.say({ kind: Kind.left, channel: 7, member });
  const reading = client.history("news");
  side.say({ kind: Kind.historyReply, request: (await side.hear()).request, epoch: 0n, offset: 0, publications: [] });
  await reading;
  assert.deepEqual(seen, [["in", "c7"], ["out", "c7"]]);
});

test("a reader that is slower than the channel loses the oldest, and is told how many", async () => {
  const queue = new DeliveryQueue(3 * (96 + 10));
  for (let i = 1; i <= 5; i++) queue.add("news", i, new Uint8Array(10));
  const third = (await queue.next()).value;
  assert.deepEqual([third.offset, third.gap, third.missed], [3, "certain", 2]);
  assert.deepEqual([(await queue.next()).value.gap, (await queue.next()).value.offset], ["none", 5]);

  queue.addGap("possible", 0);
  queue.addGap("certain", 3);
  queue.add("news", 9, new Uint8Array(1000));
  const ninth = (await queue.next()).value;
  assert.deepEqual([ninth.gap, ninth.missed], ["certain", 3]);

  const waiting = [queue.next(), queue.next()];
  assert.equal(await isPending(waiting[0]), true);
  queue.add("news", 10, new Uint8Array(1));
  queue.end(new Error("over"));
  assert.equal((await waiting[0]).value.offset, 10);
  await assert.rejects(waiting[1], /over/);
  await assert.rejects(queue.next(), /over/);
});

test("many deliveries that wait are read in their order", async () => {
  const queue = new DeliveryQueue(2 ** 30);
  for (let i = 1; i <= 1000; i++) queue.add("news", i, new Uint8Array(1));
  for (let i = 1; i <= 1000; i++) assert.equal((await queue.next()).value.offset, i);
  queue.end();
  assert.equal((await queue.next()).done, true);
});

test("seen offsets know their holes", () => {
  const seen = new SeenOffsets();
  seen.reset(10);
  assert.deepEqual([seen.add(11), seen.add(11), seen.whole, seen.last], [1, 0, 11, 11]);
  assert.deepEqual([seen.add(15), seen.whole, seen.last], [1, 11, 15]);
  assert.deepEqual([seen.add(13), seen.add(13), seen.whole], [1, 0, 11]);
  assert.deepEqual([seen.add(12, 10), seen.whole, seen.last], [8, 21, 21]);
  assert.equal(seen.add(5, 3), 0);
  for (let i = 0; i < 1025; i++) seen.add(23 + 2 * i);
  assert.deepEqual([seen.giveUpOldest(), seen.giveUpOldest(), seen.whole], [1, 0, 23]);
  assert.equal(seen.add(Number.MAX_SAFE_INTEGER, 100) > 0, true);
});

