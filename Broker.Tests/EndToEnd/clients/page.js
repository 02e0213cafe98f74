// The page in Chromium, in two tabs: what one says the other shows, and the chart moves. Says what it sees, one line of
// JSON each. Is told where the screenshot goes, how many points of the chart it waits for, and more flags for the browser.

import { chromium } from "playwright-core";

const [url, screenshot, pointsWanted, ...flags] = process.argv.slice(2);
const patience = 60_000;
const say = observation => console.log(JSON.stringify(observation));
const complaints = [];

// The flags after the first three keep the browser from calling its maker.
const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium",
  timeout: patience,
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", ...flags],
});
process.stdin.on("end", () => browser.close()).resume();
const context = await browser.newContext({ viewport: { width: 1200, height: 640 }, deviceScaleFactor: 2 });
context.setDefaultTimeout(patience);

async function open(name) {
  const tab = await context.newPage();
  tab.on("console", message => { if (["error", "warning"].includes(message.type())) complaints.push(message.text()); });
  tab.on("pageerror", error => complaints.push(String(error)));
  tab.on("requestfailed", request => complaints.push(`${request.url()}: ${request.failure()?.errorText}`));
  await tab.goto(url);
  await tab.waitForSelector('#status[data-state="online"]');
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

await ada.bringToFront();
await ada.waitForFunction(wanted => Number(document.getElementById("points").textContent) >= wanted, Number(pointsWanted));
await ada.screenshot({ path: screenshot });
say({ saw: "complaints", complaints });
await browser.close();
say({ saw: "its end" });
process.exit(0);
