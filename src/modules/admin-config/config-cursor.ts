import { invalidField } from '../../common/errors/app-error.js';

/** Cursors of lists that are ordered by a key or a version. The shared cursors need a time and an id. */
export function encodePosition(position: string): string {
  return Buffer.from(`@${position}`).toString('base64url');
}

/** @throws AppError 400 naming `cursor` if it is invalid */
export function decodePosition(cursor: string | undefined): string | undefined {
  if (cursor === undefined || cursor === '') return undefined;
  const position = /^@(\w+)$/.exec(Buffer.from(cursor, 'base64url').toString('utf8'))?.[1];
  if (position === undefined) throw invalidField('cursor', 'is not a cursor of this list');
  return position;
}
