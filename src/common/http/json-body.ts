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
import { MAX_DEPTH } from './hostile-input.js';
import { JsonGauge } from './json-gauge.js';
import { hasBody } from './unread-body.js';

export interface BodyLimits {
  /** Size of the whole body. */
  bytes: number;
  /** Number of object keys and array items, at all depths. */
  items: number;
  /** Milliseconds from now until the last byte must have arrived. */
  timeout: number;
  mediaTypes: readonly string[];
}

const NOTHING = Buffer.alloc(0);
const FIRST_CAPACITY = 16 * 1024;
/** The check after parsing reports the path of nesting that is too deep. This limit bounds the work of that check. */
const MAX_PARSED_DEPTH = 10_000;
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
  if (Number(headers['content-length']) > limits.bytes) throw tooManyBytes(limits);
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
    const bytes = new ByteCollector();
    const gauge = new JsonGauge();
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
      if (bytes.length + chunk.length > limits.bytes) return refuse(tooManyBytes(limits));
      gauge.add(chunk);
      if (gauge.items > limits.items) return refuse(tooManyItems(limits));
      if (gauge.depth > MAX_PARSED_DEPTH) return refuse(tooDeep());
      bytes.add(chunk);
    };
    const onEnd = () => stop(() => resolve(bytes.collected));
    const onClose = () => stop(() => reject(endedEarly()));
    const timer = setTimeout(() => refuse(requestTimedOut()), limits.timeout);
    raw.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose);
  });
}

/**
 * Copies chunks into one buffer as soon as there are several. Otherwise a client could choose their size: a megabyte in
 * chunks of one byte would take a hundred megabytes of memory.
 */
class ByteCollector {
  length = 0;
  private bytes: Buffer = NOTHING;

  add(chunk: Buffer): void {
    const length = this.length + chunk.length;
    if (this.length === 0) this.bytes = chunk;
    else {
      if (this.bytes.length < length) {
        const larger = Buffer.allocUnsafe(Math.max(FIRST_CAPACITY, 2 * this.length, length));
        this.bytes.copy(larger, 0, 0, this.length);
        this.bytes = larger;
      }
      chunk.copy(this.bytes, this.length);
    }
    this.length = length;
  }

  get collected(): Buffer {
    return this.bytes.subarray(0, this.length);
  }
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
