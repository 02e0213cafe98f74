// Calls in both directions, with and without items; the hub and the clock are in the test's hands.

import assert from "node:assert/strict";
import { test } from "node:test";
import { BrokerError, CallFailedError, ConnectionLostError, FaultCode, Methods, PayloadTooLargeError, QueueFullError } from "../dist/index.js";
import { Kind } from "../dist/messages.js";
import { methodId } from "../dist/methodId.js";
import { bytes, connect, isPending, settle, text, words } from "./support.js";

const item = (id, data) => ({ kind: Kind.item, id, data: bytes(data) });
const result = (id, data = "") => ({ kind: Kind.result, id, data: text(data) });
const fault = (id, code, reason) => ({ kind: Kind.fault, id, code, text: reason });
const credit = (id, count) => ({ kind: Kind.credit, scope: 1, id, count });
const cancel = id => ({ kind: Kind.cancel, id });
const end = id => ({ kind: Kind.itemsEnd, id });

test("answers come in any order, and each reaches its caller", async () => {
  const { client, side } = await connect();
  const [first, second] = [client.call("read", "a"), client.call("nothing")];
  assert.deepEqual(
    await side.hear(), { kind: Kind.call, id: 1, method: 0x2c2622a151f2cdf2n, deadlineMilliseconds: 0, options: 0, data: text("a") });
  side.say(fault(2, 1, "no such method"), result(99, "nobody's"), result(1, "one"));
  assert.equal(words(await first), "one");
  await assert.rejects(second, { name: "CallFailedError", method: "nothing", code: 1, codeName: "unknownMethod", text: "no such method" });
  await assert.rejects(client.call(""), TypeError);
});

test("JSON goes both ways", async () => {
  const { client, side } = await connect();
  const summing = client.callJson("sum", [1, 2]);
  assert.equal(words((await side.hear()).data), "[1,2]");
  side.say(result(1, "{\"total\":3}"));
  assert.deepEqual(await summing, { total: 3 });
  await assert.rejects(client.callJson("sum", undefined), TypeError);
});

test("a deadline is told to the hub, and kept without it", async () => {
  const { client, clock, side } = await connect();
  const call = client.call("slow", "", { deadline: 2000 });
  assert.equal((await side.hear()).deadlineMilliseconds, 2000);
  await clock.advance(1999);
  assert.equal(await isPending(call), true);
  await clock.advance(1);
  await assert.rejects(call, { name: "CallFailedError", code: FaultCode.deadline });
  assert.deepEqual(await side.hear(), cancel(1));

  for (const deadline of [0, -2, NaN]) await assert.rejects(client.call("slow", "", { deadline }), RangeError);
  for (const [deadline, told] of [[Infinity, 0], [2 ** 32, 0xffffffff], [0.2, 1]]) {
    void client.call("slow", "", { deadline }).catch(() => {});
    assert.equal((await side.hear()).deadlineMilliseconds, told);
  }
});

test("a cancelled call is cancelled over there, and a late answer is nobody's", async () => {
  const { client, side } = await connect();
  const controller = new AbortController();
  const call = client.call("slow", "", { signal: controller.signal });
  await side.hear();
  controller.abort(new Error("enough"));
  await assert.rejects(call, /enough/);
  assert.deepEqual(await side.hear(), cancel(1));
  side.say(result(1), { kind: Kind.ping, mark: 5n });
  assert.equal((await side.hear()).kind, Kind.pong);
  await assert.rejects(client.call("slow", "", { signal: controller.signal }), /enough/);
  await side.hearNothing();
});

test("no more calls are pending than the hub accepts", async () => {
  const { client, side } = await connect({}, { limits: { callsMax: 2 } });
  const [first] = [client.call("a"), client.call("b").catch(() => {})];
  await assert.rejects(client.call("c"), { code: FaultCode.overloaded });
  await side.hear();
  side.say(result(1));
  await first;
  void client.call("d").catch(() => {});
  await side.hear();
  assert.equal((await side.hear()).id, 3);
});

test("results are enumerated in order, and the hub gets credit as they are read", async () => {
  const { client, side } = await connect();
  const call = client.openCall("many", "x");
  assert.equal((await side.hear()).options, 0);
  const results = call[Symbol.asyncIterator]();
  for (let i = 0; i < 8; i++) side.say(item(1, i));
  for (let i = 0; i < 5; i++) assert.deepEqual((await results.next()).value, bytes(i));
  assert.deepEqual(await side.hear(), credit(1, 4));
  side.say(item(1, 8), result(1, "end"));
  for (let i = 5; i < 9; i++) assert.deepEqual((await results.next()).value, bytes(i));
  assert.equal((await results.next()).done, true);
  assert.equal(words(await call.result), "end");
});

