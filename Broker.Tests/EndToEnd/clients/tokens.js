// The official client with tokens. Takes each token from a list as it is asked for one; says what it sees, one line of JSON each.

import { Centrifuge, UnauthorizedError } from "centrifuge";
import WebSocket from "ws";

const [url, channel] = process.argv.slice(2);
const say = observation => console.log(JSON.stringify(observation));
process.stdin.on("end", () => process.exit(0)).resume();

const take = (name, list) => async () => {
  say({ saw: `asked for a ${name} token` });
  if (list.length === 0) throw new UnauthorizedError("no more tokens");
  return list.shift();
};

const client = new Centrifuge(url, {
  timeout: 60_000,
  websocket: WebSocket,
  getToken: take("connection", JSON.parse(process.env.TOKENS)),
  minReconnectDelay: 50,
  maxReconnectDelay: 500,
});
client.on("connected", ({ data }) => say({ saw: "connected", data }));
client.on("connecting", ({ code, reason }) => {
  if (code > 0) say({ saw: "connecting", code, reason });
});
client.on("disconnected", ({ code, reason }) => say({ saw: "disconnected", code, reason }));
client.on("error", ({ error }) => say({ saw: "error", code: error.code }));
client.on("subscribed", ({ channel, data }) => say({ saw: "subscribed by the server", channel, data }));
client.on("publication", ({ channel, data }) => say({ saw: "received by the server", channel, data }));

if (channel) {
  const subscription = client.newSubscription(channel, { getToken: take("subscription", JSON.parse(process.env.SUBSCRIPTION_TOKENS ?? "[]")) });
  subscription.on("subscribed", ({ data }) => say({ saw: "subscribed", data }));
  subscription.on("unsubscribed", ({ code, reason }) => say({ saw: "unsubscribed", code, reason }));
  subscription.on("publication", ({ data }) => say({ saw: "received", data }));
  subscription.on("error", ({ error }) => say({ saw: "subscription error", code: error.code }));
  subscription.subscribe();
}

client.connect();
