// What the TypeScript client does against a real hub: the scenarios of the .NET client, for Node.js and for a browser, so nothing here
// is of either. Each scenario gets the library, a function that connects, whether gzip is there, and how
// many mebibytes are much.

export const scenarios = {
  async "subscribes, publishes and receives every publication in order"({ connect }) {
    const [client, other] = [await connect(), await connect()];
    const news = await client.subscribe("ts-news");
    const publishing = [];
    for (let i = 0; i < 1000; i++) publishing.push(other.publish("ts-news", `${i}`));
    let expected = 0;
    for await (const delivery of news) {
      equal([delivery.text(), delivery.offset, delivery.gap], [`${expected}`, expected + 1, "none"]);
      if (++expected === 1000) break;
    }

    const receipts = await Promise.all(publishing);
    equal(receipts, receipts.map((_, i) => ({ offset: i + 1, receivers: 1 })));
    await Promise.all([client.close(), other.close()]);
    equal([client.state, client.lastClose.code], ["closed", 1000]);
  },

  async "a rejected subscription tells why, and the connection lives"({ lib, connect }) {
    const client = await connect();
    const rejected = await failure(client.subscribe("ts-secret", { token: "a token that is not known here" }));
    equal([rejected instanceof lib.RequestRejectedError, rejected.code, rejected.codeName], [true, 108, "notAvailable"]);
    equal((await client.publish("ts-anyone", "there?")).receivers, 0);
    const again = await client.subscribe("ts-secret");
    equal((await failure(client.subscribe("ts-secret"))).message, "The channel ts-secret is subscribed already.");
    again.unsubscribe();
    const third = await client.subscribe("ts-secret");
    equal((await client.publish("ts-secret", "x")).receivers, 1);
    third.unsubscribe();
    const over = [];
    for await (const delivery of third) over.push(delivery.text());
    equal(over.length <= 1, true);
    await client.close();
  },

  async "many calls at once get their own answers, and an unknown method its fault"({ lib, connect }) {
    const client = await connect();
    const store = new lib.Store(client);
    const numbers = Array.from({ length: 500 }, (_, i) => i);
    await store.writeAll(numbers.map(i => ({ key: `ts-calls/${i}`, value: `value of ${i}` })), "memory");
    const values = await Promise.all(numbers.map(i => store.read(`ts-calls/${i}`)));
    equal(values.map(lib.toText), numbers.map(i => `value of ${i}`));
    const unknown = await failure(client.call("no such method"));
    equal([unknown instanceof lib.CallFailedError, unknown.code, unknown.codeName], [true, lib.FaultCode.unknownMethod, "unknownMethod"]);
    await client.close();
  },

  async "what is cancelled ends at once, and the connection lives"({ lib, connect }) {
    const client = await connect();
    const controller = new AbortController();
    const waiting = [
      client.call("len", "", { signal: controller.signal }),
      client.publish("ts-cancel", "x", { signal: controller.signal }),
      client.subscribe("ts-cancel", { signal: controller.signal }),
      client.history("ts-kept", { signal: controller.signal }),
      client.ping(controller.signal),
    ];
    controller.abort();
    for (const each of waiting) equal((await failure(each)).name, "AbortError");
    equal((await failure(client.call("len", "", { signal: controller.signal }))).name, "AbortError");
    await new lib.Store(client).count();
    equal((await client.publish("ts-cancel", "y")).receivers, 0);
    await client.close();
  },

  async "a call whose time is over fails with that"({ lib, connect }) {
    const client = await connect();
    const call = client.openCall("write_stream", storeArguments(), { sendsItems: true, deadline: 20 });
    const late = await failure(call.result);
    equal([late.code, late.codeName], [lib.FaultCode.deadline, "deadline"]);
    equal(await new lib.Store(client).read("ts-late"), null);
    equal((await failure(client.call("len", "", { deadline: 0 }))).name, "RangeError");
    await client.close();
  },

  async "continues from a position, and tells when it could not"({ connect }) {
    const client = await connect();
    const first = await client.subscribe("ts:kept");
    const { epoch, offset } = first.position;
    for (const data of ["one", "two", "three"]) await client.publish("ts:kept", data);
    equal(await take(first, 3), ["one", "two", "three"]);
    equal(first.position, { epoch, offset: offset + 3 });
    first.unsubscribe();

    const second = await client.subscribe("ts:kept", { since: { epoch, offset: offset + 1 } });
    equal([second.recovered, await take(second, 2)], [true, ["two", "three"]]);
    second.unsubscribe();

    const third = await client.subscribe("ts:kept", { since: { epoch: epoch + 1n, offset: 1 } });
    await client.publish("ts:kept", "four");
    const [delivery] = await takeWhole(third, 1);
    equal([third.recovered, delivery.text(), delivery.gap], [false, "four", "possible"]);

    const page = await client.history("ts:kept", { since: { epoch, offset }, limit: 2 });
    equal(page.publications.map(each => each.offset), [offset + 1, offset + 2]);
    equal(page.top, { epoch, offset: offset + 4 });
    const back = await client.history("ts:kept", { reverse: true, limit: 1 });
    equal(back.publications.map(each => new TextDecoder().decode(each.data)), ["four"]);
    equal((await failure(client.history("ts:kept", { since: { epoch: epoch + 1n, offset: 1 } }))).codeName, "unrecoverablePosition");
    third.unsubscribe();
    await client.close();
  },

  async "a long publication is received as it was sent, and tells its progress"({ connect, gzip }) {
    const [publisher, listener] = [await connect(), await connect({ gzip })];
    const news = await listener.subscribe("ts-long");
    const data = pattern(3_000_000);
    const progress = [];
    const receipt = await publisher.publish("ts-long", data, { onProgress: each => progress.push(each) });
    await publisher.publish("ts-long", new Uint8Array(10_000));
    equal(receipt, { offset: 1, receivers: 1 });
    equal([progress.length, progress[progress.length - 1]], [12, { bytes: 3_000_000, total: 3_000_000 }]);
    const deliveries = (await takeWhole(news, 2)).sort((one, other) => one.offset - other.offset);
    same(deliveries[0].data, data);
    same(deliveries[1].data, new Uint8Array(10_000));
    equal(deliveries.map(each => each.gap), ["none", "none"]);
    await Promise.all([publisher.close(), listener.close()]);
  },

  async "while much is sent and received, pings and calls are answered"({ lib, connect, mebibytes }) {
    const client = await connect();
    const busy = await client.subscribe("ts-busy");
    const data = pattern(mebibytes * MIB);
    const store = new lib.Store(client);
    let asked = 0, answered = 0;
    const calls = [];
    const publishing = client.publish("ts-busy", data, {
      onProgress({ bytes }) {
        if (bytes === data.length) return;

        // This leaves behind the chunk, and in front of the next one: so its answer comes before that of the last.
        asked++;
        client.ping().then(() => answered++);
        calls.push(store.count());
      },
    });
    const receiving = takeWhole(busy, 1);
    equal((await publishing).receivers, 1);
    await new Promise(resolve => setTimeout(resolve));
    equal([asked, answered], [4 * mebibytes, 4 * mebibytes]);
    await Promise.all(calls);
    same((await receiving)[0].data, data);
    await client.close();
  },

  async "a cancelled upload leaves the connection as it was"({ lib, connect }) {
    const client = await connect();
    const controller = new AbortController();
    const cancelled = await failure(client.publish("ts-upload", pattern(3_000_000), { signal: controller.signal, onProgress: () => controller.abort() }));
    equal(cancelled.name, "AbortError");
    const store = new lib.Store(client);
    await store.write("ts-upload", pattern(3_000_000), "memory");
    same(await store.read("ts-upload"), pattern(3_000_000));
    const tooLong = await failure(client.publish("ts-upload", new Uint8Array(client.messageBytesMax + 1)));
    equal(tooLong instanceof lib.PayloadTooLargeError, true);
    equal((await client.publish("ts-upload", "x")).receivers, 0);
    await client.close();
  },

  async "every operation of the store does what the protocol says"({ lib, connect }) {
    const client = await connect();
    const store = new lib.Store(client);
    const text = value => value === null ? null : lib.toText(value);
    await store.writeAll(["ts/a", "ts/b", "ts/c", "ts/d", "ts/empty"].map(key => ({ key, value: null })), "memory");      // Of an earlier run.
    const before = await store.count();
    equal(await store.read("ts/a"), null);
    const tails = [await store.write("ts/a", "one", "memory"), await store.write("ts/b", "two", "system"), await store.write("ts/empty", "", "disk")];
    equal(tails[0] < tails[1] && tails[1] < tails[2], true);
    equal([text(await store.read("ts/a")), text(await store.read("ts/empty"))], ["one", ""]);
    equal((await store.readAll(["ts/b", "ts/nothing", "ts/empty", "ts/a"])).map(text), ["two", null, "", "one"]);
    equal([await store.exists("ts/b"), await store.exists("ts/nothing"), await store.count() - before, await store.isEmpty()], [true, false, 3, false]);
    equal(await store.fileBytes() > 0, true);
    const changes = [{ key: "ts/c", value: "three" }, { key: "ts/a", value: null }, { key: "ts/d", value: "first" }, { key: "ts/d", value: "last" }];
    equal(await store.writeAll(changes, "disk") > tails[2], true);
    equal([await store.delete("ts/empty", "memory"), await store.delete("ts/empty", "memory")], [true, false]);
    const scanned = [];
    for await (const { key, value } of store.scan("ts/")) scanned.push(`${text(key)}=${text(value)}`);
    equal(scanned, ["ts/b=two", "ts/c=three", "ts/d=last"]);

    const bad = [{ key: "ts/good", value: "1" }, { key: new Uint8Array(2000), value: "a key that is too long" }];
    const refused = await failure(store.writeAll(bad, "disk"));
    equal([refused.codeName, refused.text.includes("1 to 1024 bytes, not 2000")], ["badArguments", true]);
    equal((await failure(client.call("batch_write", "?"))).codeName, "badArguments");
    equal(await store.read("ts/good"), null);
    await client.close();
  },

  async "a scan continues over its pages in the order of the keys"({ lib, connect }) {
    const client = await connect();
    const store = new lib.Store(client);
    const keys = Array.from({ length: 3000 }, (_, i) => `ts-scan/${String(i).padStart(4, "0")}`);
    await store.writeAll(keys.map(key => ({ key, value: key })), "memory");
    const scanned = [];
    for await (const { key } of store.scan("ts-scan/", { keysOnly: true })) scanned.push(lib.toText(key));
    equal(scanned, keys);
    await client.close();
  },

  async "a value of any length is written and read, a piece at a time"({ lib, connect, mebibytes }) {
    const client = await connect();
    const store = new lib.Store(client);
    const size = (mebibytes + 20) * MIB;
    const progress = { sent: 0, come: 0 };
    const sent = { hash: 1, bytes: 0 };
    async function* source() {
      for (let at = 0; at < size; at += 100_000) {
        const piece = pattern(Math.min(100_000, size - at), at);
        hash(sent, piece);
        yield piece;
      }
    }

    await store.streams.write("ts-large", source(), "disk", { length: size, onUpload: ({ bytes }) => progress.sent = bytes });
    const value = await store.streams.read("ts-large", { onDownload: ({ bytes }) => progress.come = bytes });
    const come = { hash: 1, bytes: 0 };
    for await (const piece of value) hash(come, piece);
    equal([value.length, come, progress], [size, sent, { sent: size, come: size }]);
    if (size > client.messageBytesMax) equal((await failure(store.read("ts-large"))).codeName, "resultTooBig");

    const part = await store.streams.read("ts-large", { from: 65_530, length: 70_000 });
    same(await join(part), pattern(70_000, 65_530));
    equal((await failure(store.streams.read("ts-large", { from: size + 1 }))).codeName, "badArguments");
    equal(await store.delete("ts-large", "disk"), true);
    equal(await store.streams.read("ts-large"), null);
    await client.close();
  },

  async "a streamed write that is cancelled or fails here changes nothing"({ lib, connect }) {
    const client = await connect();
    const store = new lib.Store(client);
    await store.write("ts-failing", "old", "memory");
    const controller = new AbortController();
    const cancelled = await failure(store.streams.write("ts-failing", pattern(20 * MIB), "memory", {
      signal: controller.signal,
      onUpload: ({ bytes }) => {
        if (bytes > 2 * MIB) controller.abort();
      },
    }));
    equal(cancelled.name, "AbortError");
    async function* broken() {
      yield pattern(5_000_000);
      throw new Error("no more paper");
    }

    equal((await failure(store.streams.write("ts-failing", broken(), "memory"))).message, "no more paper");
    equal((await failure(store.streams.write("ts-failing", "short", "memory", { length: 6 }))).codeName, "badArguments");
    equal(lib.toText(await store.read("ts-failing")), "old");
    await client.close();
  },

  async "a Blob and a ReadableStream are sources of a value"({ lib, connect }) {
    const client = await connect();
    const streams = new lib.Store(client).streams;
    const data = pattern(300_000);
    await streams.write("ts-blob", new Blob([data.subarray(0, 100_001), data.subarray(100_001)]), "memory");
    same(await join(await streams.read("ts-blob")), data);
    await streams.write("ts-blob", new Blob([data]).stream(), "memory");
    same(await join(await streams.read("ts-blob")), data);
    await client.close();
  },

  async "values of every length are read alike, in a frame or as a transfer"({ lib, connect }) {
    const client = await connect();
    const store = new lib.Store(client);
    const lengths = [0, 10, 4_095, 4_096, 200_000, 524_270, 524_288, 600_000];
    for (const length of lengths) await store.write(`ts-length/${length}`, pattern(length), "memory");
    for (const length of lengths) same(await store.read(`ts-length/${length}`), pattern(length));
    for (const count of [4, 5, 8]) {
      const values = await store.readAll(["ts-length/none", ...lengths.slice(0, count).map(length => `ts-length/${length}`)]);
      equal(values[0], null);
      lengths.slice(0, count).forEach((length, i) => same(values[i + 1], pattern(length)));
    }

    await client.close();
  },

  async "a scan of any size is of one moment, begins and ends where it is told"({ lib, connect }) {
    const client = await connect();
    const store = new lib.Store(client);
    const keys = Array.from({ length: 20_000 }, (_, i) => `ts-moment/${String(i).padStart(6, "0")}`);
    for (let at = 0; at < keys.length; at += 2000) {
      await store.writeAll(keys.slice(at, at + 2000).map(key => ({ key, value: `${key} ${"x".repeat(500)}` })), "memory");
    }

    let seen = 0;
    for await (const { key, value } of store.streams.scan({ prefix: "ts-moment/" })) {
      // What is deleted behind the first entry comes all the same.
      if (seen === 0) {
        await store.writeAll(keys.slice(0, 10_000).map(each => ({ key: each, value: null })), "memory");
        await store.writeAll(keys.slice(10_000).map(each => ({ key: each, value: null })), "memory");
      }

      const name = lib.toText(key);
      if (name !== keys[seen] || !lib.toText(value).startsWith(name)) throw new Error(`${name} came as number ${seen}.`);
      seen++;
    }

    equal(seen, keys.length);
    await store.writeAll("a b/1 b/2 b/3 c".split(" ").map(key => ({ key: `ts-range/${key}`, value: "v" })), "memory");
    const list = async settings => {
      const found = [];
      for await (const { key, valueLength, value } of store.streams.scan(settings)) found.push(`${lib.toText(key).slice(9)} ${valueLength} ${value && lib.toText(value)}`);
      return found;
    };
    equal(await list({ prefix: "ts-range/b/", from: "ts-range/b/2" }), ["b/2 1 v", "b/3 1 v"]);
    equal(await list({ prefix: "ts-range/b/", from: "ts-range/b/1\0", limit: 1 }), ["b/2 1 v"]);
    equal(await list({ prefix: "ts-range/a", keysOnly: true }), ["a 1 null"]);
    for await (const { key } of store.streams.scan({ prefix: "ts-range/" })) {
      equal(lib.toText(key), "ts-range/a");
      break;
    }

    await store.count();
    await client.close();
  },
};

