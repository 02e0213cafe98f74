// Official clients whose connections are cut again and again while publications flow. It judges nothing: it writes down what was
// published and what each subscriber saw, in order, for a checker that is not written in this language.
//
// First a line for each channel, {"channel", "seconds", "acknowledged": [[number, offset], ...]}, then one for each subscription,
// {"channel", "client", "cuts", "seen": [...]}, where ["s", wasRecovering, recovered, withPublications, offset] is a subscribed event
// and ["p", number, offset] a publication.

import { Centrifuge } from "centrifuge";
import WebSocket from "ws";

const [url, api, key, clientsText, publicationsText, ...channels] = process.argv.slice(2);
const clientCount = Number(clientsText), publicationCount = Number(publicationsText);
const publicationInterval = 20, roundInterval = 2000;    // ms: fifty a second; in a round each client is cut once.
process.stdin.on("end", () => process.exit(0)).resume();
setTimeout(() => process.exit(1), publicationCount * publicationInterval * 4 + 600_000).unref();

const wait = ms => new Promise(resolve => setTimeout(resolve, Math.max(0, ms)));

class Subscriber {
  cuts = 0;
  closed = Promise.resolve();
  latest = new Map();
  seen = new Map(channels.map(channel => [channel, []]));

  constructor() {
    const subscriber = this;
    class Socket extends WebSocket {
      // Each message in a task of its own, as in a browser: of two that are read together the client would mix up the order.
      constructor(address, protocols) {
        super(address, protocols, { allowSynchronousEvents: false });
        this.on("error", () => {});
        subscriber.socket = this;
      }
    }

    this.client = new Centrifuge(url, { timeout: 60_000, websocket: Socket, minReconnectDelay: 50, maxReconnectDelay: 500 });
    this.client.on("error", () => {});
    for (const channel of channels) this.listen(channel);
    this.client.connect();
  }

  listen(channel) {
    const seen = this.seen.get(channel);
    const subscription = this.client.newSubscription(channel, { minResubscribeDelay: 50, maxResubscribeDelay: 500 });
    subscription.on("subscribed", ({ wasRecovering, recovered, hasRecoveredPublications, streamPosition }) =>
      seen.push(["s", wasRecovering, recovered, hasRecoveredPublications, streamPosition?.offset ?? 0]));
    subscription.on("publication", ({ data, offset }) => {
      seen.push(["p", data, offset ?? 0]);
      this.latest.set(channel, data);
    });
    subscription.on("unsubscribed", ({ code, reason }) => console.error(`${channel} is lost: ${code} ${reason}`));
    subscription.subscribe();
  }

  // In whatever state the connection is: connecting, subscribing, receiving.
  cut() {
    this.cuts++;
    if (this.socket.readyState !== WebSocket.CLOSED) this.closed = new Promise(resolve => this.socket.once("close", resolve));
    this.socket.terminate();
  }

  async whenSubscribed() {
    await this.closed;      // Until then it does not know that it is not.
    for (const channel of channels) await this.client.getSubscription(channel).ready(120_000);
  }
}

const acknowledged = new Map(channels.map(channel => [channel, []]));

// A publication has the same number in every channel, from 1.
const publish = async number => {
  const response = await fetch(`${api}/broadcast`, {
    method: "POST",
    headers: { "X-API-Key": key },
    body: JSON.stringify({ channels, data: number }),
  });
  const { result } = await response.json();
  result.responses.forEach(({ result }, i) => acknowledged.get(channels[i]).push([number, result.offset ?? 0]));
};

const subscribers = Array.from({ length: clientCount }, () => new Subscriber());
await Promise.all(subscribers.map(each => each.whenSubscribed()));

let isFlowing = true;

const cutting = (async () => {
  while (isFlowing) {
    const order = subscribers.map(subscriber => ({ subscriber, at: Math.random() * roundInterval })).sort((a, b) => a.at - b.at);
    const start = performance.now();
    for (const { subscriber, at } of order) {
      await wait(start + at - performance.now());
      if (!isFlowing) return;
      subscriber.cut();
    }

    await wait(start + roundInterval - performance.now());
  }
})();

const start = performance.now();
for (let number = 1; number <= publicationCount; number++) {
  await publish(number);
  await wait(start + number * publicationInterval - performance.now());
}

const seconds = (performance.now() - start) / 1000;
isFlowing = false;
await cutting;

// The last one goes out when everybody is back, so everybody has to see it, whatever was lost before.
await Promise.all(subscribers.map(each => each.whenSubscribed()));
const last = publicationCount + 1;
await publish(last);
while (!subscribers.every(each => channels.every(channel => each.latest.get(channel) === last))) await wait(10);

for (const channel of channels) console.log(JSON.stringify({ channel, seconds, acknowledged: acknowledged.get(channel) }));
subscribers.forEach(({ cuts, seen }, client) => {
  for (const channel of channels) console.log(JSON.stringify({ channel, client, cuts, seen: seen.get(channel) }));
});
