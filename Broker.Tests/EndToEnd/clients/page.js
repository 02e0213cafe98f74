// The page in Chromium, in two tabs: what one says the other shows, and the chart moves. Says what it sees, one line of
// JSON each. Is told where the screenshot goes, how many points of the chart it waits for, and more flags for the browser.

import { launch, openOnline, say } from "./browser.js";

const [url, screenshot, pointsWanted, ...flags] = process.argv.slice(2);
const complaints = [];
const { browser, context } = await launch(...flags);

async function open(name) {
  const tab = await openOnline(context, url, complaints);
  await tab.fill("#name", name);
  say({ saw: "online", name });
  return tab;
}

async function tell(from, to, text) {
  await from.fill("#message", text);
  await from.press("#message", "Enter");
  for (const tab of [from, to]) await tab.locator("#messages li", { hasText: text }).waitFor();
  const author = await to.locator("#messages li", { hasText: text }).locator("b").textContent();
  say({ saw: "message", author, text });
}

const points = tab => tab.locator("#points").textContent().then(Number);
const pixels = tab => tab.evaluate(() => document.getElementById("chart").toDataURL());

const ada = await open("Ada");
const grace = await open("Grace");
await tell(ada, grace, "Is anybody here?");
await tell(grace, ada, "Yes, in the other tab.");
await tell(ada, grace, "<b>Markup</b> & \u00fcml\u00e4uts stay text.");
say({ saw: "markup", elements: await grace.locator("#messages li b", { hasText: "Markup" }).count() });
await tell(grace, ada, "So they do. Look at the chart: both of us are on it.");

for (const tab of [ada, grace]) {
  const before = { points: await points(tab), pixels: await pixels(tab) };
  await tab.waitForFunction(seen => Number(document.getElementById("points").textContent) > seen, before.points);
  await tab.waitForFunction(seen => document.getElementById("chart").toDataURL() !== seen, before.pixels);
  await tab.waitForFunction(() => document.getElementById("series").textContent === "2");
}
say({ saw: "chart moving" });

// Whose line is whose, and in the same colour in every tab: two that began with one colour part at their next readings.
const legend = tab => tab.evaluate(() => [...document.querySelectorAll("#legend li")].map(item => [item.dataset.source, item.style.getPropertyValue("--line")]));
let legends;
do {
  legends = [await legend(ada), await legend(grace)];
} while (JSON.stringify(legends[0]) !== JSON.stringify(legends[1]) || new Set(legends[0].map(([, color]) => color)).size < legends[0].length);
say({ saw: "legend", entries: legends[0].length });

await ada.bringToFront();
await ada.waitForFunction(wanted => Number(document.getElementById("points").textContent) >= wanted, Number(pointsWanted));
await ada.screenshot({ path: screenshot });
say({ saw: "complaints", complaints });
await browser.close();
say({ saw: "its end" });
process.exit(0);
