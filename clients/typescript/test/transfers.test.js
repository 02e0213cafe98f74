// Transfers in both directions; the hub and the clock are in the test's hands.

import assert from "node:assert/strict";
import { test } from "node:test";
import { FaultCode, Methods, PayloadTooLargeError, QueueFullError, TransferError } from "../dist/index.js";
import { Kind } from "../dist/messages.js";
import { methodId } from "../dist/methodId.js";
import { TransferTable } from "../dist/transferTable.js";
import { connect, delivery, encoded, isPending, read, settle, subscribe, text } from "./support.js";

const header = (stream, length, purpose = 2, call = 1) => ({ kind: Kind.stream, stream, purpose, call, bytes: length });
const chunk = (stream, index, total, data) => ({ kind: Kind.chunk, stream, index, total, data: typeof data === "number" ? new Uint8Array(data) : data });
const credit = (id, count) => ({ kind: Kind.credit, scope: 0, id, count });
const cancelled = (owner, stream, code) => ({ kind: Kind.streamCancel, owner, stream, code });

function pattern(length) {
  return Uint8Array.from({ length }, (_, i) => i * 7);
}

test("a large publication is sent in chunks as far as credit goes, and tells its progress", async () => {
  const { client, side } = await connect({}, { limits: { chunkBytesMax: 100_000, windowChunks: 2 } });
  const progress = [];
  const data = pattern(1_000_000);
  const publishing = client.publish("news", data, { onProgress: each => progress.push(each) });
  const announced = (await side.hear()).bytes;
  const whole = new Uint8Array(announced);
  for (let at = 0, index = 0; at < announced; index++) {
    const each = await side.hear();
    assert.deepEqual([each.kind, each.index, each.total], [Kind.chunk, index, 11]);
    whole.set(each.data, at);
    at += each.data.length;
    if (index >= 1) {
      if (at < announced && index === 1) await side.hearNothing();
      side.say(credit(0, 1));
    }
  }

  const [message] = read(whole);
  assert.deepEqual([message.kind, message.channel], [Kind.publish, "news"]);
  assert.deepEqual(message.data, data);
  assert.equal(progress.length, 11);
  assert.deepEqual(progress[10], { bytes: 1_000_000, total: 1_000_000 });
  side.say({ kind: Kind.published, request: message.request, receivers: 0, offset: 1 });
  await publishing;
});

test("524,288 bytes are sent whole, and one byte more in three chunks", async () => {
  const { client, side } = await connect();
  const head = 5 + 6 + 4;
  void client.publish("news", new Uint8Array(524_288 - head)).catch(() => {});
  assert.equal((await side.hear()).kind, Kind.publish);
  void client.publish("news", new Uint8Array(524_289 - head)).catch(() => {});
  assert.deepEqual(await side.hear(), { kind: Kind.stream, stream: 0, purpose: 0, call: 0, bytes: 524_289 });
  assert.deepEqual([await side.hear(), await side.hear(), await side.hear()].map(each => each.data.length), [262_144, 262_144, 1]);
});

test("small messages are sent between chunks, and transfers take turns", async () => {
  const { client, side } = await connect({}, { limits: { chunkBytesMax: 200_000, windowChunks: 8 } });
  for (let i = 0; i < 2; i++) void client.publish("news", new Uint8Array(600_000)).catch(() => {});
  void client.ping().catch(() => {});
  const kinds = [];
  await settle();
  while (side.frames.length > 0) kinds.push(...(await side.hearFrame()).map(each => each.kind === Kind.chunk ? `${each.stream}/${each.index}` : each.kind));
  assert.deepEqual(kinds, [Kind.ping, Kind.stream, "0/0", Kind.stream, "1/0", "0/1", "1/1", "0/2", "1/2", "0/3", "1/3"]);
});

