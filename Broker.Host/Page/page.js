import { Chart } from "./chart.js";
import { Client } from "./client.js";

const room = "chat:lobby";
const telemetry = "telemetry:demo";
const readingInterval = 200;
const messagesShown = 500;

const element = id => document.getElementById(id);
const self = `tab-${crypto.getRandomValues(new Uint32Array(1))[0].toString(36)}`;
const client = new Client(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/connection/websocket`, showState);

// The state.

function showState(state, detail) {
  const words = {
    connecting: "connecting",
    online: "online",
    offline: `offline, again in ${(detail / 1000).toFixed(1)} s`,
    ended: `ended by the server: ${detail}`,
  };
  element("status").dataset.state = state;
  element("status").textContent = words[state];
  element("send").disabled = state !== "online";
}

// The chat.

const name = element("name");
name.value = sessionStorage.getItem("name") ?? `guest-${self.slice(-3)}`;
name.addEventListener("change", () => sessionStorage.setItem("name", name.value));
element("who").addEventListener("submit", event => {
  event.preventDefault();
  element("message").focus();
});

element("chat").addEventListener("submit", async event => {
  event.preventDefault();
  const box = element("message");
  const text = box.value.trim();
  if (text === "" || !client.online) return;
  box.value = "";
  try {
    await client.publish(room, { name: name.value.trim() || "nobody", text });
  } catch (error) {
    box.value ||= text;
    show("note", `Not sent: ${error.message}`);
  }
});

// Text from others goes in as text and never as markup.
function show(kind, text, from) {
  const list = element("messages");
  const follows = list.scrollHeight - list.scrollTop - list.clientHeight < 40;
  const item = document.createElement("li");
  item.className = kind;
  const time = document.createElement("time");
  time.dateTime = new Date().toISOString();
  time.textContent = new Date().toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  item.append(time);
  if (from !== undefined) {
    const author = document.createElement("b");
    author.textContent = from;
    item.append(author);
  }
  item.append(text);
  list.append(item);
  while (list.children.length > messagesShown) list.firstChild.remove();
  if (follows) list.scrollTop = list.scrollHeight;
}

client.subscribe(room, data => {
  if (typeof data?.text === "string") show("message", data.text.slice(0, 2000), String(data.name ?? "nobody").slice(0, 40));
});

// The telemetry: a random walk that is drawn back to zero, from every open tab.

const chart = new Chart(element("chart"));
const arrivals = [];
let points = 0;
let value = 0;

setInterval(() => {
  value = value * 0.98 + (Math.random() - 0.5);
  if (client.online) client.publish(telemetry, { source: self, value: Number(value.toFixed(3)) }).catch(() => {});
}, readingInterval);

client.subscribe(telemetry, (data, info) => {
  if (typeof data?.value !== "number" || !Number.isFinite(data.value)) return;
  const now = performance.now();
  chart.add(String(data.source ?? info?.client ?? "unknown").slice(0, 40), now, data.value);
  arrivals.push(now);
  points++;
});

function draw(now) {
  chart.draw(now);
  requestAnimationFrame(draw);
}

// Numbers are not told to screen readers as they change, and twice a second is enough for eyes.
setInterval(() => {
  const now = performance.now();
  while (arrivals.length > 0 && arrivals[0] < now - 1000) arrivals.shift();
  chart.forget(now);
  element("rate").textContent = String(arrivals.length);
  element("points").textContent = String(points);
  element("series").textContent = String(chart.count);
}, 500);

requestAnimationFrame(draw);
client.connect();
