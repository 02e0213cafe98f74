// Every example of the pages is compiled: its lines are those of examples.ts.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const flat = code => code.split("\n").map(line => line.trim()).filter(line => line !== "" && !line.startsWith("import ")).join("\n");
const load = path => readFileSync(new URL(path, import.meta.url), "utf8").replaceAll("\r\n", "\n");
const compiled = flat(load("examples.ts"));

for (const [page, count] of [["../../../docs/TYPESCRIPT.md", 11], ["../README.md", 1]]) {
  test(`every example of ${page} is compiled`, () => {
    const examples = [...load(page).matchAll(/^```ts\n(.*?)^```/gms)].map(match => flat(match[1]));
    assert.equal(examples.length, count);
    for (const example of examples) assert.ok(compiled.includes(example), example);
  });
}
