// The official client where a backend decides. Says what it sees, one line of JSON each.

import { once } from "node:events";
import { Centrifuge } from "centrifuge";
import WebSocket from "ws";

const [url] = process.argv.slice(2);
const say = observation => console.log(JSON.stringify(observation));
process.stdin.on("end", () => process.exit(0)).resume();

class WithHeader extends WebSocket {
  constructor(address, protocols) {
    super(address, protocols, { headers: { "X-Room": "a" } });
  }
}

const client = new Centrifuge(url, { timeout: 60_000, websocket: WithHeader, data: { c: 1 }, minReconnectDelay: 50, maxReconnectDelay: 200 });
client.on("connected", ({ data }) => say({ saw: "connected", data }));
client.on("disconnected", ({ code, reason }) => say({ saw: "disconnected", code, reason }));
client.on("error", ({ error }) => say({ saw: "error", code: error.code }));
client.connect();
await client.ready();

const subscription = client.newSubscription("open", { data: { s: 1 } });
subscription.on("subscribed", ({ data }) => say({ saw: "subscribed", data }));
subscription.on("publication", ({ data, info }) => say({ saw: "received", data, user: info.user }));
subscription.subscribe();
await subscription.ready();

const secret = client.newSubscription("secret", { data: { s: 2 } });
let next = once(secret, "unsubscribed");
secret.subscribe();
const [refused] = await next;
say({ saw: "refused", code: refused.code, reason: refused.reason });

next = once(subscription, "publication");
await subscription.publish({ p: 1 });
await next;

say({ saw: "answered", data: (await client.rpc("add", { r: 1 })).data });
await client.rpc("leave", { r: 2 }).catch(() => {});
