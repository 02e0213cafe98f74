// The examples of docs/TYPESCRIPT.md and of the package's README, line by line: page.test.js compares them, and the compiler checks them.

import { BrokerClient, CallFailedError, Methods, Store, toJson, toText, type TransferProgress, type WebSocketConstructor } from "broker-client";

interface Article {
  readonly title: string;
}

declare const WebSocket: WebSocketConstructor;
declare const readings: readonly object[];
declare const file: Blob;
declare const signal: AbortSignal;
declare const sink: { write(piece: Uint8Array): void };
declare function show(shown: number | Article): void;
declare function pieces(source: Blob): AsyncIterable<Uint8Array>;
declare function capture(window: string, signal: AbortSignal): Promise<Uint8Array>;
declare function linesOf(path: string): Promise<string[]>;

export async function connecting() {
  const client = await BrokerClient.connect({ url: "ws://localhost:8000/ws", token: "sesam" });
  client.onStateChange(state => console.log(state, client.lastClose.text));
}

export async function connectingInNode() {
  const client = await BrokerClient.connect({ url: "ws://localhost:8000/ws", WebSocket });
  return client;
}

export async function publishing(client: BrokerClient) {
  const receipt = await client.publish("news", "hello");
  console.log(`${receipt.receivers} subscribers, offset ${receipt.offset}`);
}

export async function publishingMany(client: BrokerClient) {
  const receipts = await Promise.all(readings.map(reading => client.publish("telemetry", toJson(reading))));
  console.log(receipts.length);
}

export async function subscribing(client: BrokerClient) {
  const news = await client.subscribe("news");
  for await (const delivery of news) {
    if (delivery.gap !== "none") console.log(`something is missing here: ${delivery.missed} or more`);
    console.log(delivery.offset, delivery.text());
  }
}

export async function continuing(client: BrokerClient) {
  const { epoch, offset } = JSON.parse(localStorage.getItem("news") ?? '{"epoch":"0","offset":0}') as { epoch: string; offset: number };
  const news = await client.subscribe("news", { since: { epoch: BigInt(epoch), offset } });
  console.log(news.recovered ? "nothing is missing" : "something may be missing");
  for await (const delivery of news) {
    show(delivery.json<Article>());
    const { position } = news;
    if (position !== undefined) localStorage.setItem("news", JSON.stringify({ epoch: String(position.epoch), offset: position.offset }));
  }
}

export async function calling(client: BrokerClient) {
  try {
    const onUpload = ({ bytes, total }: TransferProgress) => show(bytes / total);
    const result = await client.call("resize", new Uint8Array(10_000_000), { deadline: 5000, onUpload });
    console.log(`${result.length} bytes`);
  } catch (error) {
    if (error instanceof CallFailedError) console.log(error.codeName, error.text);
  }

  const sum = await client.callJson<number>("sum", [1, 2, 3]);
  console.log(sum);
}

export async function streaming(client: BrokerClient) {
  for await (const line of client.stream("grep", "error", { items: pieces(file) })) console.log(toText(line));
}

export async function answering() {
  const methods = new Methods()
    .add("screenshot", async (args, signal) => await capture(toText(args), signal))
    .addWithItems("lines", async call => {
      for await (const path of call.items) for (const line of await linesOf(toText(path))) await call.send(line);
    });
  methods.onFailed = (method, error) => console.error(method, error);
  const client = await BrokerClient.connect({ url: "wss://hub.example/ws", methods });
  return client;
}

export async function storing(client: BrokerClient) {
  const store = new Store(client);
  await store.write("users/7", "Ada", "disk");
  const value = await store.read("users/7");
  for await (const { key, value } of store.scan("users/")) console.log(toText(key), value.length);
  return value;
}

export async function streamingValues(store: Store) {
  await store.streams.write("film", file, "disk", { onUpload: ({ bytes, total }) => show(bytes / total), signal });
  const film = await store.streams.read("film");
  if (film !== null) for await (const piece of film) sink.write(piece);
}

export async function readme() {
  const client = await BrokerClient.connect({ url: "ws://localhost:8000/ws" });
  const news = await client.subscribe("news");
  await client.publish("news", "hello");
  for await (const delivery of news) console.log(delivery.offset, delivery.text());
}
