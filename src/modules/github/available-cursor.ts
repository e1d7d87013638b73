import { invalidField } from '../../common/errors/app-error.js';

/** More than any user has. A larger number is invalid. */
const MAX_POSITION = 1_000_000;

/**
 * A position in GitHub's list of the repositories that a token can access. GitHub only has page numbers.
 *
 * @returns the number of repositories before the position
 * @throws AppError 400 naming `cursor` if it is invalid
 */
export function decodePosition(cursor: string | undefined): number {
  if (cursor === undefined || cursor === '') return 0;
  const text = Buffer.from(cursor, 'base64url').toString('utf8');
  const position = /^available\|\d{1,7}$/.test(text) ? Number(text.split('|')[1]) : Number.NaN;
  if (!(position <= MAX_POSITION)) throw invalidField('cursor', 'is not a cursor of this list');
  return position;
}

export function encodePosition(position: number): string {
  return Buffer.from(`available|${position}`).toString('base64url');
}
