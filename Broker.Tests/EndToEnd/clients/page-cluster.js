// The page of a cluster: shows four nodes, and three when one has been killed.

import { launch, say } from "./browser.js";

const [url, key, picture] = process.argv.slice(2);
const { browser, context } = await launch();
const complaints = [];
const tab = await context.newPage();
tab.on("console", message => { if (["error", "warning"].includes(message.type())) complaints.push(message.text()); });
tab.on("pageerror", error => complaints.push(String(error)));
await tab.goto(`${url}cluster`);
await tab.fill("#key", key);
await tab.click("#access button");

const shows = (nodes, partitions) => tab.waitForFunction(([nodes, partitions]) =>
  document.querySelectorAll("#nodes tr[data-state=up][data-reached=yes]").length === nodes
    && document.querySelectorAll("#nodes tr").length === nodes
    && document.querySelectorAll("#picture circle").length === nodes
    && document.getElementById("partitions").textContent === partitions, [nodes, partitions]);
await shows(4, "512");
await tab.screenshot({ path: picture });
say({ nodes: 4 });
await shows(3, "512");
say({ nodes: 3, complaints });
await browser.close();
