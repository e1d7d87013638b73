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
  /** Of the whole body. */
  bytes: number;
  /** Keys of objects and items of arrays, at all depths together. */
  items: number;
  /** Milliseconds from now until the last byte must be here. */
  timeout: number;
  mediaTypes: readonly string[];
}

const NOTHING = Buffer.alloc(0);
const FIRST_CAPACITY = 16 * 1024;
/** The check after parsing names the place of a body that is nested too deep; this bounds what it has to walk through. */
const MAX_PARSED_DEPTH = 10_000;
/** To decode, to parse and to check a body of several megabytes are three steps: others get their turns between them. */
const LARGE_BODY = 256 * 1024;

/**
 * Reads and parses the JSON body of a request. Nothing of a body is read before this is called.
 *
 * @returns undefined when the request has no body
 * @throws AppError 408, 413, 415, or 400 when it is not JSON
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
    // The byte order mark is allowed at the start of a text, though not in JSON.
    return JSON.parse(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text) as unknown;
  } catch {
    throw invalidField('', 'the body is not valid JSON');
  }
}

async function read(raw: IncomingMessage, limits: BodyLimits): Promise<Buffer> {
  // Its events have been and gone when the client left before the guards were done.
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
      // The rest may be large: it stays where it is until the answer has been sent.
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
 * Copies chunks into one buffer as soon as there are several. To keep the chunks would let a client choose their size: a
 * megabyte in chunks of one byte would take a hundred megabytes.
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
