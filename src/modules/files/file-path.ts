import { hash, randomUUID } from 'node:crypto';

/** The bucket for users' files. Migrations create it. */
export const BUCKET = 'attachments';

const MAX_LENGTH = 1_024;
const OWNER = /^([\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})\//;
/** Characters that Supabase Storage accepts in names, except those with a meaning in URLs. */
const NAME = /^[\w!\-.*'() &$@=;:+,]+$/;

/** Whether a text is the path of a stored file: a user's id, and a name below it. */
export function isFilePath(text: unknown): text is string {
  if (typeof text !== 'string' || text.length > MAX_LENGTH) return false;
  if (!OWNER.test(text)) return false;
  return text.split('/').every((segment) => NAME.test(segment) && !/^\.+$/.test(segment));
}

/** The user in whose folder a file lies. */
export function ownerOf(path: string): string | undefined {
  return OWNER.exec(path)?.[1];
}

/** The last part of a path. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** The path that a URL of the bucket names, signed or not; undefined for any other URL. */
export function pathInUrl(url: string, supabaseUrl: string): string | undefined {
  if (!URL.canParse(url)) return undefined;
  const { origin, pathname } = new URL(url);
  const base = new URL(supabaseUrl);
  const prefix = `${base.pathname.replace(/\/$/, '')}/storage/v1/object/`;
  if (origin !== base.origin || !pathname.startsWith(prefix)) return undefined;
  const [access, bucket, ...names] = pathname.slice(prefix.length).split('/');
  if (!['sign', 'public', 'authenticated'].includes(access ?? '') || bucket !== BUCKET) return undefined;
  try {
    const path = names.map(decodeURIComponent).join('/');
    return isFilePath(path) ? path : undefined;
  } catch {
    return undefined;
  }
}

/** A new path for a file of a user. */
export function newPath(userId: string, filename: string): string {
  return `${userId}/${randomUUID()}/${toSafeName(filename)}`;
}

/** The path for these bytes. Sending the same file again gives the same path. */
export function pathOfContent(userId: string, bytes: Uint8Array, filename: string): string {
  const digest = hash('sha256', bytes, 'hex');
  const id = [
    [0, 8],
    [8, 12],
    [12, 16],
    [16, 20],
    [20, 32],
  ].map(([from, to]) => digest.slice(from, to));
  return `${userId}/${id.join('-')}/${toSafeName(filename)}`;
}

const MAX_NAME = 100;

/** A name in plain letters that stays close to the given one. It keeps the extension and is never empty. */
export function toSafeName(filename: string): string {
  const plain = filename
    .slice(0, MAX_LENGTH)
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .replace(/[^A-Za-z0-9._-]+/g, '_')
    // Some path readers treat two dots anywhere as the parent folder.
    .replace(/\.{2,}/g, '.')
    .replace(/_{2,}/g, '_');
  const ending = /\.[A-Za-z0-9]{1,10}$/.exec(plain)?.[0] ?? '';
  const stem = plain.slice(0, plain.length - ending.length).replace(/^[._-]+|[._-]+$/g, '');
  return `${stem.slice(0, MAX_NAME) || 'file'}${ending}`;
}