test("with a window of one item, each is granted as it is read", async () => {
  const { client, side } = await connect({ itemsWindow: 1 });
  const call = client.openCall("many");
  await side.hear();
  const results = call[Symbol.asyncIterator]();
  side.say(item(1, 0));
  assert.deepEqual((await results.next()).value, bytes(0));
  const second = results.next();
  assert.deepEqual(await side.hear(), credit(1, 1));
  side.say(item(1, 1), item(1, 2));
  await assert.rejects(call.result, { name: "BrokerError", message: "many: the hub sends more items than it may." });
  assert.deepEqual((await second).value, bytes(1));
  assert.deepEqual(await side.hear(), cancel(1));
});

test("arguments wait for the hub's credit", async () => {
  const { client, side } = await connect({}, { limits: { windowItems: 2 } });
  const call = client.openCall("many", "", { sendsItems: true });
  assert.equal((await side.hear()).options, 1);
  await call.send(bytes(0));
  await call.send(bytes(1));
  const third = call.send(bytes(2));
  assert.deepEqual([(await side.hear()).data, (await side.hear()).data], [bytes(0), bytes(1)]);
  assert.equal(await isPending(third), true);
  side.say(credit(1, 1));
  await third;
  call.endArguments();
  assert.deepEqual([await side.hear(), await side.hear()], [item(1, 2), end(1)]);
  await assert.rejects(call.send("x"), TypeError);
});

test("a fault ends the enumeration behind the items before it, and who still sends", async () => {
  const { client, side } = await connect({}, { limits: { windowItems: 1 } });
  const call = client.openCall("many", "", { sendsItems: true });
  await call.send(bytes(0));
  const waiting = call.send(bytes(1));
  await settle();
  side.say(item(1, 7), fault(1, 3, "no more"));
  const results = call[Symbol.asyncIterator]();
  assert.deepEqual((await results.next()).value, bytes(7));
  await assert.rejects(results.next(), { code: 3, text: "no more" });
  await assert.rejects(waiting, { code: 3 });
});

test("leaving a stream cancels the call, and that of an opened call does not", async () => {
  const { client, side } = await connect();
  const leaving = (async () => {
    for await (const _ of client.stream("many")) break;
  })();
  await side.hear();
  side.say(item(1, 0));
  await leaving;
  assert.deepEqual(await side.hear(), cancel(1));

  const call = client.openCall("many");
  await side.hear();
  side.say(item(2, 0), item(2, 1));
  for await (const _ of call) break;
  for await (const each of call) {
    assert.deepEqual(each, bytes(1));
    break;
  }

  await side.hearNothing();
  call.cancel();
  assert.deepEqual(await side.hear(), cancel(2));
  await assert.rejects(call.result, { name: "AbortError" });
});

test("a stream returns the last result", async () => {
  const { client, side } = await connect();
  const results = client.stream("many");
  const first = results.next();
  await side.hear();
  side.say(item(1, 4), result(1, "last"));
  assert.deepEqual([(await first).value, await results.next()], [bytes(4), { done: true, value: text("last") }]);
  await side.hearNothing();
});

test("items for a plain call fail it, and the hub is told", async () => {
  const { client, side } = await connect();
  const plain = client.call("many");
  await side.hear();
  side.say(item(1, 0));
  await assert.rejects(plain, { name: "BrokerError", message: /several results/ });
  assert.deepEqual(await side.hear(), cancel(1));
});

test("an argument that was not sent gives its credit back", async () => {
  const { client, side } = await connect({}, { limits: { windowItems: 2 } });
  const call = client.openCall("many", "", { sendsItems: true });
  await side.hear();
  for (let i = 0; i < 3; i++) await assert.rejects(call.send(new Uint8Array(call.itemBytesMax + 1)), PayloadTooLargeError);
  await call.send(bytes(0));
  await call.send(bytes(1));
  const controller = new AbortController();
  const third = call.send(bytes(2), controller.signal);
  controller.abort();
  await assert.rejects(third, { name: "AbortError" });
  side.say(credit(1, 1));
  await call.send(bytes(3));
  assert.deepEqual([await side.hear(), await side.hear(), await side.hear()].map(each => each.data[0]), [0, 1, 3]);
});

