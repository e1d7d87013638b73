import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readDirective, type Script } from './script.js';
import { anthropic } from './wire/anthropic.js';
import { type Body, type Dialect, JSON_TYPE } from './wire/dialect.js';
import type { Exchange, RecordedRequest, ReportedUsage } from './wire/exchange.js';
import { google } from './wire/google.js';
import { GoogleFiles } from './wire/google-files.js';
import { googleImages } from './wire/google-images.js';
import { openaiChat } from './wire/openai-chat.js';
import { openaiImages } from './wire/openai-images.js';
import { openaiResponses } from './wire/openai-responses.js';
import { readBody } from './wire/request-body.js';
import { isCallBesideAnswer, makeReply, type TokenFigures } from './wire/reply.js';
import { sendStream } from './wire/send-stream.js';
import { sendError, sendWhole } from './wire/send-whole.js';

export type { RecordedRequest, ReportedUsage } from './wire/exchange.js';

/** A script, or a function that makes one for the request. */
export type Answer = Script | ((request: RecordedRequest) => Script);

export interface EnqueueOptions {
  /** The requests that it answers. By default: all except those for a chat's title, for routing or for a summary. */
  when?: (request: RecordedRequest) => boolean;
  /** How many of them. The default is 1. */
  times?: number;
}

/** A local server that speaks the wire formats of Google Gemini, OpenAI (both APIs) and Anthropic. */
export interface ProviderDouble {
  url: string;
  /** The base URLs of the providers. */
  googleUrl: string;
  openaiUrl: string;
  anthropicUrl: string;
  /** All requests since the start or the last `reset()`, oldest first. */
  requests: RecordedRequest[];
  /** Gemini's file API. */
  googleFiles: GoogleFiles;
  /** Programs the answer to the next request. The first matching script is used. */
  enqueue(answer: Answer, options?: EnqueueOptions): void;
  /** Continues the streams that wait at their `pauseAfter`. */
  resume(): void;
  /** Waits for a condition on `requests` or `reported()`. */
  until(condition: () => boolean): Promise<void>;
  /** The usage that clients received, for finished answers only. OpenAI reports nothing for an interrupted stream. */
  reported(): ReportedUsage[];
  /** Resets programs, requests and reports, and cuts open answers. */
  reset(): void;
  close(): Promise<void>;
}

export interface ProviderDoubleOptions {
  /** Any free port by default. */
  port?: number;
  /** How many requests and reports to keep. All by default. */
  keep?: number;
}

const ROUTES: Array<[pattern: RegExp, dialect: Dialect]> = [
  [/^\/google\/models\/[^/]*(?:image|banana)[^/]*:generateContent$/, googleImages],
  [/^\/google\/models\/.+:(?:streamGenerateContent|generateContent)$/, google],
  [/^\/openai\/images\/(?:generations|edits)$/, openaiImages],
  [/^\/openai\/responses$/, openaiResponses],
  [/^\/openai\/chat\/completions$/, openaiChat],
  [/^\/anthropic\/messages$/, anthropic],
];

interface Queued extends EnqueueOptions {
  answer: Answer;
  left: number;
}

