import type { ServerResponse } from 'node:http';
import type { Writable } from 'node:stream';
import { constants, createBrotliCompress, createDeflate, createGzip } from 'node:zlib';
import type { Encoding } from '../script.js';

/** Where the body of an answer is written to: the response, or what compresses it, piece by piece. */
export function compressed(response: ServerResponse, encoding: Encoding | undefined): Writable {
  if (encoding === undefined) return response;
  const compressor =
    encoding === 'br'
      ? createBrotliCompress({ flush: constants.BROTLI_OPERATION_FLUSH })
      : { gzip: createGzip, deflate: createDeflate }[encoding]({ flush: constants.Z_SYNC_FLUSH });
  compressor.pipe(response);
  return compressor;
}
