import type { IncomingMessage } from 'node:http';
import { setImmediate } from 'node:timers/promises';
import type { FastifyRequest } from 'fastify';
import {
  type AppError,
  invalidField,
  payloadTooLarge,
  requestTimedOut,
  unsupportedMediaType,
} from '../errors/app-error.js';
import { ByteCollector } from './byte-collector.js';
import { MAX_DEPTH } from './hostile-input.js';
import { JsonGauge } from './json-gauge.js';
import { type LastItem, ListSkimmer } from './list-skimmer.js';
import { hasBody } from './unread-body.js';

export interface BodyLimits {
  /** Size of the body. If only one item of a list is read, the others do not count. */
  bytes: number;
  /** The only item of a list that is read. */
  lastItem?: LastItem;
  /** Number of object keys and array items, at all depths. */
  items: number;
  /** Milliseconds from now until the last byte must have arrived. */
  timeout: number;
  mediaTypes: readonly string[];
}

/** The check after parsing reports the path of nesting that is too deep. This limit bounds the work of that check. */
const MAX_PARSED_DEPTH = 10_000;
/** How many times more may arrive than is read, if only one item of a list is read. */
const UNREAD_FACTOR = 20;
/** Decoding, parsing and validating a body of several megabytes are three steps. Other requests run between them. */
const LARGE_BODY = 256 * 1024;

/**
 * Reads and parses the JSON body of a request. Nothing of a body is read before this call.
 *
 * @returns undefined if the request has no body
 * @throws AppError 408, 413, 415, or 400 if the body is not JSON
 */
export async function readJsonBody(request: FastifyRequest, limits: BodyLimits): Promise<unknown> {
  const { raw, headers } = request;
  if (!hasBody(raw)) return undefined;
  if (Number(headers['content-length']) > bytesOnTheWire(limits)) throw tooManyBytes(limits);
  const { mediaType } = request;
  if (mediaType === undefined || !limits.mediaTypes.includes(mediaType)) throw unsupportedMediaType();
  if (headers['content-encoding'] !== undefined && headers['content-encoding'] !== 'identity') {
    throw unsupportedMediaType('Send the body without a content encoding.');
  }
  const bytes = await read(raw, limits);
  if (bytes.length < LARGE_BODY) return parse(bytes.toString('utf8'));
  const text = bytes.toString('utf8');
  await setImmediate();
  const value = parse(text);
  await setImmediate();
  return value;
}

function parse(text: string): unknown {
  try {
    // A byte order mark is allowed at the start of a text, but not in JSON.
    return JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text) as unknown;
  } catch {
    throw invalidField('', 'the body is not valid JSON');
  }
}

async function read(raw: IncomingMessage, limits: BodyLimits): Promise<Buffer> {
  // If the client disconnected before the guards finished, the events were emitted earlier.
  if (raw.destroyed) throw endedEarly();
  return await new Promise((resolve, reject) => {
    const kept = limits.lastItem ? new ListSkimmer(limits.lastItem) : new WholeBody();
    let received = 0;
    const stop = (outcome: () => void) => {
      clearTimeout(timer);
      raw.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose);
      outcome();
    };
    const refuse = (error: AppError) => {
      // The rest may be large. It stays unread until the response is sent.
      raw.pause();
      stop(() => reject(error));
    };
    const onData = (chunk: Buffer) => {
      received += chunk.length;
      if (received > bytesOnTheWire(limits)) return refuse(tooManyBytes(limits));
      kept.add(chunk);
      if (kept.length > limits.bytes) return refuse(tooManyBytes(limits));
      if (kept.items > limits.items) return refuse(tooManyItems(limits));
      if (kept.depth > MAX_PARSED_DEPTH) return refuse(tooDeep());
    };
    const onEnd = () => stop(() => resolve(kept.body.collected));
    const onClose = () => stop(() => reject(endedEarly()));
    const timer = setTimeout(() => refuse(requestTimedOut()), limits.timeout);
    raw.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose);
  });
}

/** A body that is kept whole. */
class WholeBody {
  readonly body = new ByteCollector();
  private readonly gauge = new JsonGauge();

  add(chunk: Buffer): void {
    this.gauge.add(chunk);
    this.body.add(chunk);
  }

  get length(): number {
    return this.body.length;
  }

  get items(): number {
    return this.gauge.items;
  }

  get depth(): number {
    return this.gauge.depth;
  }
}

/** What a client sends in vain takes time, but no memory. */
function bytesOnTheWire({ bytes, lastItem }: BodyLimits): number {
  return lastItem ? UNREAD_FACTOR * bytes : bytes;
}

function endedEarly(): AppError {
  return invalidField('', 'the body ended early');
}

function tooManyBytes({ bytes }: BodyLimits): AppError {
  return payloadTooLarge(`The request body is larger than the ${bytes} bytes that this route accepts.`);
}

function tooDeep(): AppError {
  return invalidField('', `is nested deeper than ${MAX_DEPTH} levels`);
}

function tooManyItems({ items }: BodyLimits): AppError {
  return payloadTooLarge(
    `The request body has more than the ${items} keys and items that this route accepts.`,
  );
}
