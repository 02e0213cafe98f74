// The page in Chromium while its hub is stopped and started again. Says what it sees, one line of JSON each.

import { launch, openOnline, say } from "./browser.js";

const [url] = process.argv.slice(2);
const { browser, context } = await launch();
const tab = await openOnline(context, url, []);
const text = id => tab.locator(id).textContent();
const places = () => tab.evaluate(() => JSON.stringify([...document.querySelectorAll("header p, main, section, #messages, #message, #send, #chart, dl")]
  .map(element => { const { x, y, width, height } = element.getBoundingClientRect(); return [element.tagName, x, y, width, height]; })));

say({ saw: "empty chat", hint: await tab.locator("#empty").isVisible() });
await tab.waitForSelector("#legend li");
const before = await places();
say({ saw: "online" });

await tab.waitForSelector('#status[data-state="offline"]');
const seconds = () => tab.evaluate(() => Number(document.getElementById("retry").textContent.match(/again in ([0-9.]+) s/)?.[1] ?? NaN));
await tab.waitForFunction(() => {
  const now = Number(document.getElementById("retry").textContent.match(/again in ([0-9.]+) s/)?.[1] ?? NaN);
  const counted = now < (window.lastSeen ?? NaN);
  window.lastSeen = now;
  return counted;
}, undefined, { polling: 50 });
say({ saw: "countdown" });

await tab.fill("#message", "said while offline");
await tab.press("#message", "Enter");
say({ saw: "hint", hint: await text("#hint"), kept: await tab.inputValue("#message"), moved: await places() !== before });

await tab.waitForSelector('#status[data-state="online"]');
say({ saw: "online", hint: await text("#hint"), retry: await text("#retry"), moved: await places() !== before });
await tab.press("#message", "Enter");
await tab.locator("#messages li", { hasText: "said while offline" }).waitFor();
say({ saw: "message", empty: await tab.locator("#empty").isVisible() });
await browser.close();
process.exit(0);
