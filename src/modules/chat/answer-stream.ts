import type { FastifyReply } from 'fastify';
import { EventStream } from '../../common/http/event-stream.js';
import { streamReaders } from '../../common/observability/metrics.js';
import type { LiveStream } from '../turns/stream-hub/live-stream.js';

const PROTOCOL_HEADERS = { 'x-vercel-ai-ui-message-stream': 'v1' };

/** Connects a reply to an answer: everything from its first chunk on, then live. Closing the connection ends nothing else. */
export function sendStream(
  stream: LiveStream,
  reply: FastifyReply,
  headers: Readonly<Record<string, string>> = {},
): void {
  if (reply.request.method === 'HEAD') return sendHead(reply);
  streamReaders.inc();
  const events = new EventStream(
    reply,
    { ...PROTOCOL_HEADERS, ...headers },
    {
      onDrain: () => subscription.resume(),
      onClose: () => {
        streamReaders.dec();
        subscription.close();
      },
    },
  );
  const subscription = stream.subscribe(events);
  // The first token must not wait for those behind it.
  events.flush();
}

/** HEAD asks for the headers alone: its connection must not wait for the end of the answer. */
function sendHead(reply: FastifyReply): void {
  new EventStream(reply, PROTOCOL_HEADERS, { onDrain: () => undefined, onClose: () => undefined }).end();
}
