// The TypeScript client's own tests. Says each that failed, and how many there were, one line of JSON each.

import { readdirSync } from "node:fs";
import { run } from "node:test";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../../../clients/typescript/test/", import.meta.url));
const say = observation => console.log(JSON.stringify(observation));
process.stdin.on("end", () => process.exit(0)).resume();

const files = readdirSync(folder).filter(name => name.endsWith(".test.js")).map(name => folder + name);
const counts = { passed: 0, failed: 0 };
run({ files, concurrency: 2 })
  .on("test:pass", () => counts.passed++)
  .on("test:fail", ({ name, details }) => {
    counts.failed++;
    say({ saw: "failure", name, error: String(details.error?.cause?.stack ?? details.error) });
  })
  .on("end", () => {
    say({ saw: "the end", failed: counts.failed, many: counts.passed > 100 });
    process.exit(0);
  })
  .resume();
