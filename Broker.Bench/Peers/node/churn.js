// node churn.js broker|socket.io|signalr PORT CLIENTS SECONDS SEED
// The official client of a server, many times, each cut at a random moment of every round of two seconds while fifty publications a second
// are published by HTTP. It judges nothing: it writes down what each client saw, in order, and another program counts.
//
// First {"published", "seconds"}, then a line for each client: {"cuts", "seen": [...]}, where ["p", number] is a publication, and ["t"] is
// that the client was told that its stream was interrupted and not recovered.

import { once } from 'node:events';
import WebSocket from 'ws';
import { Centrifuge } from 'centrifuge';
import { io } from 'socket.io-client';
import { HubConnectionBuilder, HttpTransportType, LogLevel } from '@microsoft/signalr';

const [server, port, clientsText, secondsText, seedText] = process.argv.slice(2);
const publicationInterval = 20, roundInterval = 2000;               // ms
const delayMin = 50, delayMax = 500;                                // ms before another attempt, for all of them.
const quietLimit = 20_000;                                          // ms for the last publications to arrive.
const publicationCount = Number(secondsText) * 1000 / publicationInterval;
process.stdin.on('end', () => process.exit(0)).resume();

const wait = ms => new Promise(resolve => setTimeout(resolve, Math.max(0, ms)));

// The same cuts for every server: a generator with a seed (mulberry32).
let state = Number(seedText) >>> 0;
function random() {
  state = (state + 0x6d2b79f5) >>> 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
}

class Client {
  cuts = 0;
  seen = [];
  latest = 0;
  socket = null;

  take(number) {
    this.seen.push(['p', number]);
    this.latest = Math.max(this.latest, number);
  }

  told() {
    this.seen.push(['t']);
  }

  // In whatever state the connection is.
  cut() {
    this.cuts++;
    this.socket?.terminate();
  }

  // A WebSocket of this client, so that it can be cut. Each message in a task of its own, as in a browser.
  socketClass() {
    const client = this;
    return class Socket extends WebSocket {
      constructor(address, protocols, options) {
        super(address, protocols, { ...options, allowSynchronousEvents: false });
        this.on('error', () => {});
        client.socket = this;
      }
    };
  }
}

const kinds = {
  broker: class extends Client {
    constructor() {
      super();
      const client = new Centrifuge(`ws://127.0.0.1:${port}/connection/websocket`, {
        websocket: this.socketClass(), minReconnectDelay: delayMin, maxReconnectDelay: delayMax,
      });
      client.on('error', () => {});
      const subscription = client.newSubscription('churn', { minResubscribeDelay: delayMin, maxResubscribeDelay: delayMax });
      subscription.on('subscribed', ({ wasRecovering, recovered }) => { if (wasRecovering && !recovered) this.told(); });
      subscription.on('publication', ({ data }) => this.take(data));
      subscription.subscribe();
      client.connect();
      this.ready = subscription.ready(30_000);
    }
  },

  'socket.io': class extends Client {
    constructor() {
      super();
      const socket = io(`http://127.0.0.1:${port}`, {
        transports: ['websocket'], forceNew: true, reconnectionDelay: delayMin, reconnectionDelayMax: delayMax,
      });
      let before = false;
      socket.on('connect', () => {
        if (before && !socket.recovered) this.told();
        before = true;
      });
      socket.on('publication', number => this.take(number));
      this.io = socket.io;
      this.ready = new Promise(resolve => socket.once('connect', resolve));
    }

    cut() {
      this.socket = this.io.engine?.transport?.ws ?? null;
      super.cut();
    }
  },

  signalr: class extends Client {
    constructor() {
      super();
      const connection = new HubConnectionBuilder()
        .withUrl(`http://127.0.0.1:${port}/churn`, { transport: HttpTransportType.WebSockets, WebSocket: this.socketClass() })
        .withStatefulReconnect()
        .withAutomaticReconnect({ nextRetryDelayInMilliseconds: () => delayMin + Math.random() * (delayMax - delayMin) })
        .configureLogging(LogLevel.None)
        .build();
      connection.on('publication', number => this.take(number));
      connection.onreconnected(() => this.told());
      this.ready = connection.start();
    }
  },
};

// A publication has the same number for everybody, from 1.
async function publish(number) {
  const answer = await fetch(`http://127.0.0.1:${port}/${server === 'broker' ? 'api/publish' : 'publish'}`, {
    method: 'POST',
    headers: { 'X-API-Key': 'bench', 'Content-Type': 'application/json' },
    body: server === 'broker' ? JSON.stringify({ channel: 'churn', data: number }) : String(number),
  });
  const text = await answer.text();
  if (answer.status !== 200 || text.includes('"error"')) throw new Error(`Publication ${number} failed: ${answer.status} ${text}`);
}

const clients = [];
for (let i = 0; i < Number(clientsText); i++) clients.push(new kinds[server]());
await Promise.all(clients.map(each => each.ready));

let isFlowing = true;
const cutting = (async () => {
  while (isFlowing) {
    const order = clients.map(client => ({ client, at: random() * roundInterval })).sort((a, b) => a.at - b.at);
    const start = performance.now();
    for (const { client, at } of order) {
      await wait(start + at - performance.now());
      if (!isFlowing) return;
      client.cut();
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

// The last one when everybody has had time to come back.
await wait(3000);
await publish(publicationCount + 1);
const limit = performance.now() + quietLimit;
while (performance.now() < limit && !clients.every(each => each.latest === publicationCount + 1)) await wait(50);

let output = JSON.stringify({ published: publicationCount + 1, seconds }) + '\n';
for (const { cuts, seen } of clients) output += JSON.stringify({ cuts, seen }) + '\n';
if (!process.stdout.write(output)) await once(process.stdout, 'drain');
process.exit(0);