test("a large publication can be cancelled half way, and one too large is not begun", async () => {
  const { client, side } = await connect({}, { limits: { chunkBytesMax: 100_000, windowChunks: 1, streamBytesMax: 2_000_000 } });
  await assert.rejects(client.publish("news", new Uint8Array(2_000_001)), PayloadTooLargeError);
  const controller = new AbortController();
  const publishing = client.publish("news", new Uint8Array(1_000_000), { signal: controller.signal });
  assert.deepEqual([(await side.hear()).kind, (await side.hear()).kind], [Kind.stream, Kind.chunk]);
  controller.abort();
  await assert.rejects(publishing, { name: "AbortError" });
  assert.deepEqual(await side.hear(), cancelled(0, 0, 0));

  // One that waits for its turn was never begun, so the hub is told nothing.
  const waiting = client.publish("news", new Uint8Array(1_000_000), { signal: AbortSignal.abort() });
  await assert.rejects(waiting, { name: "AbortError" });
  await side.hearNothing();
});

test("large messages that wait are bounded, and one alone always may", async () => {
  const { client } = await connect({ uploadBytesMax: 700_000 });
  void client.publish("news", new Uint8Array(900_000)).catch(() => {});
  await assert.rejects(client.publish("news", new Uint8Array(600_000)), QueueFullError);
});

test("a hub that rejects a transfer fails who sends it and nobody else, and the next has its place", async () => {
  const { client, side } = await connect({}, { limits: { streamsMax: 1, windowChunks: 1 } });
  const first = client.call("write", new Uint8Array(600_000));
  void client.publish("news", new Uint8Array(600_000)).catch(() => {});
  assert.deepEqual([(await side.hear()).stream, (await side.hear()).kind], [0, Kind.chunk]);
  await side.hearNothing();
  side.say(cancelled(1, 0, TransferError.processFull));
  await assert.rejects(first, { name: "RequestRejectedError", code: 214, codeName: "processFull" });
  assert.deepEqual([(await side.hear()).stream, client.state], [1, "connected"]);
});

test("a cancelled call whose arguments are still being sent ends with its transfer", async () => {
  const { client, side } = await connect({}, { limits: { windowChunks: 1 } });
  const controller = new AbortController();
  const call = client.call("write", new Uint8Array(600_000), { signal: controller.signal });
  await side.hear();
  await side.hear();
  controller.abort();
  await assert.rejects(call, { name: "AbortError" });
  assert.deepEqual(await side.hear(), cancelled(0, 0, 0));
  await side.hearNothing();
});

test("a result that comes as a transfer tells its progress and is whole, in any order", async () => {
  const { client, side } = await connect();
  const progress = [];
  const call = client.call("read", "", { onDownload: each => progress.push(each) });
  await side.hear();
  side.say(header(0, 5), chunk(0, 1, 2, text("lo")), chunk(0, 0, 2, text("hel")), { kind: Kind.result, id: 1, data: text("") });
  assert.deepEqual(await call, text("hello"));
  assert.deepEqual(progress, [{ bytes: 2, total: 5 }, { bytes: 5, total: 5 }]);
});

test("credit is given when half of the window has arrived", async () => {
  const { client, side } = await connect();
  const call = client.call("long");
  await side.hear();
  side.say(header(0, 9), chunk(0, 0, 9, 1));
  await side.hearNothing();
  side.say(chunk(0, 1, 9, 1));
  assert.deepEqual(await side.hear(), credit(0, 2));
  for (let i = 2; i < 9; i++) side.say(chunk(0, i, 9, 1));
  assert.equal((await call).length, 9);
});

test("a delivery comes as a transfer, with and without a header, and later ones before it", async () => {
  const connected = await connect();
  const [news] = await subscribe(connected);
  const long = encoded(delivery(1, pattern(600_000)));
  connected.side.say(header(0, long.length, 0, 0), chunk(0, 0, 3, long.subarray(0, 262_144)), delivery(2, "two"), chunk(0, 2, 3, long.subarray(524_288)));
  connected.side.say(chunk(0, 1, 3, long.subarray(262_144, 524_288)));
  connected.side.say(chunk(1, 0, 1, encoded(delivery(3, "three"))));
  const reader = news[Symbol.asyncIterator]();
  const read = [(await reader.next()).value, (await reader.next()).value, (await reader.next()).value];
  assert.deepEqual(read.map(each => [each.offset, each.gap]), [[2, "none"], [1, "none"], [3, "none"]]);
  assert.deepEqual(read[1].data, pattern(600_000));
});

