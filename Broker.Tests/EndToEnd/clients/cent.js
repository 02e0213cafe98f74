// A server library that others wrote, unchanged, beside the official client: what the one does, the other sees. Says it, one line of JSON each.

import { once } from "node:events";
import { CentClient } from "cent.js";
import { Centrifuge } from "centrifuge";
import WebSocket from "ws";

const [url, api, apiKey, token] = process.argv.slice(2);
const say = observation => console.log(JSON.stringify(observation));
process.stdin.on("end", () => process.exit(0)).resume();

const server = new CentClient({ url: api, apiKey });
const client = new Centrifuge(url, { timeout: 60_000, websocket: WebSocket, token });
const subscription = client.newSubscription("news");
client.connect();
subscription.subscribe();
await subscription.ready();

let next = once(subscription, "publication");
const published = await server.publish({ channel: "news", data: { text: "one" } });
say({ saw: "published", offset: published.offset, hasEpoch: published.epoch.length > 0 });
say({ saw: "received", data: (await next)[0].data });

next = once(subscription, "publication");
const { responses } = await server.broadcast({ channels: ["news", "unknown:a"], data: 2 });
say({ saw: "broadcast", responses: responses.map(({ result, error }) => error?.code ?? result.offset) });
say({ saw: "received", data: (await next)[0].data });

const again = { channel: "news", data: 3, idempotency_key: "k" };
const [first, second] = [await server.publish(again), await server.publish(again)];
say({ saw: "published twice with one key", same: first.offset === second.offset });

const history = await server.getHistory({ channel: "news", limit: 10 });
say({ saw: "history", data: history.publications.map(({ data }) => data), offset: history.offset });
const page = await server.getHistory({ channel: "news", limit: 1, reverse: true });
say({ saw: "newest", data: page.publications.map(({ data }) => data) });

const { presence } = await server.getPresence({ channel: "news" });
say({ saw: "presence", users: Object.values(presence).map(({ user }) => user) });
const stats = await server.getPresenceStats({ channel: "news" });
say({ saw: "presence stats", clients: stats.num_clients, users: stats.num_users });
const { channels } = await server.getChannels({ pattern: "n*" });
say({ saw: "channels", news: channels.news.num_clients });
const { nodes } = await server.getInfo();
say({ saw: "info", nodes: nodes.length, clients: nodes[0].num_clients });

const lines = await server.pipeline([
  { method: "publish", params: { channel: "news", data: 4 } },
  { method: "presence_stats", params: { channel: "news" } },
]);
say({ saw: "pipeline", offset: lines[0].offset, clients: lines[1].num_clients });

await server.removeHistory({ channel: "news" });
say({ saw: "history removed", left: (await server.getHistory({ channel: "news", limit: 10 })).publications.length });

next = once(client, "subscribed");
await server.subscribe({ user: "42", channel: "extra" });
say({ saw: "subscribed by the server", channel: (await next)[0].channel });

next = once(subscription, "unsubscribed");
await server.unsubscribe({ user: "42", channel: "news" });
say({ saw: "unsubscribed", code: (await next)[0].code });

next = once(client, "disconnected");
await server.disconnect({ user: "42", disconnect: { code: 4501, reason: "go" } });
const [gone] = await next;
say({ saw: "disconnected", code: gone.code, reason: gone.reason });

try {
  await new CentClient({ url: api, apiKey: "wrong" }).getInfo();
} catch {
  say({ saw: "a wrong key refused" });
}
