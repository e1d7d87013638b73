import { invalidField } from '../../common/errors/app-error.js';
import { isUuid } from '../../common/http/client-id.js';
import { isPlace } from '../../common/http/place.js';

/**
 * A place in the list of documents. The latest version decides where a document stands, so a new version would move it
 * past a reader who has not come to it yet: all pages of one reading order the documents as they were at its beginning.
 */
export interface DocumentPlace {
  /** Where the document stands: its latest version at the beginning of the reading. */
  at: string;
  id: string;
  /** The newest version of all when the reading began. */
  asOf: string;
}

/** @throws AppError 400 naming `cursor` when it is not one of this list */
export function decodeDocumentCursor(cursor: string | undefined): DocumentPlace | undefined {
  if (cursor === undefined || cursor === '') return undefined;
  const [at, id, asOf, ...rest] = Buffer.from(cursor, 'base64url').toString('utf8').split('|');
  if (
    at === undefined ||
    !isPlace(at) ||
    asOf === undefined ||
    !isPlace(asOf) ||
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
