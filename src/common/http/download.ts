import { Readable } from 'node:stream';
import { Logger, StreamableFile } from '@nestjs/common';
import { attachment } from './content-disposition.js';
import { type Page, type PageQuery, reportSkipped } from './paging.js';
import { idOf, toJson } from './safe-json.js';

/** The number of characters to collect before sending. One chunk per list item would cost more than the items. */
const CHUNK = 32 * 1024;

const logger = new Logger('Download');

/** A file that is sent while it is still being read. */
export interface Download {
  fileName: string;
  /** The Content-Type. */
  type: string;
  /** The content in pieces of any size. The next piece is requested when the client is ready for it. */
  pieces: AsyncIterable<string>;
}

/**
 * The response of a download. If the client disconnects, no more pieces are read. If reading fails, the connection is
 * closed and the error is logged, so that the client does not take the file for complete.
 */
export function toStreamableFile({ fileName, type, pieces }: Download): StreamableFile {
  const content = Readable.from(inChunks(pieces), { objectMode: false, highWaterMark: CHUNK });
  return new StreamableFile(content, { type, disposition: attachment(fileName) });
}

/** All items of a paged list, read one page at a time. */
export async function* allItems<T>(
  limit: number,
  read: (page: PageQuery) => Promise<Page<T>>,
): AsyncGenerator<T> {
  let cursor: string | undefined;
  do {
    const page = await read({ limit, cursor });
    yield* page.items;
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
}

/** A JSON array of the items, or of the results of `write`. Items that cannot be written are omitted. */
export async function* jsonArray<T>(
  items: AsyncIterable<T>,
  write?: (item: T) => AsyncIterable<string>,
): AsyncGenerator<string> {
  let separator = '[';
  for await (const item of items) {
    const text = write ? '' : toJson(item);
    if (text === undefined) {
      reportSkipped([idOf(item)]);
      continue;
    }
    yield `${separator}${text}`;
    if (write) yield* write(item);
    separator = ',';
  }
  yield separator === '[' ? '[]' : ']';
}

async function* inChunks(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  let chunk = '';
  try {
    for await (const piece of pieces) {
      chunk += piece;
      if (chunk.length < CHUNK) continue;
      yield chunk;
      chunk = '';
    }
  } catch (error) {
    logger.error({ err: error }, 'A download was interrupted.');
    throw error;
  }
  if (chunk !== '') yield chunk;
}
