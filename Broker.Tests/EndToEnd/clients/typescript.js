// The TypeScript client in Node.js, over the ws package. Says each scenario that it has passed, one line of JSON each; the first that
// fails is the last. Is given the hub's address, which scenarios, and the subprotocols to offer.

import WebSocket from "ws";
import * as lib from "../../../clients/typescript/dist/index.js";
import { callScenarios, scenarios } from "./typescript-scenarios.js";

const [url, which = "all", subprotocols = "v3.broker,v2.broker"] = process.argv.slice(2);
const say = observation => console.log(JSON.stringify(observation));
process.stdin.on("end", () => process.exit(0)).resume();

const connect = options => lib.BrokerClient.connect({ url, WebSocket, connectLimit: 120_000, subprotocols: subprotocols.split(","), ...options });
for (const [name, run] of Object.entries(which === "calls" ? callScenarios : scenarios)) {
  if (which !== "all" && which !== "calls" && !name.includes(which)) continue;
  const began = performance.now();
  try {
    await run({ lib, connect, gzip: true, mebibytes: 48 });
    say({ saw: name });
    if (process.env.VERBOSE) console.error(`${Math.round(performance.now() - began)} ms`);
  } catch (error) {
    say({ saw: name, failure: String(error.stack) });
    process.exit(1);
  }
}

say({ saw: "the end" });
process.exit(0);
