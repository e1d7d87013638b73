import { Transform, type Readable } from 'node:stream';

/** A body that is too large, too slow, or not whole. */
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
  /** In milliseconds: how long nothing may arrive while the body is being sent. */
  idle: number;
}

/** The limits of each kind of body. */
export interface BodyLimitsByKind {
  json: BodyLimits;
  file: BodyLimits;
}

/** What Supabase's services take as JSON. */
const JSON_SIZE = 1024 ** 2;

/** The largest file that Supabase's storage takes unless it is told otherwise, and time enough for it on a slow line. */
const FILE_SIZE = 50 * 1024 ** 2;
const FILE_DEADLINE = 120_000;

/** @param requestTimeout milliseconds that a request of any other route may take to arrive */
export function bodyLimitsOf(requestTimeout: number): BodyLimitsByKind {
  return {
    json: { size: JSON_SIZE, deadline: requestTimeout, idle: requestTimeout },
    file: { size: FILE_SIZE, deadline: FILE_DEADLINE, idle: requestTimeout },
  };
}

/** @throws BodyError when the headers already say that it is too large */
export function checkLength(contentLength: string | undefined, { size }: BodyLimits): void {
  if (contentLength !== undefined && Number(contentLength) > size) throw tooLarge(size);
}

/** The body as it arrives; the stream fails with a {@link BodyError} at the first byte beyond a limit. */
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
  // Its reader is told as well. A body that nobody reads must not end the process.
  body.on('error', () => undefined);
  body.once('close', () => {
    timers.forEach(clearTimeout);
    source.off('error', cut).off('close', cut).unpipe(body);
    // What still arrives belongs to nobody; an error of its connection must not end the process.
    source.on('error', () => undefined).resume();
  });
  source.pipe(body);
  return body;
}

/** All texts that are being read may hold this much at once, in bytes, however many connections there are. */
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