/** Starts a double on this machine. */
export async function startProviderDouble(options: ProviderDoubleOptions = {}): Promise<ProviderDouble> {
  const { keep = Infinity } = options;
  const requests: RecordedRequest[] = [];
  const reports: ReportedUsage[] = [];
  const queue: Queued[] = [];
  const open = new Set<Exchange>();
  const paused: Array<() => void> = [];
  const callsAfterThoughts = new Set<string>();
  const googleFiles = new GoogleFiles();
  let waiters: Array<{ condition: () => boolean; resolve: () => void }> = [];

  function changed(): void {
    if (waiters.length === 0) return;
    const ready = waiters.filter(({ condition }) => condition());
    waiters = waiters.filter((waiter) => !ready.includes(waiter));
    for (const { resolve } of ready) resolve();
  }

  function remember<Item>(list: Item[], item: Item): void {
    list.push(item);
    if (list.length > keep) list.shift();
  }

  function program(record: RecordedRequest): Script | undefined {
    const beside = isCallBesideAnswer(record);
    const index = queue.findIndex(({ when }) => (when ? when(record) : !beside));
    const item = queue[index];
    if (!item) return undefined;
    if (--item.left <= 0) queue.splice(index, 1);
    return typeof item.answer === 'function' ? item.answer(record) : item.answer;
  }

  function makeExchange(record: RecordedRequest, response: ServerResponse, dialect: Dialect): Exchange {
    let usage: TokenFigures | undefined;
    let complete = false;
    const exchange: Exchange = {
      record,
      response,
      headers: dialect.headers(),
      cutByDouble: false,
      changed,
      onResume: (callback) => void paused.push(callback),
      noteCalls: ({ reasoning, toolCalls }) => {
        for (const { id } of toolCalls) {
          if (reasoning.length > 0) callsAfterThoughts.add(id);
          else callsAfterThoughts.delete(id);
        }
      },
      report: (figures) => (usage = figures),
      complete: () => (complete = true),
    };
    open.add(exchange);
    response.once('close', () => {
      open.delete(exchange);
      const finished = response.writableFinished;
      record.closedByClient = !finished && !exchange.cutByDouble;
      record.state = 'ended';
      record.endedAt = Date.now();
      const { provider, model } = record;
      if (usage) {
        record.reported = { provider, model, ...usage, ended: complete && finished ? 'complete' : 'cut' };
        remember(reports, record.reported);
      }
      changed();
    });
    return exchange;
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = new URL(request.url ?? '/', 'http://double').pathname.replace(/^\/moved/, '');
    if (request.method === 'GET' && path === '/reported') {
      return void response.writeHead(200, { 'content-type': JSON_TYPE }).end(JSON.stringify(reports));
    }
    if (await googleFiles.handle(request, response, changed)) return;
    const dialect = ROUTES.find(([pattern]) => pattern.test(path))?.[1];
    if (!dialect || request.method !== 'POST') return void response.writeHead(404).end();
    const { body, length } = await readBody(request);
    if (!body) return void response.writeHead(400).end();

    const record = makeRecord(dialect, request, path, body);
    const exchange = makeExchange(record, response, dialect);
    remember(requests, record);
    const refusal =
      dialect.refusal(request.headers, body, { ...record, callsAfterThoughts }) ??
      googleFiles.refusal(request.headers['x-goog-api-key'], body);
    const script = refusal ? {} : { ...program(record), ...directive(record) };
    changed();
    if (refusal) return sendError(exchange, refusal);
    const wait = delayOf(script, record);
    if (wait === 0) return answer(exchange, dialect, script, length);
    setTimeout(() => {
      if (!response.destroyed) answer(exchange, dialect, script, length);
    }, wait).unref();
  }

  function cutAll(): void {
    for (const exchange of open) {
      exchange.cutByDouble = true;
      exchange.response.destroy();
    }
  }

  const server = createServer((request, response) => {
    // A client that disconnects while it sends its request is not a failure.
    handle(request, response).catch(() => response.destroy());
  });
  // Clients close idle connections. Closing them here would race with their next request.
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve) => {
    server.listen({ port: options.port ?? 0, host: '127.0.0.1', backlog: 4096 }, resolve);
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    googleUrl: `${url}/google`,
    openaiUrl: `${url}/openai`,
    anthropicUrl: `${url}/anthropic`,
    requests,
    googleFiles,
    enqueue: (answer, { when, times = 1 } = {}) => void queue.push({ answer, when, left: times }),
    resume() {
      for (const callback of paused.splice(0)) callback();
    },
    until: (condition) =>
      new Promise((resolve) => {
        if (condition()) resolve();
        else waiters.push({ condition, resolve });
      }),
    reported: () => [...reports],
    reset() {
      cutAll();
      googleFiles.reset();
      queue.length = requests.length = reports.length = paused.length = 0;
    },
    async close() {
      cutAll();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** The script's behavior before any format matters, or the answer in the provider's format. */
function answer(exchange: Exchange, dialect: Dialect, script: Script, bodyLength: number): void {
  const { record, response } = exchange;
  const { fault, redirect } = script;
  if (redirect) {
    const { status, to = `/moved${response.req.url}` } = redirect;
    record.status = status;
    return void response.writeHead(status, { location: to }).end();
  }
  switch (fault?.type) {
    case 'status':
      return sendError(exchange, dialect.statusAnswer(fault.status, record, fault.retryAfterSeconds));
    case 'reset-before-first-byte':
      exchange.cutByDouble = true;
      response.socket?.resetAndDestroy();
      return;
    case 'stall-before-first-byte':
      record.state = 'held';
      return exchange.changed();
  }
  if (script.finishReason === 'content-filter' && dialect.contentRefusal)
    return sendError(exchange, dialect.contentRefusal());
  const reply = makeReply(script, record, bodyLength);
  exchange.noteCalls(reply);
  if (record.stream) sendStream(exchange, dialect, reply, script);
  else sendWhole(exchange, dialect, reply, script);
}

function makeRecord(dialect: Dialect, request: IncomingMessage, path: string, body: Body): RecordedRequest {
  return {
    provider: dialect.provider,
    path,
    ...dialect.facts(body, path),
    headers: request.headers,
    body,
    startedAt: Date.now(),
    endedAt: undefined,
    status: undefined,
    state: 'waiting',
    chunks: 0,
    closedByClient: false,
  };
}

/** A program in the user's text. Title and routing calls see the same text but are not meant. */
function directive(record: RecordedRequest): Script | undefined {
  if (isCallBesideAnswer(record)) return undefined;
  const script = readDirective(record.userText);
  // The text is still there when the tools' results arrive: the calls were made.
  if (script?.toolCalls && record.afterTools) delete script.toolCalls;
  return script;
}

/** A non-streamed answer arrives when a stream at the same speed would have ended. */
function delayOf(
  { firstDelayMs = 0, chunkDelayMs = 0, tokens, text }: Script,
  { stream }: RecordedRequest,
): number {
  return firstDelayMs + (stream ? 0 : chunkDelayMs * (tokens ?? text?.length ?? 0));
}
