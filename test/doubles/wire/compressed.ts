import type { ServerResponse } from 'node:http';
import type { Writable } from 'node:stream';
import { constants, createBrotliCompress, createDeflate, createGzip } from 'node:zlib';
import type { Encoding } from '../script.js';

/** The stream to write the body to: the response, or a compressor in front of it. */
export function compressed(response: ServerResponse, encoding: Encoding | undefined): Writable {
  if (encoding === undefined) return response;
  const compressor =
    encoding === 'br'
      ? createBrotliCompress({ flush: constants.BROTLI_OPERATION_FLUSH })
      : { gzip: createGzip, deflate: createDeflate }[encoding]({ flush: constants.Z_SYNC_FLUSH });
  compressor.pipe(response);
  return compressor;
}
