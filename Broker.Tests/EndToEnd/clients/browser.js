// Chromium for the scripts that look at the page: started without a window, ended with the test, and every complaint of a tab kept.

import { chromium } from "playwright-core";

export const patience = 120_000;
export const say = observation => console.log(JSON.stringify(observation));

// The fixed flags keep the browser from calling its maker.
export async function launch(...flags) {
  const browser = await chromium.launch({
    executablePath: "/usr/bin/chromium",
    timeout: patience,
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync", ...flags],
  });
  process.stdin.on("end", () => browser.close()).resume();
  const context = await browser.newContext({ viewport: { width: 1200, height: 640 }, deviceScaleFactor: 2 });
  context.setDefaultTimeout(patience);
  return { browser, context };
}

/** Opens the page in a tab and waits until it is online. */
export async function openOnline(context, url, complaints) {
  const tab = await context.newPage();
  tab.on("console", message => { if (["error", "warning"].includes(message.type())) complaints.push(message.text()); });
  tab.on("pageerror", error => complaints.push(String(error)));
  tab.on("requestfailed", request => complaints.push(`${request.url()}: ${request.failure()?.errorText}`));
  await tab.goto(url);
  await tab.waitForSelector('#status[data-state="online"]');
  return tab;
}
