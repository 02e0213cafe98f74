// The codec against docs/PROTOCOL.md, byte for byte, and against what is no message.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { FrameReader, readLongMessage } from "../dist/decode.js";
import { encodeMessage } from "../dist/encode.js";
import { closeCodeOf, FaultCode, FrameFault, reasonOf, TransferError } from "../dist/codes.js";
import { Kind } from "../dist/messages.js";
import { methodId, xxh3 } from "../dist/methodId.js";
import * as store from "../dist/storeCodec.js";
import { LIMITS, text } from "./support.js";

const page = readFileSync(new URL("../../../docs/PROTOCOL.md", import.meta.url), "utf8").replaceAll("\r\n", "\n");
const printed = new Map();
for (const [, name, lines] of page.matchAll(/^```wire ([a-z-]+)\n(.*?)^```/gms)) {
  const hex = lines.split("\n").map(line => line.split("  ")[0].replaceAll(" ", "")).join("");
  printed.set(name, Uint8Array.from(hex.match(/../g), pair => parseInt(pair, 16)));
}

// The messages as the page explains them.
const EXAMPLES = {
  hello: { kind: Kind.hello, version: 1, compressions: 3, frameBytesMax: 1_048_576, windowChunks: 4, windowItems: 8, name: "demo", token: "sesam" },
  welcome: { kind: Kind.welcome, version: 1, compressions: 1, ...LIMITS, client: "c7" },
  ping: { kind: Kind.ping, mark: 0x0102030405060708n },
  pong: { kind: Kind.pong, mark: 0x0102030405060708n },
  error: { kind: Kind.error, scope: 0, code: 103, id: 5, chunkIndex: 0, messageIndex: 2, text: "permission denied" },
  bye: { kind: Kind.bye, code: 3001, retryMilliseconds: 2500, text: "shutdown" },
  subscribe: { kind: Kind.subscribe, request: 1, options: 1, epoch: 0xbeefn, offset: 41, channel: "news", token: "" },
  subscribed: { kind: Kind.subscribed, request: 1, channel: 7, state: 3, epoch: 0xbeefn, offset: 42 },
  unsubscribe: { kind: Kind.unsubscribe, request: 2, channel: 7 },
  unsubscribed: { kind: Kind.unsubscribed, request: 0, channel: 7, code: 2500, text: "insufficient state" },
  publish: { kind: Kind.publish, request: 3, channel: "news", data: text("hello") },
  published: { kind: Kind.published, request: 3, receivers: 1000, offset: 43 },
  delivery: { kind: Kind.delivery, channel: 7, offset: 43, data: text("hello") },
  missed: { kind: Kind.missed, channel: 7, offset: 44, count: 3 },
  history: { kind: Kind.history, request: 8, options: 1, epoch: 0xbeefn, offset: 41, limit: 100, channel: "news" },
  "history-reply": { kind: Kind.historyReply, request: 8, epoch: 0xbeefn, offset: 43, publications: [{ offset: 43, data: text("hello") }] },
  presence: { kind: Kind.presence, request: 9, options: 0, channel: "news" },
  "presence-reply": {
    kind: Kind.presenceReply, request: 9, clients: 1, users: 1,
    members: [{ client: "c7", user: "42", connectionInfo: text("{}"), channelInfo: text("") }],
  },
  joined: { kind: Kind.joined, channel: 7, member: { client: "c7", user: "42", connectionInfo: text("{}"), channelInfo: text("") } },
  left: { kind: Kind.left, channel: 7, member: { client: "c7", user: "42", connectionInfo: text(""), channelInfo: text("") } },
  call: { kind: Kind.call, id: 4, method: 0x2c2622a151f2cdf2n, deadlineMilliseconds: 500, options: 0, data: text("key1") },
  result: { kind: Kind.result, id: 4, data: text("\u0001value") },
  fault: { kind: Kind.fault, id: 0x80000001, code: 1, text: "unknown method" },
  cancel: { kind: Kind.cancel, id: 4 },
  item: { kind: Kind.item, id: 4, data: text("ok") },
  "items-end": { kind: Kind.itemsEnd, id: 4 },
  stream: { kind: Kind.stream, stream: 0, purpose: 0, call: 0, bytes: 524_289 },
  chunk: { kind: Kind.chunk, stream: 0, index: 2, total: 3, data: Uint8Array.of(0xff) },
  credit: { kind: Kind.credit, scope: 0, id: 0, count: 4 },
  "stream-cancel": { kind: Kind.streamCancel, owner: 1, stream: 0, code: 212 },
};

const key1 = text("key1");
const STORE = {
  "store-read-arguments": key1,
  "store-batch-read-arguments": store.encodeKeys(["key1", "k2"]),
  "store-write-arguments": store.encodeWrite("disk", "key1", "v1"),
  "store-batch-write-arguments": store.encodeChanges("system", [{ key: "key1", value: "v1" }, { key: "k2", value: null }]),
  "store-delete-arguments": store.encodeDelete("memory", "key1"),
  "store-scan-arguments": store.encodeScan(true, 100, "k", "key1"),
  "store-write-stream-arguments": store.encodeWriteStream("disk", 83_886_080, "key1"),
  "store-read-stream-arguments": store.encodeReadStream(1_048_576, undefined, "key1"),
  "store-scan-stream-arguments": store.encodeScanStream(false, 100, "k", "key1\0"),
};

