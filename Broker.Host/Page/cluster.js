// The cluster as one node sees it: asked of the server API and of /metrics once a second. The key stays in this tab.

const $ = id => document.getElementById(id);
const period = 1000;
let key = "";
let before = null;

/** The samples of /metrics that this page shows, by name; each with its tags. */
function parse(text) {
  const samples = new Map();
  for (const line of text.split("\n")) {
    const match = /^(broker_[a-z_]+)(?:\{([^}]*)\})? ([0-9.eE+-]+)/.exec(line);
    if (!match) continue;
    const tags = Object.fromEntries([...(match[2] ?? "").matchAll(/([a-z_]+)="([^"]*)"/g)].map(([, name, value]) => [name, value]));
    if (!samples.has(match[1])) samples.set(match[1], []);
    samples.get(match[1]).push({ tags, value: Number(match[3]) });
  }

  return samples;
}

const total = (samples, name, node) => (samples?.get(name) ?? [])
  .filter(({ tags }) => node === undefined || tags.node === node)
  .reduce((sum, { value }) => sum + value, 0);

async function ask() {
  const [answer, metrics] = await Promise.all([
    fetch("api/cluster_status", { method: "POST", headers: { "X-API-Key": key }, body: "{}" }),
    fetch("metrics"),
  ]);
  if (answer.status === 401) throw new Error("The node does not take this key.");
  if (!answer.ok) throw new Error(`The node answered ${answer.status}.`);
  const { result, error } = await answer.json();
  if (error) throw new Error(error.message);
  return { status: result, samples: metrics.ok ? parse(await metrics.text()) : null, at: performance.now() };
}

/** What each node shows: its state, and what the lanes to it carry. */
function nodesOf({ status, samples, at }, former) {
  const seconds = former ? (at - former.at) / 1000 : 0;
  const rate = (name, node) => seconds > 0
    ? Math.max(0, total(samples, name, node) - total(former.samples, name, node)) / seconds : 0;
  return status.nodes.map(node => ({
    ...node,
    isAsked: node.address === status.node,
    sent: rate("broker_cluster_lane_sent_total", node.address),
    received: rate("broker_cluster_lane_received_total", node.address),
  }));
}

const svg = (name, attributes, text) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [each, value] of Object.entries(attributes)) element.setAttribute(each, value);
  if (text !== undefined) element.textContent = text;
  return element;
};

const arc = (x, y, radius, part) => {
  const angle = Math.min(part, 0.9999) * 2 * Math.PI;
  const end = `${x + radius * Math.sin(angle)} ${y - radius * Math.cos(angle)}`;
  return `M ${x} ${y - radius} A ${radius} ${radius} 0 ${part > 0.5 ? 1 : 0} 1 ${end}`;
};

function draw(nodes, partitions) {
  const places = nodes.map((_, i) => {
    const angle = 2 * Math.PI * i / nodes.length;
    return nodes.length === 1 ? [0, 0] : [130 * Math.sin(angle), -105 * Math.cos(angle)];
  });
  const asked = nodes.findIndex(({ isAsked }) => isAsked);
  const lines = nodes.flatMap((node, i) => node.isAsked || asked < 0 ? [] : [svg("line", {
    x1: places[asked][0], y1: places[asked][1], x2: places[i][0], y2: places[i][1],
    "stroke-width": 1 + Math.min(8, Math.log10(1 + node.sent + node.received) * 2),
    "data-open": node.lanes > 0 ? "yes" : "no",
  })]);
  const circles = nodes.map((node, i) => {
    const [x, y] = places[i];
    const group = svg("g", { "data-state": node.state, "data-reached": node.reachable ? "yes" : "no", "data-draining": node.draining ? "yes" : "no" });
    group.append(
      svg("path", { d: arc(x, y, 24, 1), class: "track" }),
      svg("circle", { cx: x, cy: y, r: 17 }),
      svg("text", { x, y: y + 40 }, node.address));
    if (node.partitions > 0) group.append(svg("path", { d: arc(x, y, 24, node.partitions / partitions) }));
    return group;
  });
  $("picture").replaceChildren(...lines, ...circles);
}

function fill(nodes) {
  $("nodes").replaceChildren(...nodes.map(node => {
    const row = document.createElement("tr");
    Object.assign(row.dataset, { node: node.address, state: node.state, reached: node.reachable ? "yes" : "no" });
    const state = [node.state, node.draining && "draining", !node.reachable && "not reached", node.isAsked && "asked"].filter(Boolean).join(", ");
    const cells = [node.address, state, node.partitions, node.isAsked ? "" : node.lanes, node.isAsked ? "" : Math.round(node.sent),
      node.isAsked ? "" : Math.round(node.received), node.isAsked ? "" : node.waiting_bytes];
    for (const cell of cells) row.append(Object.assign(document.createElement("td"), { textContent: cell }));
    return row;
  }));
}

function show(now) {
  const nodes = nodesOf(now, before);
  const partitions = nodes.reduce((sum, node) => sum + node.partitions, 0);
  const seconds = before ? (now.at - before.at) / 1000 : 0;
  const deliveries = total(now.samples, "broker_deliveries_total") - total(before?.samples, "broker_deliveries_total");
  $("name").textContent = now.status.cluster;
  $("asked").textContent = `asked ${now.status.node}`;
  $("reached").textContent = `${nodes.filter(({ reachable }) => reachable).length} of ${nodes.length}`;
  $("partitions").textContent = partitions;
  $("rate").textContent = seconds > 0 ? Math.round(Math.max(0, deliveries) / seconds) : 0;
  draw(nodes, Math.max(1, partitions));
  fill(nodes);
  before = now;
}

function report(state, text, hint) {
  $("status").dataset.state = state;
  $("status").textContent = text;
  $("hint").textContent = hint;
}

async function run(own) {
  while (key === own) {
    try {
      show(await ask());
      report("online", "live", "");
    } catch (failure) {
      report("offline", "no answer", failure.message);
    }

    await new Promise(resolve => setTimeout(resolve, period));
  }
}

$("access").addEventListener("submit", event => {
  event.preventDefault();
  if ($("key").value === key) return;
  key = $("key").value;
  before = null;
  if (key) run(key);
});
