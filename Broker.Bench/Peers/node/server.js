// node server.js --port N [--compression]
// /echo sends every message back; who connects to /sub/TOPIC hears what is sent on /pub/TOPIC.
import { parseArgs } from 'node:util';
import { WebSocketServer } from 'ws';

const { values } = parseArgs({
  options: { port: { type: 'string' }, compression: { type: 'boolean', default: false } },
});

const topics = new Map();

function subscribersOf(topic) {
  let subscribers = topics.get(topic);
  if (!subscribers) topics.set(topic, subscribers = new Set());
  return subscribers;
}

function echo(socket) {
  socket.on('message', (data, binary) => socket.send(data, { binary }));
}

function subscribe(socket, topic) {
  const subscribers = subscribersOf(topic);
  subscribers.add(socket);
  socket.on('close', () => subscribers.delete(socket));
}

function publish(socket, topic) {
  const subscribers = subscribersOf(topic);
  socket.on('message', (data, binary) => {
    for (const subscriber of subscribers) subscriber.send(data, { binary });
  });
}

const server = new WebSocketServer({
  host: '127.0.0.1',
  port: Number(values.port),
  perMessageDeflate: values.compression,
  clientTracking: false,
  backlog: 4096,
});

server.on('connection', (socket, request) => {
  socket.on('error', () => {});
  const [, verb, topic] = request.url.split('/');
  if (verb === 'echo') echo(socket);
  else if (verb === 'sub') subscribe(socket, topic);
  else if (verb === 'pub') publish(socket, topic);
  else socket.close(1008);
});