const RESULTS = {
  "store-read-result": bytes => assert.deepEqual(store.readValue(bytes), text("v1")),
  "store-read-missing": bytes => assert.equal(store.readValue(bytes), null),
  "store-batch-read-result": bytes => assert.deepEqual(store.readValues(bytes, 3), [text("v1"), null, text("")]),
  "store-number": bytes => assert.deepEqual([store.readNumber(bytes), store.readAmount(bytes)], [1000n, 1000]),
  "store-delete-result": bytes => assert.equal(store.readDeleted(bytes), true),
  "store-bool": bytes => assert.equal(store.readBool(bytes), true),
  "store-scan-result": bytes => assert.deepEqual(
    store.readPage(bytes), { hasMore: true, entries: [{ key: key1, value: text("v1") }, { key: text("k2"), value: text("") }] }),
  "store-scan-stream-item": bytes => assert.deepEqual(
    store.readEntries(bytes), [{ key: key1, valueLength: 2, value: text("v1") }, { key: text("k2"), valueLength: 83_886_080, value: null }]),
};

test("every block of PROTOCOL.md has its example", () => {
  assert.deepEqual([...printed.keys()].sort(), [...Object.keys(EXAMPLES), ...Object.keys(STORE), ...Object.keys(RESULTS)].sort());
});

for (const [name, message] of Object.entries(EXAMPLES)) {
  test(`${name} is written and read as PROTOCOL.md prints it`, () => {
    const golden = printed.get(name);
    assert.deepEqual(encodeMessage(message), golden);
    const reader = new FrameReader(golden, 0, true, sideThatReads(message.kind));
    assert.deepEqual(reader.next(), message);
    assert.deepEqual([reader.next(), reader.fault], [undefined, 0]);
  });

  test(`${name} that is cut, or has a byte too many, is a fault`, () => {
    const golden = printed.get(name);
    for (let length = 0; length < golden.length; length++) {
      const reader = new FrameReader(golden.subarray(0, length), 0, true, sideThatReads(message.kind));
      assert.equal(reader.next(), undefined);
      assert.equal(reader.fault, length === 0 ? FrameFault.emptyPayload : FrameFault.truncated);
    }

    const short = new FrameReader(withLength(golden, 0), 0, true, sideThatReads(message.kind));
    assert.equal(short.next(), undefined);
    assert.equal(short.fault, FrameFault.malformed);
  });
}

for (const [name, encoded] of Object.entries(STORE)) test(`${name} are written as PROTOCOL.md prints them`, () => assert.deepEqual(encoded, printed.get(name)));

for (const [name, check] of Object.entries(RESULTS)) {
  test(`${name} is read as PROTOCOL.md prints it, and nothing else is`, () => {
    const golden = printed.get(name);
    check(golden);
    for (let length = name.includes("item") ? 1 : 0; length < golden.length; length++) {
      if (name === "store-read-result" && length > 0) continue;       // Any value may be shorter.
      if (name === "store-scan-stream-item" && length === 17) continue;       // That is one entry.
      assert.throws(() => check(golden.subarray(0, length)), `${length} bytes`);
    }
  });
}

test("the codes and texts are those of PROTOCOL.md", () => {
  for (const fault of Object.values(FrameFault)) {
    if (fault !== 0) assert.ok(page.includes(`| ${fault} | ${closeCodeOf(fault)} | ${reasonOf(fault)} |`), `fault ${fault}`);
  }

  for (const code of Object.values(TransferError)) assert.ok(page.includes(`| ${code} |`), `error ${code}`);
  for (const [name, code] of Object.entries(FaultCode)) {
    assert.ok(page.includes(`| ${code} | ${name.replaceAll(/[A-Z]/g, letter => ` ${letter.toLowerCase()}`)} |`), `fault ${name}`);
  }
});

test("messages share a frame, and those before a bad one are given", () => {
  const good = encodeMessage(EXAMPLES.ping);
  const bad = Uint8Array.of(0xff, 0, 0, 0, 0);
  const reader = new FrameReader(Uint8Array.of(0, ...good, ...good, ...bad), 1, true);
  assert.deepEqual([reader.next(), reader.next(), reader.next()], [EXAMPLES.ping, EXAMPLES.ping, undefined]);
  assert.deepEqual([reader.fault, reader.index], [FrameFault.unknownKind, 2]);

  const unbatched = new FrameReader(Uint8Array.of(...good, ...good), 0, false);
  assert.deepEqual(unbatched.next(), EXAMPLES.ping);
  assert.deepEqual([unbatched.next(), unbatched.fault], [undefined, FrameFault.notBatched]);
});

