import { Centrifuge } from 'centrifuge'; import WebSocket from 'ws';
class Socket extends WebSocket { constructor(a, p) { super(a, p, { allowSynchronousEvents: false }); } }
const [port, token, ...channels] = process.argv.slice(2);
const c = new Centrifuge(`ws://localhost:${port}/connection/websocket`, { websocket: Socket, ...(token !== '-' ? { getToken: async () => token } : {}) });
for (const e of ['connected','disconnected','error','subscribed','publication']) c.on(e, x => console.log('client', e, JSON.stringify(x)));
for (const ch of channels) { const s = c.newSubscription(ch, { joinLeave: true }); for (const e of ['subscribed','publication','join','leave','unsubscribed','error']) s.on(e, x => console.log(ch, e, JSON.stringify(x))); s.subscribe(); 
 s.ready().then(async () => { try { await s.publish({ text: 'hi' }); console.log(ch,'published'); } catch (e) { console.log(ch,'publish failed', JSON.stringify(e)); } for (const m of ['presence','presenceStats','history']) try { console.log(ch, m, JSON.stringify(await s[m]({ limit: 10 }))); } catch (e) { console.log(ch, m, 'failed', JSON.stringify(e)); } }); }
c.connect(); c.ready().then(async () => { try { console.log('rpc', JSON.stringify(await c.rpc('hello', { a: 1 }))); } catch (e) { console.log('rpc failed', JSON.stringify(e)); } });
setTimeout(() => process.exit(0), 4000);