// Of a hub whose application has methods, and calls those of the client.
export const callScenarios = {
  async "long arguments and a long result are as they were, and tell how far they are"({ connect }) {
    const client = await connect();
    const data = pattern(3_000_000);
    const up = [], down = [];
    same(await client.call("same", data, { onUpload: each => up.push(each), onDownload: each => down.push(each) }), data);
    equal([up[up.length - 1], down[down.length - 1]], [{ bytes: 3_000_000, total: 3_000_000 }, { bytes: 3_000_000, total: 3_000_000 }]);
    equal(down.length > 5, true);
    await client.close();
  },

  async "long arguments, many results and a long last one go together"({ lib, connect }) {
    const client = await connect();
    const data = pattern(3_000_000);
    const call = client.openCall("parts", data);
    let count = 0;
    for await (const item of call) same(item, data.subarray(count * 2000, ++count * 2000));
    equal(count, 20);
    same(await call.result, data);

    const results = client.stream("parts", data);
    let next;
    count = 0;
    while (!(next = await results.next()).done) count++;
    equal([count, next.value.length], [20, 3_000_000]);
    equal((await failure(client.call("parts", data))).message, "parts has several results: open it as a stream.");
    equal((await failure(() => client.openCall("same", data, { sendsItems: true }))) instanceof lib.PayloadTooLargeError, true);
    equal((await client.call("same", new Uint8Array(3))).length, 3);
    await client.close();
  },

  async "arguments follow a call as items, and its results come meanwhile"({ lib, connect }) {
    const client = await connect();
    async function* numbers() {
      for (let i = 1; i <= 200; i++) yield `${i}`;
    }

    const sums = [];
    const results = client.stream("sums", "", { items: numbers() });
    let next;
    while (!(next = await results.next()).done) sums.push(Number(lib.toText(next.value)));
    equal([sums.length, sums[199], lib.toText(next.value)], [200, 20_100, "20100"]);

    async function* broken() {
      yield "1";
      throw new Error("no more numbers");
    }

    equal((await failure(async () => {
      for await (const sum of client.stream("sums", "", { items: broken() })) sums.push(sum);
    })).message, "no more numbers");
    for await (const sum of client.stream("sums", "", { items: numbers() })) {
      equal(lib.toText(sum), "1");
      break;
    }

    equal(await client.callJson("double", { value: 21 }), { value: 42 });
    equal((await failure(client.callJson("double", "nothing"))).codeName, "badArguments");
    await client.close();
  },

  async "the hub calls methods of the client"({ lib, connect }) {
    const methods = new lib.Methods();
    const failed = [];
    let onAborted;
    const aborted = new Promise(resolve => onAborted = resolve);
    methods.onFailed = (method, error) => failed.push(`${method}: ${error.message}`);
    methods
      .add("reverse", args => args.slice().reverse())
      .add("refuses", () => { throw new lib.CallFailedError("refuses", 1234, "not on Sundays"); })
      .add("breaks", async () => { throw new Error("a secret"); })
      .add("waits", (_, signal) => new Promise((_, reject) => signal.addEventListener("abort", () => {
        onAborted();
        reject(signal.reason);
      })))
      .addWithItems("reverse-each", async call => {
        let count = 0;
        for await (const item of call.items) {
          await call.send(item.slice().reverse());
          count++;
        }

        return `${count}`;
      });
    const client = await connect({ methods });

    // The hub's method makes the hub's application call this client, and tells what came of it.
    const told = lib.toText(await client.call("call-me", client.clientId));
    equal(told.split("\n"), ["reverse ok", "reverse long ok", "refuses 1234 not on Sundays", "breaks Internal internal error", "nobody UnknownMethod unknown method", "waits cancelled", "reverse-each 60 ok"]);
    await aborted;
    equal(failed, ["breaks: a secret"]);
    await client.close();
  },
};

