import { Transform, type Readable } from 'node:stream';

/** A body that is too large, too slow, or incomplete. */
export class BodyError extends Error {
  override name = 'BodyError';

  constructor(
    readonly status: 400 | 408 | 413 | 503,
    message: string,
  ) {
    super(message);
  }
}

export interface BodyLimits {
  /** In bytes. */
  size: number;
  /** In milliseconds, for the whole body. */
  deadline: number;
  /** In milliseconds: the longest pause while the body is being sent. */
  idle: number;
}

/** The limits for each kind of body. */
export interface BodyLimitsByKind {
  json: BodyLimits;
  file: BodyLimits;
}

/** Supabase's limit for JSON. */
const JSON_SIZE = 1024 ** 2;

/** The largest file that Supabase's storage accepts by default, with enough time for it on a slow connection. */
const FILE_SIZE = 50 * 1024 ** 2;
const FILE_DEADLINE = 120_000;

/** @param requestTimeout milliseconds in which a request to any other route must arrive */
export function bodyLimitsOf(requestTimeout: number): BodyLimitsByKind {
  return {
    json: { size: JSON_SIZE, deadline: requestTimeout, idle: requestTimeout },
    file: { size: FILE_SIZE, deadline: FILE_DEADLINE, idle: requestTimeout },
  };
}

/** @throws BodyError if the headers already show that it is too large */
export function checkLength(contentLength: string | undefined, { size }: BodyLimits): void {
  if (contentLength !== undefined && Number(contentLength) > size) throw tooLarge(size);
}

/** The body as a stream. It fails with a {@link BodyError} at the first byte beyond a limit. */
export function limited(source: Readable, { size, deadline, idle }: BodyLimits): Readable {
  let received = 0;
  const fail = () => body.destroy(new BodyError(408, 'The request body did not arrive in time'));
  const timers = [setTimeout(fail, deadline), setTimeout(fail, Math.min(deadline, idle))];
  const body = new Transform({
    transform(chunk: Buffer, _encoding, next) {
      received += chunk.length;
      timers[1]?.refresh();
      if (received > size) next(tooLarge(size));
      else next(null, chunk);
    },
  });
  const cut = () => {
    if (!source.readableEnded) body.destroy(new BodyError(400, 'The request body ended early'));
  };
  source.once('error', cut).once('close', cut);
  // The reader gets the error too. A body without a reader must not end the process.
  body.on('error', () => undefined);
  body.once('close', () => {
    timers.forEach(clearTimeout);
    source.off('error', cut).off('close', cut).unpipe(body);
    // Data that still arrives is discarded. A connection error must not end the process.
    source.on('error', () => undefined).resume();
  });
  source.pipe(body);
  return body;
}

/** The total size of all bodies that are being read at once, in bytes, for any number of connections. */
const MAX_PENDING = 64 * 1024 ** 2;

let pending = 0;

/** @throws BodyError */
export async function readText(source: Readable, limits: BodyLimits): Promise<string> {
  const chunks: Buffer[] = [];
  let held = 0;
  try {
    for await (const chunk of limited(source, limits) as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      held += chunk.length;
      pending += chunk.length;
      if (pending > MAX_PENDING) throw new BodyError(503, 'Too many requests are being read');
    }
    return Buffer.concat(chunks).toString('utf8');
  } finally {
    pending -= held;
  }
}

/** What a body of more than `size` bytes is told. */
export function tooLarge(size: number): BodyError {
  return new BodyError(413, `The request body is larger than ${size} bytes`);
}