test("arguments wait for room, and what the hub waits for needs none", async () => {
  const { client, clock, side } = await connect({ sendBytesMax: 1000 });
  const call = client.openCall("many", "", { sendsItems: true });
  await side.hear();
  side.bufferedAmount = 2 ** 21;
  void client.publish("news", new Uint8Array(900)).catch(() => {});
  await assert.rejects(client.publish("news", new Uint8Array(200)), QueueFullError);
  const sending = call.send(new Uint8Array(200));
  side.say(...Array.from({ length: 5 }, (_, i) => item(1, i)));
  const results = call[Symbol.asyncIterator]();
  for (let i = 0; i < 5; i++) await results.next();
  assert.equal(await isPending(sending), true);
  side.bufferedAmount = 0;
  await clock.advance(5);
  await sending;
  assert.deepEqual([await side.hear(), await side.hear(), await side.hear()].map(each => each.kind), [Kind.publish, Kind.credit, Kind.item]);
});

test("a call without further arguments says so to who sends one", async () => {
  const { client, side } = await connect();
  const call = client.openCall("many");
  await assert.rejects(call.send(bytes(1)), TypeError);
  call.endArguments();
  assert.equal((await side.hear()).kind, Kind.call);
  await side.hearNothing();
  assert.throws(() => client.openCall("many", new Uint8Array(600_000), { sendsItems: true }), PayloadTooLargeError);
});

test("items that fail fail their call, and one that is over ends its items", async () => {
  const { client, side } = await connect();
  async function* broken() {
    yield bytes(1);
    throw new Error("no more paper");
  }

  const failing = (async () => {
    for await (const _ of client.stream("many", "", { items: broken() })) assert.fail();
  })();
  await assert.rejects(failing, /no more paper/);
  assert.deepEqual([await side.hear(), await side.hear(), await side.hear()].map(each => each.kind), [Kind.call, Kind.item, Kind.cancel]);

  let isReturned = false;
  const silent = {
    [Symbol.asyncIterator]: () => ({
      next: () => new Promise(() => {}),
      return: async () => ({ done: isReturned = true, value: undefined }),
    }),
  };
  const results = client.stream("many", "", { items: silent });
  const over = results.next();
  await side.hear();
  side.say(result(2, "enough"));
  assert.deepEqual(await over, { done: true, value: text("enough") });
  assert.equal(isReturned, true);
});

test("a lost connection fails every part of a call", async () => {
  const { client, side } = await connect();
  const call = client.openCall("many", "", { sendsItems: true });
  await side.hear();
  side.abort();
  await assert.rejects(call.result, ConnectionLostError);
  await assert.rejects(call.send("x"), ConnectionLostError);
  await assert.rejects(call[Symbol.asyncIterator]().next(), ConnectionLostError);
});

// Calls of the hub.

const ID = 0x80000000;
const callOf = (name, args = "", options = 0, deadlineMilliseconds = 0) =>
  ({ kind: Kind.call, id: ID, method: methodId(name), deadlineMilliseconds, options, data: text(args) });

async function answering(method, options = {}, limits = {}) {
  const methods = new Methods();
  const failed = [];
  methods.onFailed = (name, error) => failed.push([name, error.message]);
  methods.addWithItems("method", method);
  return { failed, ...await connect({ methods, ...options }, { limits }) };
}

test("a method reads further arguments and sends results before the last", async () => {
  const { side } = await answering(async call => {
    let sum = Number(words(call.args));
    for await (const each of call.items) {
      sum += each[0];
      await call.send(bytes(sum));
    }

    return `${sum * 2}`;
  });
  side.say(callOf("method", "1", 1), item(ID, 2), item(ID, 3), end(ID));
  assert.deepEqual([await side.hear(), await side.hear(), await side.hear()], [item(ID, 3), item(ID, 6), result(ID, "12")]);
});

test("a method of one result gives bytes, a text or nothing", async () => {
  const methods = new Methods().add("echo", args => args).add("hi", async () => "hi").add("nothing", () => {});
  const { side } = await connect({ methods });
  for (const [name, expected] of [["echo", "x"], ["hi", "hi"], ["nothing", ""]]) {
    side.say(callOf(name, "x"));
    assert.deepEqual(await side.hear(), result(ID, expected));
  }

  side.say(callOf("nobody"));
  assert.deepEqual(await side.hear(), fault(ID, 1, "unknown method"));
  side.say({ ...callOf("echo"), id: 5 });
  assert.equal((await side.hear()).code, FaultCode.badId);
  assert.throws(() => methods.add("echo", () => {}), TypeError);
  assert.throws(() => methods.add("", () => {}), TypeError);
});