test("a length that is not there is not believed", () => {
  const lying = withLength(printed.get("delivery"), 0xffffffff);
  const reader = new FrameReader(lying, 0, true);
  assert.deepEqual([reader.next(), reader.fault], [undefined, FrameFault.truncated]);

  const keys = Uint8Array.of(1, 0xff, 0xff, 0xff, 0xff);
  assert.throws(() => store.readPage(keys), /not the result/);
});

test("a kind of the other side, a text that is not UTF-8 and a reserved bit are faults", () => {
  assert.equal(faultOf(printed.get("publish"), "client"), FrameFault.wrongSide);
  assert.equal(faultOf(printed.get("delivery"), "server"), FrameFault.wrongSide);
  assert.equal(faultOf(withLast(printed.get("bye"), 0xff), "client"), FrameFault.notUtf8);
  assert.equal(faultOf(withByte(printed.get("subscribed"), 13, 4), "client"), FrameFault.malformed);
  assert.equal(faultOf(withByte(printed.get("stream"), 9, 3), "client"), FrameFault.malformed);
  assert.equal(faultOf(withByte(printed.get("delivery"), 16, 0xff), "client"), FrameFault.malformed);      // An offset over 2^53.
});

test("numbers of their whole width are bounds, not faults", () => {
  const { kind, ...fields } = EXAMPLES.welcome;
  const golden = encodeMessage({ kind, ...fields, streamBytesMax: Number.MAX_SAFE_INTEGER, callsMax: 0xffffffff });
  golden.fill(0xff, 28, 36);
  const read = new FrameReader(golden, 0, true).next();
  assert.deepEqual([read.streamBytesMax, read.callsMax], [Number.MAX_SAFE_INTEGER, 0xffffffff]);
});

test("names are as long as their fields", () => {
  assert.equal(encodeMessage({ ...EXAMPLES.publish, channel: "ü".repeat(32_767) }).length, 5 + 6 + 65_534 + 5);
  assert.throws(() => encodeMessage({ ...EXAMPLES.publish, channel: "ü".repeat(32_768) }), RangeError);
  assert.throws(() => encodeMessage({ ...EXAMPLES.hello, name: "n".repeat(256) }), RangeError);
  assert.throws(() => store.encodeKeys([new Uint8Array(65_536)]), RangeError);
  for (const channel of ["a", "ä", "aä", "日本", "a😀b", "\ufeffx"]) {
    const read = new FrameReader(encodeMessage({ ...EXAMPLES.publish, channel }), 0, true, "server").next();
    assert.equal(read.channel, channel);
  }
});

test("a transfer is one message that may come so", () => {
  assert.deepEqual(readLongMessage(printed.get("delivery")), EXAMPLES.delivery);
  for (const name of ["stream", "chunk", "credit", "publish"]) assert.equal(readLongMessage(printed.get(name)), undefined);
  assert.equal(readLongMessage(Uint8Array.of(...printed.get("ping"), ...printed.get("ping"))), undefined);
  assert.equal(readLongMessage(new Uint8Array(0)), undefined);
});

test("no frame of random bytes does more than end in a fault", () => {
  const goldens = [...printed.entries()].filter(([name]) => name in EXAMPLES).map(([, golden]) => golden);
  let state = 20_261_129;
  const random = most => (state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0) % most;
  for (let round = 0; round < 20_000; round++) {
    const frame = Uint8Array.of(...goldens[random(goldens.length)], ...goldens[random(goldens.length)]);
    for (let i = random(6); i >= 0; i--) frame[random(frame.length)] = random(256);
    const reader = new FrameReader(frame, 0, random(2) === 0, random(2) === 0 ? "client" : "server");
    let messages = 0;
    while (reader.next() !== undefined) messages++;
    assert.ok(messages <= frame.length / 5);
  }
});

test("a method's number is XXH3-64 of its name", () => {
  for (const [, name, id] of page.matchAll(/^\| `([a-z_]+)` \| `([0-9a-f]{16})` \|/gm)) assert.equal(methodId(name).toString(16).padStart(16, "0"), id);
  for (const [length, hash] of XXH3) assert.equal(xxh3(Uint8Array.from({ length }, (_, i) => (i * 7 + 3) % 251)), hash, `${length} bytes`);
});

// Of byte i = (7 i + 3) mod 251, by the reference implementation's xxhsum.
const XXH3 = [
  [0, 0x2d06800538d394c2n],
  [1, 0x13e608bc156defedn],
  [2, 0x1c9074b93943b86cn],
];

function sideThatReads(kind) {
  return [Kind.hello, Kind.subscribe, Kind.unsubscribe, Kind.publish, Kind.history, Kind.presence].includes(kind) ? "server" : "client";
}

function faultOf(frame, side) {
  const reader = new FrameReader(frame, 0, true, side);
  assert.equal(reader.next(), undefined);
  return reader.fault;
}

function withLength(message, length) {
  const changed = message.slice(0, 5 + Math.min(length, message.length - 5));
  new DataView(changed.buffer).setUint32(1, length, true);
  return changed;
}

function withLast(message, value) {
  return withByte(message, message.length - 1, value);
}

function withByte(message, at, value) {
  const changed = message.slice();
  changed[at] = value;
  return changed;
}
