import { Chart, colorCount } from "./chart.js";
import { Client } from "./client.js";

const room = "chat:lobby";
const telemetry = "telemetry:demo";
const readingInterval = 200;
const messagesShown = 500;
const legendMax = 12;

const element = id => document.getElementById(id);
const self = `tab-${crypto.getRandomValues(new Uint32Array(1))[0].toString(36)}`;
const client = new Client(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/connection/websocket`, showState);

// The state.

let retryAt = 0;
let countdown = 0;

function showState(state, detail) {
  const words = { connecting: "connecting", online: "online", offline: "offline", ended: "ended by the server" };
  const status = element("status");
  const before = status.dataset.state;
  status.dataset.state = state;
  status.textContent = words[state];
  clearInterval(countdown);
  if (state === "offline") {
    retryAt = performance.now() + detail;
    countdown = setInterval(showRetry, 100);
    showRetry();
  } else {
    element("retry").textContent = state === "ended" ? detail : "";
  }

  if (state === "online") showHint("");
  if (before === "online" && state !== "online") show("note", "The connection is lost. What others say meanwhile is not shown here.");
}

// Counts down by itself, and not for screen readers, to which only the state is told.
function showRetry() {
  element("retry").textContent = `again in ${Math.max(0, (retryAt - performance.now()) / 1000).toFixed(1)} s`;
}

function showHint(text) {
  element("hint").textContent = text;
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
  if (text === "") return;
  if (!client.online) {
    showHint("Not sent: no connection. Press Enter again when the page is online.");
    return;
  }

  showHint("");
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
  element("empty").hidden = true;
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
let color = Math.floor(Math.random() * colorCount);

setInterval(() => {
  value = value * 0.98 + (Math.random() - 0.5);
  if (client.online) client.publish(telemetry, { source: self, color, value: Number(value.toFixed(3)) }).catch(() => {});
}, readingInterval);

client.subscribe(telemetry, (data, info) => {
  if (typeof data?.value !== "number" || !Number.isFinite(data.value)) return;
  const now = performance.now();
  const source = String(data.source ?? info?.client ?? "unknown").slice(0, 40);
  chart.add(source, data.color, now, data.value);

  // Of two with one colour, the later in the alphabet takes a free one, if there is any.
  if (data.color === color && source < self) {
    const taken = chart.colorsBeside(self);
    color = [...Array(colorCount).keys()].find(each => !taken.has(each)) ?? color;
  }
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
  const legend = chart.legend;
  element("series").textContent = String(legend.length);
  showLegend(legend);
}, 500);

// One entry a source, changed in place: a list that is built anew twice a second could not be read or pointed at.
function showLegend(sources) {
  const list = element("legend");
  const shown = sources.slice(0, legendMax);
  element("legend").title = sources.length > shown.length ? `and ${sources.length - shown.length} more` : "";
  while (list.children.length > shown.length) list.lastChild.remove();
  while (list.children.length < shown.length) list.append(document.createElement("li"));
  shown.forEach(({ source, color, value }, i) => {
    const item = list.children[i];
    item.dataset.source = source;
    item.style.setProperty("--line", color);
    item.textContent = `${source === self ? `${source} (this tab)` : source} ${value.toFixed(2)}`;
  });
}

requestAnimationFrame(draw);
client.connect();