test("results wait for the hub's credit", async () => {
  const { side } = await answering(async call => {
    for (let i = 0; i < 3; i++) await call.send(bytes(i));
  }, {}, { windowItems: 2 });
  side.say(callOf("method"));
  assert.deepEqual([await side.hear(), await side.hear()], [item(ID, 0), item(ID, 1)]);
  await side.hearNothing();
  side.say(credit(ID, 1));
  assert.deepEqual([await side.hear(), await side.hear()], [item(ID, 2), result(ID)]);
});

test("the hub gets credit as the method reads", async () => {
  let release;
  const { side } = await answering(async call => {
    for await (const _ of call.items) await new Promise(resolve => release = resolve);
  });
  side.say(callOf("method", "", 1), ...Array.from({ length: 8 }, (_, i) => item(ID, i)));
  for (let i = 0; i < 4; i++) {
    await side.hearNothing();
    release();
  }

  assert.deepEqual(await side.hear(), credit(ID, 4));
});

test("an item without credit, behind the end, or for a call that has none ends the call", async () => {
  const waiting = call => new Promise((_, reject) => call.signal.addEventListener("abort", () => reject(call.signal.reason)));
  for (const messages of [
    [callOf("method", "", 1), ...Array.from({ length: 9 }, (_, i) => item(ID, i))],
    [callOf("method", "", 1), end(ID), item(ID, 1)],
    [callOf("method"), item(ID, 1)],
  ]) {
    const { failed, side } = await answering(waiting);
    side.say(...messages);
    assert.deepEqual(await side.hear(), fault(ID, 2, "an item without credit, or behind the last one"));
    await side.hearNothing();
    assert.deepEqual(failed, []);
  }
});

test("arguments that no method reads are bounded in bytes", async () => {
  const { side } = await answering(call => new Promise(resolve => call.signal.addEventListener("abort", () => resolve())), { downloadBytesMax: 1000 });
  const long = length => ({ kind: Kind.item, id: ID, data: new Uint8Array(length) });
  side.say(callOf("method", "", 1), long(900), long(200));
  assert.deepEqual(await side.hear(), fault(ID, 7, "arguments of too many bytes are pending"));
  side.say(callOf("method", "", 1), long(900), cancel(ID));
  assert.deepEqual(await side.hear(), fault(ID, 5, "cancelled"));
});

test("a cancelled call, or one whose time is over, ends its method wherever it waits", async () => {
  for (const [over, code] of [[({ side }) => side.say(cancel(ID)), 5], [({ clock }) => clock.advance(50), 6]]) {
    let ended;
    const answered = await answering(async call => {
      try {
        while (true) await call.send(bytes(0));
      } catch (error) {
        ended = error;
        throw error;
      }
    });
    answered.side.say(callOf("method", "", 0, 50));
    for (let i = 0; i < 8; i++) await answered.side.hear();
    await over(answered);
    assert.equal((await answered.side.hear()).code, code);
    assert.ok(ended instanceof BrokerError);
    assert.deepEqual(answered.failed, []);
    await answered.side.hearNothing();
  }
});

test("a method that breaks is an internal fault without a text, and one that says why is told", async () => {
  const { failed, side } = await answering(() => {
    throw new Error("a secret");
  });
  side.say(callOf("method"));
  assert.deepEqual(await side.hear(), fault(ID, 4, "internal error"));
  assert.deepEqual(failed, [["method", "a secret"]]);

  const other = await answering(() => {
    throw new CallFailedError("method", 1234, "ü".repeat(600_000));
  });
  other.side.say(callOf("method"));
  assert.deepEqual(await other.side.hear(), fault(ID, 1234, "ü".repeat(2048)));
  assert.deepEqual(other.failed, []);
});

test("who keeps a call for longer than its method is told that it is over", async () => {
  let kept;
  const { side } = await answering(call => {
    kept = call;
  });
  side.say(callOf("method", "", 1));
  assert.equal((await side.hear()).kind, Kind.result);
  await assert.rejects(kept.send("x"), /over/);
  await assert.rejects(kept.items[Symbol.asyncIterator]().next(), /over/);
  await assert.rejects(kept.send(new Uint8Array(kept.itemBytesMax + 1)), PayloadTooLargeError);
});

test("a lost connection ends the methods that run", async () => {
  let signal;
  const { side } = await answering(call => {
    signal = call.signal;
    return new Promise(() => {});
  });
  side.say(callOf("method"));
  side.abort();
  assert.equal(signal.aborted, true);
});
