import type { Script } from '../script.js';
import { compressed } from './compressed.js';
import { type Dialect, type ErrorAnswer, JSON_TYPE } from './dialect.js';
import type { Exchange } from './exchange.js';
import type { Reply } from './reply.js';

/** Time for written data to arrive: a reset discards data in transit. */
const FLUSH_MS = 20;

/** Sends non-streamed answers. Faults that break a stream break the body in the middle. */
export function sendWhole(exchange: Exchange, dialect: Dialect, reply: Reply, script: Script): void {
  const { response, record } = exchange;
  const { fault } = script;
  if (fault?.type === 'error-frame') {
    sendError(exchange, dialect.statusAnswer(fault.reason === 'rate-limit' ? 429 : 500, record));
    return;
  }
  const { body, figures } = dialect.whole(reply, record.body);
  const json = JSON.stringify(body);
  const half = json.slice(0, json.length / 2);
  record.status = 200;
  record.chunks = reply.reasoning.length + reply.textChunks + reply.toolCalls.length;
  const headers = { 'content-type': JSON_TYPE, ...exchange.headers };
  const length = { 'content-length': Buffer.byteLength(json) };
  switch (fault?.type) {
    case 'reset-after':
      exchange.cutByDouble = true;
      response.writeHead(200, { ...headers, ...length });
      response.write(half, () => setTimeout(() => response.socket?.resetAndDestroy(), FLUSH_MS));
      return;
    case 'half-close':
      exchange.cutByDouble = true;
      response.writeHead(200, { ...headers, ...length });
      response.write(half, () => response.socket?.end());
      return;
    case 'stall-after':
      response.writeHead(200, { ...headers, ...length });
      response.write(half);
      record.state = 'held';
      exchange.changed();
      return;
    case 'malformed':
      response.writeHead(200, headers).end(half);
      return;
    default:
      if (figures) exchange.report(figures);
      exchange.complete();
      if (script.encoding) {
        response.writeHead(200, { ...headers, 'content-encoding': script.encoding });
        compressed(response, script.encoding).end(json);
      } else response.writeHead(200, { ...headers, ...length }).end(json);
  }
}

/** Answers with an error of the provider. */
export function sendError(exchange: Exchange, answer: ErrorAnswer): void {
  exchange.record.status = answer.status;
  exchange.response
    .writeHead(answer.status, { 'content-type': JSON_TYPE, ...exchange.headers, ...answer.headers })
    .end(JSON.stringify(answer.body));
}
