// The TypeScript client in Chromium, on the hub's own page, which has its origin: the same scenarios as in Node.js. Says each that has passed.

import { readFileSync } from "node:fs";
import { launch, say } from "./browser.js";

const [url] = process.argv.slice(2);
const files = {
  "/client/": new URL("../../../clients/typescript/dist/", import.meta.url),
  "/scenarios/": new URL("./", import.meta.url),
};
const complaints = [];
const { browser, context } = await launch();
const tab = await context.newPage();
tab.on("console", message => { if (message.type() === "error") complaints.push(message.text()); });
tab.on("pageerror", error => complaints.push(String(error)));
await tab.exposeFunction("say", say);
await tab.route("**/{client,scenarios}/*.js", route => {
  const path = new URL(route.request().url()).pathname;
  const folder = Object.keys(files).find(each => path.startsWith(each));
  return route.fulfill({ contentType: "text/javascript", body: readFileSync(new URL(path.slice(folder.length), files[folder])) });
});
await tab.goto(url);
await tab.evaluate(async () => {
  const [lib, { scenarios }] = await Promise.all([import("/client/index.js"), import("/scenarios/typescript-scenarios.js")]);
  const address = new URL("/ws", location.href.replace("http", "ws")).href;
  const connect = options => lib.BrokerClient.connect({ url: address, connectLimit: 120_000, ...options });
  for (const [name, run] of Object.entries(scenarios)) {
    await run({ lib, connect, gzip: true, mebibytes: 4 });
    await window.say({ saw: name });
  }
}).catch(error => complaints.push(String(error)));
say({ saw: "the end", complaints });
await browser.close();
process.exit(0);
