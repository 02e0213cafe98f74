// What a CPU second is worth when the messages of one turn share a frame (v3.broker), and when each has its own (v2.broker).
//
//   node bench/batching.js ws://127.0.0.1:8000/ws [PID OF THE HUB] [SECONDS]
//
// Publications of 32 bytes into a channel without subscribers, 256 in each turn of the event loop, all of them acknowledged. CPU time is
// user and system time: of this process, and of the hub where its process id is given and /proc has it. Both are measured for the same
// time, one after the other, after a second of warm-up, in turns: v3, v2, v3, v2. The hub should run without TLS and without other clients.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { BrokerClient } from "../dist/index.js";

const [url, hub, seconds = "5"] = process.argv.slice(2);
if (url === undefined) {
  console.error("usage: node bench/batching.js URL [PID] [SECONDS]");
  process.exit(2);
}

const PER_TURN = 256, BYTES = 32, TICKS_PER_SECOND = 100;

// Node.js before 22 has no WebSocket; the package ws is there for the tests.
const WebSocket = globalThis.WebSocket ?? createRequire(new URL("../../../Broker.Tests/EndToEnd/clients/package.json", import.meta.url))("ws");
const data = new Uint8Array(BYTES);

function clientSeconds() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

function hubSeconds() {
  if (hub === undefined) return NaN;
  const fields = readFileSync(`/proc/${hub}/stat`, "utf8").split(") ")[1].split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

async function publishFor(client, milliseconds) {
  const end = performance.now() + milliseconds;
  let count = 0;
  while (performance.now() < end) {
    const turn = [];
    for (let i = 0; i < PER_TURN; i++) turn.push(client.publish("bench", data));
    await Promise.all(turn);
    count += PER_TURN;
  }

  return count;
}

async function measure(subprotocol) {
  const client = await BrokerClient.connect({ url, WebSocket, subprotocols: [subprotocol] });
  await publishFor(client, 1000);
  const before = { client: clientSeconds(), hub: hubSeconds(), time: performance.now() };
  const messages = await publishFor(client, Number(seconds) * 1000);
  const used = { client: clientSeconds() - before.client, hub: hubSeconds() - before.hub, time: (performance.now() - before.time) / 1000 };
  await client.close();
  return { messages, ...used };
}

const totals = new Map();
for (const subprotocol of ["v3.broker", "v2.broker", "v3.broker", "v2.broker"]) {
  const total = totals.get(subprotocol) ?? { messages: 0, client: 0, hub: 0, time: 0 };
  for (const [name, value] of Object.entries(await measure(subprotocol))) total[name] += value;
  totals.set(subprotocol, total);
}

const rows = [...totals].map(([subprotocol, { messages, client, hub: hubTime, time }]) => ({
  subprotocol,
  "messages/s": Math.round(messages / time),
  "messages per CPU second of the client": Math.round(messages / client),
  "of the hub": Math.round(messages / hubTime),
  "of both": Math.round(messages / (client + hubTime)),
}));
console.table(rows);
for (const column of ["messages per CPU second of the client", "of the hub", "of both"]) {
  const ratio = rows[0][column] / rows[1][column];
  if (!Number.isNaN(ratio)) console.log(`${column}: v3.broker has ${ratio.toFixed(1)} times as many as v2.broker`);
}

process.exit(0);
