import Fastify from 'fastify';
import { type SendBody, textOf, Upstream } from './upstream.js';

/** The minimum a server can do: it passes a message to the provider, and the bytes of the answer back. */
const upstream = new Upstream(process.env['UPSTREAM_URL'] ?? '');
const app = Fastify();

app.post<{ Body: SendBody }>('/api/chat', async (request, reply) => {
  const answer = await upstream.stream(textOf(request.body));
  reply.hijack();
  reply.raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
  answer.pipe(reply.raw);
  reply.raw.once('close', () => answer.destroy());
});

const url = await app.listen({ port: 0, host: '127.0.0.1' });
console.log(JSON.stringify({ url }));
process.once('SIGTERM', () => process.exit(0));
