// The protocol by hand over the ws package; says what it sees, one line of JSON each. Waits for a line on standard input
// before it comes back after a restart.

import { once } from "node:events";
import { createInterface } from "node:readline";
import WebSocket from "ws";

const [url, channel] = process.argv.slice(2);
const say = observation => console.log(JSON.stringify(observation));
const input = createInterface({ input: process.stdin });
input.on("close", () => process.exit(0));

async function connect() {
  const socket = new WebSocket(url);
  const waiting = new Map();
  const arrivals = [];
  let lastId = 0;
  const expected = [];

  socket.on("message", (frame, isBinary) => {
    if (isBinary) throw new Error("a binary message");
    for (const line of frame.toString("utf8").split("\n")) {
      if (line === "{}") socket.send("{}");
      else take(JSON.parse(line));
    }
  });
  socket.on("close", (code, reason) => say({ saw: "disconnected", code, reason: reason.toString() }));
  await once(socket, "open");

  function take(reply) {
    if (reply.push) {
      say({ saw: "received", data: reply.push.pub.data });
      const next = expected.shift();
      if (next) next();
      else arrivals.push(reply.push.pub.data);
      return;
    }
    const { resolve, reject } = waiting.get(reply.id);
    waiting.delete(reply.id);
    if (reply.error) reject(new Error(reply.error.message));
    else resolve(reply);
  }

  const call = command => new Promise((resolve, reject) => {
    const id = ++lastId;
    waiting.set(id, { resolve, reject });
    socket.send(JSON.stringify({ id, ...command }));
  });
  const received = () => arrivals.length > 0 ? arrivals.shift() : new Promise(resolve => expected.push(resolve));

  await call({ connect: {} });
  say({ saw: "connected" });
  return { socket, call, received };
}

let { socket, call, received } = await connect();
await call({ subscribe: { channel } });
say({ saw: "subscribed" });
await call({ publish: { channel, data: "one" } });
await received();

await call({ unsubscribe: { channel } });
say({ saw: "unsubscribed" });
await call({ publish: { channel, data: "two" } });

await call({ subscribe: { channel } });
say({ saw: "subscribed" });
await call({ publish: { channel, data: "three" } });

await once(input, "line");
({ socket, call, received } = await connect());
await call({ subscribe: { channel } });
say({ saw: "subscribed" });
