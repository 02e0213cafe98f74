// The official client, on channels that keep something: each scenario says what it sees, one line of JSON each. With FORM=protobuf
// it speaks Protobuf, where data is bytes: here those of JSON. With TRANSPORT=http_stream or sse it comes over HTTP. ROOM ends the names
// of the channels.

import { once } from "node:events";
import { connect as dial, createServer } from "node:net";
import EventSource from "eventsource";
import WebSocket from "ws";

const isProtobuf = process.env.FORM === "protobuf";
const { Centrifuge } = await import(isProtobuf ? "centrifuge/build/protobuf" : "centrifuge");
const encode = data => (isProtobuf ? new TextEncoder().encode(JSON.stringify(data)) : data);
const decode = data => (isProtobuf ? JSON.parse(new TextDecoder().decode(data)) : data);

const transport = process.env.TRANSPORT ?? "websocket";
const room = process.env.ROOM ?? "";
const [url, ...wanted] = process.argv.slice(2);
const say = observation => console.log(JSON.stringify(observation));
process.stdin.on("end", () => process.exit(0)).resume();
setTimeout(() => process.exit(1), 600_000);

const sockets = new Set();
class CountedSocket extends WebSocket {
  constructor(...args) {
    super(...args);
    sockets.add(this);
    this.on("close", () => sockets.delete(this));
  }
}

