import { type Readable, pipeline } from 'node:stream';
import { constants, createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';

/** Decoded bytes are passed on at once, because the answer is a stream. */
const AT_ONCE = { flush: constants.Z_SYNC_FLUSH };
const DECODERS = new Map([
  ['gzip', () => createGunzip(AT_ONCE)],
  ['x-gzip', () => createGunzip(AT_ONCE)],
  ['deflate', () => createInflate(AT_ONCE)],
  ['br', () => createBrotliDecompress({ flush: constants.BROTLI_OPERATION_FLUSH })],
]);

/** The decoded body, or undefined if it has no known encoding. An error in one of the streams destroys the other one too. */
export function decodedBody(body: Readable, encoding: string | string[] | undefined): Readable | undefined {
  const decoder = DECODERS.get(String(encoding).trim().toLowerCase());
  return decoder && pipeline(body, decoder(), () => undefined);
}
