import { invalidField } from '../../common/errors/app-error.js';
import { isUuid } from '../../common/http/client-id.js';
import { isCursorTime } from '../../common/http/cursor-time.js';

/**
 * A position in the list of documents. The latest version determines the position of a document, so a new version would
 * move it past a reader who has not reached it yet. All pages of a list therefore use the order at the time of the
 * first page.
 */
export interface DocumentPlace {
  /** The position of the document: its latest version at the time of the first page. */
  at: string;
  id: string;
  /** The newest version of all documents at the time of the first page. */
  asOf: string;
}

/** @throws AppError 400 naming `cursor` if it is invalid */
export function decodeDocumentCursor(cursor: string | undefined): DocumentPlace | undefined {
  if (cursor === undefined || cursor === '') return undefined;
  const [at, id, asOf, ...rest] = Buffer.from(cursor, 'base64url').toString('utf8').split('|');
  if (
    at === undefined ||
    !isCursorTime(at) ||
    asOf === undefined ||
    !isCursorTime(asOf) ||
    id === undefined ||
    !isUuid(id) ||
    rest.length > 0
  ) {
    throw invalidField('cursor', 'is not a cursor of this list');
  }
  return { at, id, asOf };
}

export function encodeDocumentCursor({ at, id, asOf }: DocumentPlace): string {
  return Buffer.from(`${at}|${id}|${asOf}`).toString('base64url');
}