export const MIB = 1024 * 1024;

export function equal(actual, expected) {
  const [one, other] = [show(actual), show(expected)];
  if (one !== other) throw new Error(`expected ${other}, got ${one}`);
}

// Bytes, without writing them out.
export function same(actual, expected) {
  if (actual.length !== expected.length) throw new Error(`expected ${expected.length} bytes, got ${actual.length}`);
  for (let i = 0; i < expected.length; i++) if (actual[i] !== expected[i]) throw new Error(`expected ${expected[i]} at ${i}, got ${actual[i]}`);
}

export async function failure(failing) {
  try {
    await (typeof failing === "function" ? failing() : failing);
  } catch (error) {
    return error;
  }

  throw new Error("expected a failure, and there was none");
}

export function pattern(length, from = 0) {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = ((from + i) * 2_654_435_761) >>> 13;
  return bytes;
}

async function takeWhole(subscription, count) {
  const taken = [];
  for await (const delivery of subscription) {
    taken.push(delivery);
    if (taken.length === count) break;
  }

  return taken;
}

async function take(subscription, count) {
  return (await takeWhole(subscription, count)).map(each => each.text());
}

function show(value) {
  return JSON.stringify(value, (_, each) => typeof each === "bigint" ? `${each}n` : each);
}

function hash(state, bytes) {
  let sum = state.hash;
  for (let i = 0; i < bytes.length; i++) sum = (Math.imul(sum, 31) + bytes[i]) | 0;
  state.hash = sum;
  state.bytes += bytes.length;
}

async function join(value) {
  const whole = new Uint8Array(value.length);
  let at = 0;
  for await (const piece of value) {
    whole.set(piece, at);
    at += piece.length;
  }

  return whole.subarray(0, at);
}

// Of write_stream: durability memory, any length, and the key.
function storeArguments() {
  const text = new TextEncoder().encode("ts-late");
  const bytes = new Uint8Array(9 + text.length).fill(0xff, 1, 9);
  bytes.set(text, 9);
  return bytes;
}
