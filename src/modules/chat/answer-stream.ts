import type { FastifyReply } from 'fastify';
import { EventStream } from '../../common/http/event-stream.js';
import { streamReaders } from '../../common/observability/metrics.js';
import type { LiveStream } from '../turns/stream-hub/live-stream.js';

const PROTOCOL_HEADERS = { 'x-vercel-ai-ui-message-stream': 'v1' };

interface SendOptions {
  headers?: Readonly<Record<string, string>>;
  /** Whether the client has the part of the answer that the stream continues. */
  hasBeginning?: boolean;
}

/**
 * Streams an answer to a client: replays from the first chunk, then continues live. Closing the connection does not
 * stop the answer.
 */
export function sendStream(
  stream: LiveStream,
  reply: FastifyReply,
  { headers = {}, hasBeginning = false }: SendOptions = {},
): void {
  if (reply.request.method === 'HEAD') return sendHead(reply);
  // The request lives as long as its response, and clients send whole conversations.
  reply.request.body = undefined;
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
  const subscription = stream.subscribe(events, hasBeginning);
  // The first token must not wait for the following ones.
  events.flush();
}

/** HEAD only asks for the headers, so its connection must not wait for the end of the answer. */
function sendHead(reply: FastifyReply): void {
  new EventStream(reply, PROTOCOL_HEADERS, { onDrain: () => undefined, onClose: () => undefined }).end();
}