test("a bad chunk is answered with its rule, and the connection lives", async () => {
  const { client, side } = await connect({ downloadBytesMax: 300_000, transferWindow: 2 });
  const call = client.call("long");
  await side.hear();
  const cases = [
    [[chunk(3, 0, 0, 1)], 201],
    [[chunk(3, 0, 257, 1)], 202],
    [[chunk(3, 9, 2, 1)], 203],
    [[header(4, 10, 0, 0), header(4, 10, 0, 0)], 219],
    [[header(4, 3, 2, 99)], 219],
    [[header(4, 3, 1, 1)], 219],
    [[chunk(4, 0, 2, 1), chunk(4, 1, 3, 1)], 207],
    [[chunk(4, 0, 2, 1)], 208],
    [[chunk(4, 1, 2, 1)], 216],
    [[chunk(4, 1, 2, 1)], 209],
    [[header(5, 3, 0, 0), chunk(5, 0, 1, 4)], 215],
    [[chunk(6, 0, 1, 262_145)], 211],
    [[header(7, 2 ** 40, 0, 0)], 212],
    [[header(8, 3, 2, 99)], 220],
    [[header(9, 3, 1, 1)], 220],
    [[chunk(10, 0, 1, text("none"))], 221],
    [[chunk(10, 0, 1, text("none"))], 206],
    [[chunk(11, 0, 9, 1), chunk(11, 1, 9, 200_000), chunk(11, 2, 9, 150_000)], 213],
  ];
  for (const [messages, code] of cases) {
    side.say(...messages);
    let error = await side.hear();
    while (error.kind === Kind.credit) error = await side.hear();
    assert.deepEqual([error.kind, error.scope, error.code], [Kind.error, 1, code], `${code}`);
  }

  side.say({ kind: Kind.result, id: 1, data: text("") });
  await call;
  assert.equal(client.state, "connected");
});

test("a chunk without credit, and one transfer too many, are rejected", async () => {
  const { client, side } = await connect({ downloadBytesMax: 600_000 }, { limits: { streamsMax: 1, windowChunks: 1 } });
  void client.call("long").catch(() => {});
  await side.hear();
  side.say(chunk(0, 0, 9, 1), header(1, 10, 0, 0));
  assert.equal((await side.hear()).code, 205);

  const table = new TransferTable({ chunkBytesMax: 10, chunksMax: 10, streamBytesMax: 100, streamsMax: 1, windowChunks: 1, bytesMax: 100 });
  assert.equal(table.add(chunk(0, 0, 10, 10), 0).credit, 1);
  table.add(chunk(0, 1, 10, 10), 0);
  assert.deepEqual([table.add(chunk(0, 2, 10, 10), 0).error, table.add(chunk(0, 3, 10, 10), 0).error], [0, 0]);
});

test("a result that is rejected fails its call, and no other", async () => {
  const { client, side } = await connect({ downloadBytesMax: 300_000 });
  const [call, other] = [client.call("long"), client.call("short")];
  call.catch(() => {});
  await side.hear();
  await side.hear();
  side.say(header(0, 500_000), chunk(0, 0, 2, 250_000), chunk(0, 1, 2, 250_000), { kind: Kind.result, id: 2, data: text("") });
  assert.equal((await side.hear()).code, 213);
  await assert.rejects(call, { code: FaultCode.resultTooBig, text: /ConnectionFull/ });
  await other;

  const tooLong = client.call("long");
  tooLong.catch(() => {});
  await side.hear();
  side.say(header(1, Number.MAX_SAFE_INTEGER, 2, 3));
  assert.equal((await side.hear()).code, 212);
  await assert.rejects(tooLong, { code: FaultCode.resultTooBig, text: /StreamTooBig/ });
});

