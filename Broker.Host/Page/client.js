// A small client for the Centrifuge JSON protocol: connect, subscribe, publish, answer pings, come back after a loss.

const backoffFloor = 500;
const backoffCeiling = 20_000;
const pingMargin = 10_000;
const replyLimit = 10_000;

/** Full jitter: anywhere between the floor and a ceiling that doubles with each try, so that a crowd comes back spread out. */
export function backoffOf(attempt, random = Math.random) {
  const ceiling = Math.min(backoffCeiling, backoffFloor * 2 ** Math.min(attempt, 16));
  return backoffFloor + random() * (ceiling - backoffFloor);
}

/** Codes with which the server says that coming back is of no use. */
export function isTerminal(code) {
  return (code >= 3500 && code <= 3999) || (code >= 4500 && code <= 4999);
}

export class Client {
  #url;
  #onState;
  #channels = new Map();
  #waiting = new Map();
  #socket = null;
  #online = false;
  #lastId = 0;
  #attempt = 0;
  #silence = 0;

  /** onState(state, detail) hears "connecting", "online", "offline" and, for good, "ended". */
  constructor(url, onState) {
    this.#url = url;
    this.#onState = onState;
  }

  get online() {
    return this.#online;
  }

  /** Listens to a channel, now and after every reconnect. onPublication(data, info) hears each publication. */
  subscribe(channel, onPublication) {
    this.#channels.set(channel, onPublication);
    if (this.#online) this.#subscribe(channel);
  }

  /** Publishes; the promise fails if the server refuses or the connection is lost before it answers. */
  publish(channel, data) {
    return this.#call({ publish: { channel, data } });
  }

  connect() {
    this.#onState("connecting");
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    socket.onopen = () => this.#call({ connect: { name: "page" } }).then(
      reply => this.#connected(reply.connect),
      () => socket.close());
    socket.onmessage = event => this.#receive(event.data);
    socket.onclose = event => this.#closed(socket, event);
  }

  #connected(connect) {
    this.#online = true;
    this.#attempt = 0;
    this.pingInterval = (connect.ping ?? 0) * 1000;
    this.answersPings = connect.pong === true;
    this.#restartSilence();
    this.#onState("online", connect.client);
    for (const channel of this.#channels.keys()) this.#subscribe(channel);
  }

  #subscribe(channel) {
    this.#call({ subscribe: { channel } }).catch(error => this.#onState("online", `${channel}: ${error.message}`));
  }

  #call(command) {
    const socket = this.#socket;
    if (socket?.readyState !== WebSocket.OPEN) return Promise.reject(new Error("offline"));
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new Error("no answer"));
      }, replyLimit);
      this.#waiting.set(id, { resolve, reject, timer });
      socket.send(JSON.stringify({ id, ...command }));
    });
  }

  #receive(frame) {
    this.#restartSilence();
    for (const line of frame.split("\n")) {
      if (line.length === 0) continue;
      const reply = JSON.parse(line);
      if (reply.id) this.#answered(reply);
      else if (reply.push) this.#pushed(reply.push);
      else if (this.answersPings) this.#socket.send("{}");
    }
  }

  #answered(reply) {
    const call = this.#waiting.get(reply.id);
    if (!call) return;
    this.#waiting.delete(reply.id);
    clearTimeout(call.timer);
    if (reply.error) call.reject(new Error(`${reply.error.message} (${reply.error.code})`));
    else call.resolve(reply);
  }

  #pushed(push) {
    if (push.pub) this.#channels.get(push.channel)?.(push.pub.data, push.pub.info);
  }

  // A network that vanishes closes nothing. When not even a ping comes any more, the connection is given up here.
  #restartSilence() {
    clearTimeout(this.#silence);
    if (!this.pingInterval) return;
    const socket = this.#socket;
    this.#silence = setTimeout(() => {
      socket.close();
      this.#closed(socket, { code: 0, reason: "silence" });
    }, this.pingInterval + pingMargin);
  }

  #closed(socket, { code, reason }) {
    if (socket !== this.#socket) return;
    this.#socket = null;
    this.#online = false;
    clearTimeout(this.#silence);
    for (const call of this.#waiting.values()) {
      clearTimeout(call.timer);
      call.reject(new Error("offline"));
    }
    this.#waiting.clear();
    if (isTerminal(code)) {
      this.#onState("ended", reason || String(code));
      return;
    }
    const pause = backoffOf(this.#attempt++);
    this.#onState("offline", pause);
    setTimeout(() => this.connect(), pause);
  }
}