// A client that HTTP carries is cut off by what stands between it and the hub.
const openRoad = async () => {
  const roads = new Set();
  const server = createServer(socket => {
    const road = [socket, dial(new URL(url).port, "127.0.0.1")];
    roads.add(road);
    road.forEach((end, i) => end.pipe(road[1 - i]).on("error", () => {}).on("close", () => roads.delete(road)));
    road.forEach(end => end.on("error", () => {}));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const cut = () => roads.forEach(road => road.forEach(end => end.destroy()));
  return { cut, base: `http://127.0.0.1:${server.address().port}` };
};

const make = (base, options) => {
  const over = { timeout: 60_000, websocket: CountedSocket, eventsource: EventSource, emulationEndpoint: `${base}/emulation`, minReconnectDelay: 50, maxReconnectDelay: 500, ...options };
  return new Centrifuge(options.transports ?? (transport === "websocket" ? url : [{ transport, endpoint: `${base}/connection/${transport}` }]), over);
};

const connect = async ({ base = new URL(url.replace("ws", "http")).origin, ...options } = {}) => {
  const client = make(base, options);
  client.on("error", ({ error }) => console.error(error));
  client.on("connected", ({ transport }) => (client.transport = transport));
  const publish = client.publish.bind(client);
  client.publish = (channel, data) => publish(channel, encode(data));
  client.connect();
  await client.ready();
  return client;
};

const subscribe = async (client, channel, options = {}) => {
  const subscription = client.newSubscription(channel, options);
  subscription.received = [];
  subscription.on("publication", ({ data }) => subscription.received.push(decode(data)));
  subscription.on("error", ({ error }) => console.error(error));
  subscription.subscribe();
  await subscription.ready();
  return subscription;
};

const until = async condition => {
  while (!condition()) await new Promise(resolve => setTimeout(resolve, 5));
};

const failure = async promise => {
  try {
    await promise;
    return "none";
  } catch (error) {
    return error.code;
  }
};

// Leaves the channel. Until the hub has handled that, what others publish still reaches the client: so it waits for the answer to a
// command behind the unsubscribe, whatever the answer is.
const leave = async (client, subscription) => {
  subscription.unsubscribe();
  await failure(client.rpc("none"));
};

// Leaves the channel, lets others publish, and comes back to it.
const comeBack = async (channel, published) => {
  const [one, other] = [await connect(), await connect()];
  const subscription = await subscribe(one, channel);
  await other.publish(channel, 0);
  await until(() => subscription.received.length === 1);
  await leave(one, subscription);
  for (let i = 1; i <= published; i++) await other.publish(channel, i);
  subscription.subscribe();
  const [{ wasRecovering, recovered }] = await once(subscription, "subscribed");
  await other.publish(channel, "live");
  await until(() => subscription.received.at(-1) === "live");
  say({ wasRecovering, recovered, received: subscription.received });
};

const scenarios = {
  // The connection is cut, others publish, and the client is back by itself a second later.
  async cut() {
    const road = transport === "websocket" ? {} : await openRoad();
    const one = await connect({ minReconnectDelay: 1000, maxReconnectDelay: 1500, base: road.base });
    const subscription = await subscribe(one, `kept:cut${room}`);
    const [socket] = sockets;
    const other = await connect();
    await other.publish(`kept:cut${room}`, "before");
    await until(() => subscription.received.length === 1);
    const back = once(subscription, "subscribed");
    if (socket) socket.terminate();
    else road.cut();
    for (const data of ["a", "b", "c"]) await other.publish(`kept:cut${room}`, data);
    const [{ wasRecovering, recovered }] = await back;
    await other.publish(`kept:cut${room}`, "live");
    await until(() => subscription.received.at(-1) === "live");
    say({ wasRecovering, recovered, received: subscription.received });
  },

  recovered: () => comeBack(`kept:short${room}`, 3),

  lost: () => comeBack(`small:lost${room}`, 5),

  async cache() {
    const publisher = await connect();
    for (const data of ["old", "new"]) await publisher.publish("cache:last", data);
    const subscription = await subscribe(await connect(), "cache:last");
    await until(() => subscription.received.length === 1);
    say({ received: subscription.received });
  },

  async history() {
    const client = await connect();
    const subscription = await subscribe(client, "kept:history");
    for (let i = 1; i <= 5; i++) await subscription.publish(i);
    const pages = [];
    const page = async options => {
      const result = await subscription.history(options);
      pages.push(result.publications.map(each => decode(each.data)));
      return result;
    };
    const { epoch, offset } = await page({ limit: 0 });
    await page({ limit: -1 });
    await page({ limit: 2 });
    await page({ limit: 10, since: { offset: 2, epoch } });
    await page({ limit: 2, reverse: true });
    await page({ limit: 10, reverse: true, since: { offset: 3, epoch } });
    say({ offset: Number(offset), pages });
    say({
      foreign: await failure(subscription.history({ limit: 1, since: { offset: 2, epoch: "other" } })),
      reverseFromZero: await failure(subscription.history({ limit: 1, reverse: true, since: { offset: 0, epoch } })),
      off: await failure(client.history("plain", { limit: 1 })),
      unknown: await failure(client.history("nowhere:x", { limit: 1 })),
    });
  },

  async presence() {
    const [one, other] = [await connect(), await connect()];
    const first = await subscribe(one, `here:room${room}`);
    const before = await first.presenceStats();
    const second = await subscribe(other, `here:room${room}`);
    const clients = Object.keys((await second.presence()).clients);
    const stats = await second.presenceStats();
    other.disconnect();
    let after = stats;
    while (after.numClients !== 1) after = await first.presenceStats();
    say({ before: before.numClients, clients: clients.length, numClients: stats.numClients, numUsers: stats.numUsers, after: after.numClients });
    say({ off: await failure(one.presence("plain")), stranger: await failure(one.presence("here:other")) });
  },

  async joins() {
    const [one, other] = [await connect(), await connect()];
    const seen = [];
    const first = one.newSubscription(`here:joins${room}`, { joinLeave: true });
    first.on("join", ({ info }) => seen.push(info.client === one._client ? "own join" : "join"));
    first.on("leave", () => seen.push("leave"));
    first.subscribe();
    await until(() => seen.length === 1);
    const second = await subscribe(other, `here:joins${room}`);
    await until(() => seen.length === 2);
    second.unsubscribe();
    await until(() => seen.length === 3);
    say({ seen });
  },

  async delta() {
    const [one, other] = [await connect(), await connect()];
    const texts = [];
    let bytes = 0;
    for (const socket of sockets) socket.on("message", message => (bytes += message.byteLength));
    const subscription = await subscribe(one, `diff:text${room}`, { delta: "fossil" });
    for (let i = 0; i < 10; i++) {
      const text = "ünïcode ".repeat(100) + i;
      texts.push(text);
      await other.publish(`diff:text${room}`, { text });
    }
    await until(() => subscription.received.length === 10);
    say({ equal: subscription.received.every(({ text }, i) => text === texts[i]), small: bytes < 4000 });
    await leave(one, subscription);
    for (let i = 10; i < 13; i++) {
      texts.push("ünïcode ".repeat(100) + i);
      await other.publish(`diff:text${room}`, { text: texts[i] });
    }
    subscription.subscribe();
    const [{ recovered }] = await once(subscription, "subscribed");
    texts.push("ünïcode ".repeat(100) + "live");
    await other.publish(`diff:text${room}`, { text: texts.at(-1) });
    await until(() => subscription.received.length === 14);
    say({ recovered, equal: subscription.received.every(({ text }, i) => text === texts[i]) });
  },

  // What the client's own tests ask beyond the scenarios above, in the configuration that they are run with.
  async own() {
    const early = new Centrifuge(url, { timeout: 60_000, websocket: CountedSocket });
    const answer = failure(early.rpc("method", { my: "data" }));
    early.connect();
    const client = await connect();
    const subscription = client.newSubscription("test");
    const counts = [];
    for (let i = 0; i < 10; i++) {
      subscription.subscribe();
      subscription.unsubscribe();
    }

    for (const turn of ["subscribe", "unsubscribe"]) {
      subscription[turn]();
      const expected = turn === "subscribe" ? 1 : 0;
      let stats;
      do stats = await client.presenceStats("test"); while (stats.numClients !== expected);
      counts.push(stats.numClients);
    }

    say({ rpc: await answer, counts });
  },

  // Tags are the server's to give: it publishes by its HTTP API.
  async filter() {
    const publish = async (data, tags) => {
      const api = new URL("/api/publish", url.replace("ws", "http"));
      const body = JSON.stringify({ channel: `ticks:a${room}`, data, tags });
      const answer = await fetch(api, { method: "POST", body, headers: { "X-API-Key": "test-key" } });
      return (await answer.json()).result.offset;
    };
    const [all, some] = [await subscribe(await connect(), `ticks:a${room}`), await subscribe(await connect(), `ticks:a${room}`, { tagsFilter: { key: "t", cmp: "eq", val: "x" } })];
    const offsets = [await publish(1, { t: "y" }), await publish(2, { t: "x" }), await publish(3), await publish(4, { t: "x" })];
    await until(() => all.received.length === 4 && some.received.length === 2);
    say({ offsets, all: all.received, some: some.received });
  },

  // The first transport that the hub answers is taken.
  async fallback() {
    const base = new URL(url.replace("ws", "http")).origin;
    const transports = [
      { transport: "websocket", endpoint: `${url}/nowhere` },
      { transport: "http_stream", endpoint: `${base}/connection/nowhere` },
      { transport: "sse", endpoint: `${base}/connection/sse` },
    ];
    const client = await connect({ transports });
    const subscription = await subscribe(client, "plain");
    await subscription.publish("hello");
    await until(() => subscription.received.length === 1);
    say({ transport: client.transport, received: subscription.received });
  },

  async refused() {
    const client = await connect();
    const codes = {};
    for (const channel of ["nowhere:x", "digits:abc", "closed:x"]) {
      const subscription = client.newSubscription(channel);
      const gone = once(subscription, "unsubscribed");
      subscription.subscribe();
      const [{ code }] = await gone;
      codes[channel] = code;
    }
    codes.publish = await failure(client.publish("readonly:x", 1));
    codes.large = await failure(client.publish("digits:1", "x".repeat(2000)));
    say(codes);
  },
};

for (const scenario of wanted) {
  await scenarios[scenario]();
  say("done");
}
