// The official client over HTTP in a browser: on the hub's own page, and then what a page of another origin can do there.

import { readFile } from "node:fs/promises";
import { launch, say } from "./browser.js";

const [url] = process.argv.slice(2);
const { browser, context } = await launch();
const library = await readFile(new URL("node_modules/centrifuge/dist/centrifuge.js", import.meta.url), "utf8");

const tab = await context.newPage();
await tab.goto(url);
await tab.evaluate(library);
for (const transport of ["http_stream", "sse"]) {
  say(await tab.evaluate(async transport => {
    const client = new Centrifuge([{ transport, endpoint: `${location.origin}/connection/${transport}` }], { timeout: 60_000, emulationEndpoint: "/emulation" });
    const over = new Promise(resolve => client.on("connected", ({ transport }) => resolve(transport)));
    const subscription = client.newSubscription("page");
    const received = new Promise(resolve => subscription.on("publication", ({ data }) => resolve(data)));
    client.connect();
    subscription.subscribe();
    await subscription.ready();
    await subscription.publish("hello");
    const seen = { transport: await over, received: [await received] };
    client.disconnect();
    return seen;
  }, transport));
}

// What needs no library: an EventSource is told pushes.
say(await tab.evaluate(async () => {
  const source = new EventSource(`/connection/uni_sse?cf_connect=${encodeURIComponent('{"subs":{"page":{}}}')}`);
  const pushes = [];
  const second = new Promise(resolve => {
    source.onmessage = ({ data }) => {
      const push = JSON.parse(data);
      pushes.push(Object.keys(push).find(name => name !== "channel"));
      if (pushes.length === 2) resolve();
      else fetch("/connection/http_stream", { method: "POST", body: '{"id":1,"connect":{}}\n{"id":2,"publish":{"channel":"page","data":1}}' });
    };
  });
  await second;
  source.close();
  return { pushes };
}));

// The same server by another name is another origin. Unlike the page, this answer lets a script ask for anything.
const foreign = await context.newPage();
await foreign.goto(new URL("/health", url.replace("127.0.0.1", "localhost")).href);
const statuses = {};
for (const [name, path] of [["http_stream", "/connection/http_stream"], ["emulation", "/emulation"], ["image", "/connection/uni_sse"]]) {
  const answered = foreign.waitForResponse(response => new URL(response.url()).pathname === path);
  await foreign.evaluate(async ([name, address]) => {
    if (name === "image") new Image().src = address;
    else await fetch(address, { method: "POST", mode: "no-cors", body: "{}" });
  }, [name, new URL(path, url).href]);
  statuses[name] = (await answered).status();
}

// A browser keeps the status of a refused EventSource to itself.
statuses.sse = await foreign.evaluate(address => new Promise(resolve => {
  const source = new EventSource(`${address}?cf_connect=%7B%7D`);
  source.onopen = () => resolve("open");
  source.onerror = () => resolve(source.readyState === EventSource.CLOSED ? "closed" : "retrying");
}), new URL("/connection/sse", url).href);
say({ foreign: statuses });
await browser.close();
