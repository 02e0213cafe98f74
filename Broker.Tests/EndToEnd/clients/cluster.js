// The official client on the nodes of a cluster: each scenario says what it sees, one line of JSON each.

import { once } from "node:events";
import WebSocket from "ws";
import { Centrifuge } from "centrifuge";

const [scenario, ...urls] = process.argv.slice(2);
const say = observation => console.log(JSON.stringify(observation));
const asked = new Promise(resolve => process.stdin.once("data", resolve));
process.stdin.on("end", () => process.exit(0)).resume();
setTimeout(() => process.exit(1), 600_000);

const connect = async url => {
  const client = new Centrifuge(url, { timeout: 60_000, websocket: WebSocket, minReconnectDelay: 50, maxReconnectDelay: 500 });
  client.on("error", ({ error }) => console.error(error));
  client.connect();
  await client.ready();
  return client;
};

const subscribe = async (client, channel, options = {}) => {
  const subscription = client.newSubscription(channel, options);
  subscription.received = [];
  subscription.places = [];
  subscription.on("publication", ({ data, offset }) => {
    subscription.received.push(data);
    subscription.places[offset] = data;
  });
  subscription.on("error", ({ error }) => console.error(error));
  subscription.subscribe();
  await subscription.ready();
  return subscription;
};

const until = async condition => {
  while (!condition()) await new Promise(resolve => setTimeout(resolve, 5));
};

// What one connection is sent, in the order in which it comes.
const open = (url, channels) => new Promise(resolve => {
  const socket = new WebSocket(url);
  const waiting = new Map();
  const client = { received: Object.fromEntries(channels.map(channel => [channel, []])) };
  let id = 0;
  client.call = command => new Promise(answered => {
    waiting.set(++id, answered);
    socket.send(JSON.stringify({ id, ...command }));
  });
  socket.on("open", () => client.call({ connect: {} }).then(() => resolve(client)));
  socket.on("message", message => {
    for (const line of message.toString().split("\n").filter(line => line)) {
      const reply = JSON.parse(line);
      if (reply.id) waiting.get(reply.id)(reply);
      else if (reply.push?.pub) client.received[reply.push.channel].push(reply.push.pub.data);
      else if (Object.keys(reply).length === 0) socket.send("{}");
    }
  });
});

