import { invalidField } from '../../common/errors/app-error.js';

/** More than anybody has; a larger number is made up. */
const MAX_POSITION = 1_000_000;

/**
 * A place in the list of what a token can see, which is GitHub's: it knows pages by their number only.
 *
 * @returns how many repositories come before it
 * @throws AppError 400 naming `cursor` when it is not one of this list
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
