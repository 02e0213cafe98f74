// The TypeScript client over a host that goes and comes back: its subscription continues, and what a streamed write was about to
// change is as it was. Says what it sees, one line of JSON each.

import WebSocket from "ws";
import * as lib from "../../../clients/typescript/dist/index.js";
import { pattern } from "./typescript-scenarios.js";

const [url] = process.argv.slice(2);
const say = observation => console.log(JSON.stringify(observation));
process.stdin.on("end", () => process.exit(0)).resume();

const client = await lib.BrokerClient.connect({ url, WebSocket, connectLimit: 120_000, backoffMin: 50, backoffMax: 1000 });
const store = new lib.Store(client);
const news = (await client.subscribe("news"))[Symbol.asyncIterator]();
await client.publish("news", "before");
say({ saw: "received", data: (await news.next()).value.text() });

const old = pattern(1_000_000);
await store.streams.write("k", old, "disk");
let half;
const isHalfWay = new Promise(resolve => half = resolve);
async function* endless() {
  for (let sent = 0; ; sent += 100_000) {
    if (sent > 8_000_000) half();
    yield new Uint8Array(100_000);
  }
}

const writing = store.streams.write("k", endless(), "disk").catch(error => error.name);
await isHalfWay;
const isLost = new Promise(resolve => client.onStateChange(state => {
  if (state === "waiting") resolve(client.lastClose);
}));
const isBack = new Promise(resolve => client.onStateChange(state => {
  if (state === "connected") resolve();
}));
say({ saw: "ready" });

const { code } = await isLost;
say({ saw: "disconnected", code, write: await writing, publish: await client.publish("news", "into nothing").catch(error => error.name) });
await isBack;
const other = await lib.BrokerClient.connect({ url, WebSocket, connectLimit: 120_000 });
while ((await other.publish("news", "after")).receivers === 0);
const after = (await news.next()).value;
const value = await store.streams.read("k");
let same = value.length === old.length;
let at = 0;
for await (const piece of value) for (const byte of piece) same &&= byte === old[at++];
say({ saw: "received", data: after.text(), gap: after.gap, old: same });
process.exit(0);
