import { type Readable, pipeline } from 'node:stream';
import { constants, createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';

/** What is there is passed on at once: the answer is a stream. */
const AT_ONCE = { flush: constants.Z_SYNC_FLUSH };
const DECODERS = new Map([
  ['gzip', () => createGunzip(AT_ONCE)],
  ['x-gzip', () => createGunzip(AT_ONCE)],
  ['deflate', () => createInflate(AT_ONCE)],
  ['br', () => createBrotliDecompress({ flush: constants.BROTLI_OPERATION_FLUSH })],
]);

/** A body without its encoding; undefined when it has none that is known. One that breaks breaks the other, too. */
export function decodedBody(body: Readable, encoding: string | string[] | undefined): Readable | undefined {
  const decoder = DECODERS.get(String(encoding).trim().toLowerCase());
  return decoder && pipeline(body, decoder(), () => undefined);
}
