// node socket-io.js --port N
// Socket.IO with connection state recovery; POST /publish sends the number in its body to everybody.
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import { Server } from 'socket.io';

const { values } = parseArgs({ options: { port: { type: 'string' } } });

const http = createServer((request, response) => {
  let body = '';
  request.on('data', part => { body += part; });
  request.on('end', () => {
    io.emit('publication', Number(body));
    response.end('{}');
  });
});
const io = new Server(http, { connectionStateRecovery: { maxDisconnectionDuration: 2 * 60 * 1000 } });
http.listen({ host: '127.0.0.1', port: Number(values.port), backlog: 4096 });