test("credit waits for memory, and the oldest has it first", () => {
  const table = new TransferTable({ chunkBytesMax: 10, chunksMax: 20, streamBytesMax: 200, streamsMax: 2, windowChunks: 2, bytesMax: 150 });
  table.open(header(0, 100, 0, 0), 0);
  table.open(header(1, 100, 0, 0), 1);
  assert.equal(table.add(chunk(0, 0, 10, 10), 2).credit, 1);
  assert.equal(table.add(chunk(1, 0, 10, 10), 3).credit, 0);
  assert.equal(table.add(chunk(1, 1, 10, 10), 4).credit, 0);
  assert.equal(table.takeGrant(5), undefined);
  assert.equal(table.nextExpiry, 60_002);      // The one that is held up has no time limit.
  for (let i = 1; i < 10; i++) assert.equal(table.add(chunk(0, i, 10, 10), 6).error, 0);
  assert.deepEqual(table.takeGrant(70_000), { id: 1, credit: 2 });
  for (let i = 2; i < 10; i++) assert.equal(table.add(chunk(1, i, 10, 10), 70_001).error, 0);
  assert.equal(table.nextExpiry, undefined);
});

test("a result that stops coming fails its call, and the hub is told", async () => {
  const { client, clock, side } = await connect({ keepAlive: 0 });
  const call = client.call("long");
  await side.hear();
  side.say(header(0, 500_000), chunk(0, 0, 2, 250_000));
  await clock.advance(59_999);
  assert.equal(await isPending(call), true);
  await clock.advance(1);
  await assert.rejects(call, { code: FaultCode.overloaded });
  assert.deepEqual(await side.hear(), cancelled(1, 0, TransferError.expired));
});

test("however steadily a transfer trickles, its time is limited", async () => {
  const { client, clock, side } = await connect({ keepAlive: 0 });
  const call = client.call("long");
  await side.hear();
  side.say(header(0, 100));
  for (let i = 0; i < 13 && await isPending(call); i++) {
    side.say(chunk(0, i, 100, 1));
    await clock.advance(50_000);
  }

  await assert.rejects(call, { code: FaultCode.overloaded });
});

test("the result of a call that is given up is wanted no longer", async () => {
  const { client, side } = await connect();
  const controller = new AbortController();
  const call = client.call("long", "", { signal: controller.signal });
  await side.hear();
  side.say(header(0, 500_000), chunk(0, 0, 2, 250_000));
  controller.abort();
  await assert.rejects(call, { name: "AbortError" });
  assert.deepEqual([await side.hear(), await side.hear()], [{ kind: Kind.cancel, id: 1 }, cancelled(1, 0, TransferError.cancelled)]);
});

test("progress that throws hurts nobody", async () => {
  const { client, errors, side } = await connect();
  const breaks = () => {
    throw new Error("the bar is broken");
  };
  const call = client.call("long", "x", { onUpload: breaks, onDownload: breaks });
  await side.hear();
  side.say(header(0, 3), chunk(0, 0, 1, 3));
  assert.equal((await call).length, 3);
  assert.equal(errors.length, 2);
});

const ID = 0x80000000;

async function callLong(limits = {}) {
  const methods = new Methods().add("long", () => new Uint8Array(600_000));
  const connected = await connect({ methods }, { limits });
  connected.side.say({ kind: Kind.call, id: ID, method: methodId("long"), deadlineMilliseconds: 0, options: 0, data: text("") });
  return connected.side;
}

async function hearFault(side) {
  let message;
  do message = await side.hear();
  while (message.kind === Kind.chunk);
  return message;
}

test("a result of this client that the hub rejects, at once or later, is a fault that says why", async () => {
  const tooLong = await callLong({ streamBytesMax: 550_000 });
  assert.deepEqual(await tooLong.hear(), { kind: Kind.fault, id: ID, code: 10, text: "600009 bytes are more than the hub takes: 550000." });

  for (const [why, code, name] of [[213, 10, "connectionFull"], [214, 7, "processFull"]]) {
    const side = await callLong({ windowChunks: 1 });
    const { stream } = await side.hear();
    side.say({ kind: Kind.error, scope: 1, code: why, id: stream, chunkIndex: 0, messageIndex: 0, text: "" });
    assert.deepEqual(await hearFault(side), { kind: Kind.fault, id: ID, code, text: `The hub stopped the upload: ${name}.` });
  }

  const whole = await callLong();
  const { stream } = await whole.hear();
  for (let i = 0; i < 3; i++) assert.equal((await whole.hear()).kind, Kind.chunk);
  whole.say(cancelled(1, stream, 204));
  assert.deepEqual(await hearFault(whole), { kind: Kind.fault, id: ID, code: 7, text: "The hub stopped the upload: expired." });
});