const scenarios = {
  // The same on the bytes of connections, in channels without a history: the official client does not keep the order of messages that come together.
  wire: async () => {
    const channels = Array.from({ length: 8 }, (_, i) => `wire-${i}`);
    const clients = await Promise.all(urls.map(url => open(url, channels)));
    for (const client of clients) for (const channel of channels) await client.call({ subscribe: { channel } });
    const each = 25;
    await Promise.all(channels.flatMap(channel => clients.map(async (client, from) => {
      for (let i = 0; i < each; i++) await client.call({ publish: { channel, data: `${from}-${i}` } });
    })));
    await until(() => clients.every(({ received }) => channels.every(channel => received[channel].length >= each * clients.length)));
    const lists = channel => clients.map(({ received }) => received[channel].join());
    say({
      complete: channels.every(channel => new Set(clients[0].received[channel]).size === each * clients.length),
      oneOrder: channels.every(channel => new Set(lists(channel)).size === 1),
    });
  },

  // Every node publishes into several channels at the same time: all see all, under the same offsets.
  order: async () => {
    const clients = await Promise.all(urls.map(connect));
    const channels = Array.from({ length: 8 }, (_, i) => `kept:order-${i}`);
    const seen = await Promise.all(channels.map(channel => Promise.all(clients.map(client => subscribe(client, channel)))));
    const each = 25;
    await Promise.all(channels.flatMap(channel => clients.map(async (client, from) => {
      for (let i = 0; i < each; i++) await client.publish(channel, `${from}-${i}`);
    })));
    await until(() => seen.flat().every(({ received }) => received.length >= each * clients.length));
    const one = subscriptions => subscriptions.every(({ places }) => JSON.stringify(places) === JSON.stringify(subscriptions[0].places));
    say({ complete: seen.flat().every(({ received }) => new Set(received).size === each * clients.length && received.length === each * clients.length), oneOrder: seen.every(one) });
  },

  // A client that is on another node after each interruption recovers everything from the channel's home.
  recovery: async () => {
    const publisher = await connect(urls[0]);
    let position = { offset: 0, epoch: "" };
    let next = 0;
    const received = [];
    for (let round = 0; round < urls.length * 2; round++) {
      const client = await connect(urls[round % urls.length]);
      const subscription = client.newSubscription("kept:recovery", round === 0 ? {} : { since: position });
      subscription.on("publication", ({ data, offset }) => {
        received.push(data);
        position.offset = Math.max(position.offset, offset);
      });
      subscription.subscribe();
      const [context] = await once(subscription, "subscribed");
      if (round === 0) position = { ...context.streamPosition };
      else if (!context.recovered) say({ round, recovered: false });
      for (let i = 0; i < 3; i++) await publisher.publish("kept:recovery", next++);
      await until(() => received.length >= next);
      client.disconnect();
      for (let i = 0; i < 3; i++) await publisher.publish("kept:recovery", next++);
    }

    const expected = Array.from({ length: next - 3 }, (_, i) => i);
    received.sort((one, other) => one - other);
    say({ all: JSON.stringify(received) === JSON.stringify(expected) });
  },

  // Who is in a channel is the same on every node, and joins and leaves are told on all.
  presence: async () => {
    const clients = await Promise.all(urls.map(connect));
    const heard = [];
    const subscriptions = [];
    for (const [i, client] of clients.entries()) {
      const subscription = client.newSubscription("here:presence");
      subscription.on("join", ({ info }) => heard.push(`${i} join ${info.client}`));
      subscription.on("leave", ({ info }) => heard.push(`${i} leave ${info.client}`));
      subscription.subscribe();
      await subscription.ready();
      subscriptions.push(subscription);
    }

    const ids = subscriptions.map((_, i) => clients[i]._client ?? "");
    await until(() => heard.filter(line => line.startsWith("0 join")).length >= clients.length);
    const counts = await Promise.all(subscriptions.map(async subscription => (await subscription.presenceStats()).numClients));
    const names = await Promise.all(subscriptions.map(async subscription => Object.keys((await subscription.presence()).clients).length));
    say({ counts, names });
    subscriptions[2].unsubscribe();
    await until(() => [0, 1].every(i => heard.some(line => line.startsWith(`${i} leave`))));
    say({ after: (await subscriptions[0].presenceStats()).numClients, known: ids.length });
  },

  // The server asks the first node; clients of a user are on all of them.
  server: async () => {
    const ask = (method, request) => fetch(`${urls[0].replace("ws:", "http:").replace("/connection/websocket", "")}/api/${method}`, {
      method: "POST", headers: { "X-API-Key": process.env.API_KEY }, body: JSON.stringify(request),
    }).then(response => response.json());
    const clients = await Promise.all(urls.map(connect));
    const counts = { subscribed: 0, unsubscribed: 0, disconnected: 0 };
    for (const client of clients) {
      client.on("subscribed", () => counts.subscribed++);
      client.on("unsubscribed", () => counts.unsubscribed++);
      client.on("disconnected", ({ code }) => code === 3503 && counts.disconnected++);
    }

    for (const [method, done, request] of [
      ["subscribe", "subscribed", { user: "", channel: "by-server" }],
      ["unsubscribe", "unsubscribed", { user: "", channel: "by-server" }],
      ["disconnect", "disconnected", { user: "" }],
    ]) {
      if (method === "unsubscribe") {
        const { result } = await ask("channels", { pattern: "by-server" });
        if (result.channels["by-server"].num_clients !== urls.length) say(result);
        const { result: info } = await ask("info", {});
        if (info.nodes.length !== urls.length || info.nodes.some(node => node.num_clients < 1)) say(info);
      }

      const answer = await ask(method, request);
      if (answer.error) say(answer);
      await until(() => counts[done] === urls.length);
      say(done);
    }
  },

  // A user with a connection on every node: the test blocks it at one of them.
  revoked: async () => {
    const clients = urls.map(url => new Centrifuge(url, { websocket: WebSocket, token: process.env.TOKEN }));
    const ended = clients.map(client => new Promise(resolve => client.on("disconnected", resolve)));
    for (const client of clients) client.connect();
    await Promise.all(clients.map(client => client.ready()));
    say("connected");
    await Promise.all(ended);
    say("disconnected");
  },

  // The same user at a node that has joined since.
  refused: async () => {
    const client = new Centrifuge(urls[0], { websocket: WebSocket, token: process.env.TOKEN });
    client.on("connected", () => say("connected"));
    const ended = new Promise(resolve => client.on("disconnected", resolve));
    client.connect();
    await ended;
    say("disconnected");
  },

  // Publishes and listens until it is asked to stop; the test restarts every node meanwhile.
  rolling: async () => {
    const channels = Array.from({ length: 6 }, (_, i) => `rolling:${i}`);
    const listeners = await Promise.all(Array.from({ length: 6 }, () => connect(urls[0])));
    let unrecovered = 0, repeated = 0, isOver = false;
    const errors = [];
    const subscriptions = await Promise.all(listeners.flatMap(client => channels.map(async channel => {
      const subscription = await subscribe(client, channel);
      const offsets = new Set();
      subscription.on("publication", ({ offset }) => {
        if (offsets.has(offset)) repeated++;
        offsets.add(offset);
      });
      subscription.on("subscribed", ({ wasRecovering, recovered }) => wasRecovering && !recovered && unrecovered++);
      return subscription;
    })));
    const published = new Map(channels.map(channel => [channel, []]));
    const publishers = await Promise.all(Array.from({ length: 3 }, () => connect(urls[0])));
    const running = publishers.map(async (client, from) => {
      for (let i = 0; !isOver; i++) {
        const channel = channels[i % channels.length];
        for (let isSent = false; !isSent;) {
          try {
            await client.publish(channel, `${from}-${i}`);
            isSent = true;
          } catch (error) {
            // What is below 100 is the client's own: its connection has ended, and the outcome is not known.
            if (error.code >= 100) errors.push(error);
          }
        }

        published.get(channel).push(`${from}-${i}`);
        await new Promise(resolve => setTimeout(resolve, 40));
      }
    });
    say("publishing");
    await asked;
    isOver = true;
    await Promise.all(running);
    const missing = () => subscriptions.reduce((count, { channel, received }) => {
      const seen = new Set(received);
      return count + published.get(channel).filter(data => !seen.has(data)).length;
    }, 0);
    const end = Date.now() + 60_000;
    await until(() => missing() === 0 || Date.now() > end);
    say({ lost: missing(), repeated, unrecovered, errors });
  },

  // Listens on the first node; the test that runs this publishes, and kills another node in between.
  listen: async () => {
    const client = await connect(urls[0]);
    const channels = Array.from({ length: 20 }, (_, i) => `listen-${i}`);
    const subscriptions = await Promise.all(channels.map(channel => subscribe(client, channel)));
    say("listening");
    await until(() => subscriptions.every(({ received }) => received.includes("before")));
    say("before");
    await until(() => subscriptions.every(({ received }) => received.includes("after")));
    say("after");
  },
};

await scenarios[scenario]();
say("done");
