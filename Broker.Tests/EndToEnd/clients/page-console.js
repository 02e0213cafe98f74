// Pastes a snippet into the browser's console on the page, as a reader of README.md does, and waits for what it says in the chat.
// Says what it sees, one line of JSON each. Is given the page and the snippet.

import { launch, openOnline, say } from "./browser.js";

const [url, snippet] = process.argv.slice(2);
const { browser, context } = await launch();
const complaints = [];
const tab = await openOnline(context, url, complaints);
const devtools = await context.newCDPSession(tab);
const { exceptionDetails } = await devtools.send("Runtime.evaluate", { expression: snippet, replMode: true, userGesture: true });
say({ saw: "pasted", thrown: exceptionDetails?.exception?.description ?? null });
await tab.locator("#messages li", { hasText: "hello" }).waitFor();
say({ saw: "message", author: await tab.locator("#messages li", { hasText: "hello" }).locator("b").textContent(), complaints });
await browser.close();
process.exit(0);
