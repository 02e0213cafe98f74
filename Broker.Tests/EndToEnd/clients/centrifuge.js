// The official client. Comes back by itself after a restart; says what it sees, one line of JSON each.
// With FORM=protobuf it speaks Protobuf, where data is bytes: here those of JSON.

import { once } from "node:events";
import WebSocket from "ws";

const isProtobuf = process.env.FORM === "protobuf";
const { Centrifuge } = await import(isProtobuf ? "centrifuge/build/protobuf" : "centrifuge");
const encode = data => (isProtobuf ? new TextEncoder().encode(JSON.stringify(data)) : data);
const decode = data => (isProtobuf ? JSON.parse(new TextDecoder().decode(data)) : data);

const [url, channel] = process.argv.slice(2);
const say = observation => console.log(JSON.stringify(observation));
process.stdin.on("end", () => process.exit(0)).resume();

const client = new Centrifuge(url, { timeout: 60_000, websocket: WebSocket, minReconnectDelay: 50, maxReconnectDelay: 500 });
client.on("connected", () => say({ saw: "connected" }));
client.on("connecting", ({ code, reason }) => {
  if (code >= 3000) say({ saw: "disconnected", code, reason });
});
client.on("error", ({ error }) => console.error(error));

const subscription = client.newSubscription(channel);
subscription.on("subscribed", () => say({ saw: "subscribed" }));
subscription.on("unsubscribed", () => say({ saw: "unsubscribed" }));
subscription.on("publication", ({ data }) => say({ saw: "received", data: decode(data) }));
subscription.on("error", ({ error }) => console.error(error));

client.connect();
await client.ready();

subscription.subscribe();
await subscription.ready();
const first = once(subscription, "publication");
await subscription.publish(encode("one"));
await first;

subscription.unsubscribe();
await client.publish(channel, encode("two"));

subscription.subscribe();
await subscription.ready();
await subscription.publish(encode("three"));
