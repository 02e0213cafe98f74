// The official client twice, in JSON and in Protobuf, in one channel; says what each sees, bytes as hexadecimal digits.

import { once } from "node:events";
import { Centrifuge } from "centrifuge";
import { Centrifuge as ProtobufCentrifuge } from "centrifuge/build/protobuf";
import WebSocket from "ws";

const [url] = process.argv.slice(2);
const channel = "mixed:room";
const say = observation => console.log(JSON.stringify(observation));
const hex = bytes => Buffer.from(bytes).toString("hex");
const until = async condition => {
  while (!condition()) await new Promise(resolve => setTimeout(resolve, 5));
};
process.stdin.on("end", () => process.exit(0)).resume();
setTimeout(() => process.exit(1), 600_000);

let socket;
class LastSocket extends WebSocket {
  constructor(...args) {
    super(...args);
    socket = this;
  }
}

const enter = async (Client, websocket) => {
  const client = new Client(url, { websocket, minReconnectDelay: 300, maxReconnectDelay: 500 });
  client.on("error", ({ error }) => console.error(error));
  const subscription = client.newSubscription(channel);
  subscription.seen = [];
  subscription.on("publication", publication => subscription.seen.push(publication));
  client.connect();
  subscription.subscribe();
  await subscription.ready();
  return subscription;
};

const json = await enter(Centrifuge, WebSocket);
const binary = await enter(ProtobufCentrifuge, LastSocket);

await binary.publish(new Uint8Array([0, 1, 255]));
await binary.publish(new TextEncoder().encode('{"n":1}'));
await json.publish({ n: 2 });
await until(() => json.seen.length === 3 && binary.seen.length === 3);
say({ json: json.seen.map(({ data }) => data), encoding: json.seen[0].tags?.encoding });
say({ binary: binary.seen.map(({ data }) => hex(data)) });

const history = await binary.history({ limit: 10 });
const presence = await binary.presence();
say({ history: history.publications.map(({ data }) => hex(data)), presence: Object.keys(presence.clients).length });

const back = once(binary, "subscribed");
socket.terminate();
await json.publish({ n: 3 });
const [{ recovered }] = await back;
await until(() => binary.seen.length === 4);
say({ recovered, missed: binary.seen.slice(3).map(({ data }) => hex(data)) });
