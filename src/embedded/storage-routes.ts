import type { RequestTarget } from './request-target.js';

/** The callers that a route accepts: anyone (a signature in the URL replaces the key), a client, a user, or the operator. */
export type StorageAccess = 'anyone' | 'client' | 'user' | 'secret';

export interface StorageRoute {
  access: StorageAccess;
  /** Whether the body is a file. */
  isUpload?: boolean;
  /** The purpose that the signature in the URL must have. */
  signature?: 'upload' | 'download';
}

export interface StorageMatch extends StorageRoute {
  name: string;
  bucket?: string;
}

/** The routes of Supabase Storage that this stack supports. `:b` is a bucket, `*` an object's name. */
const ROUTES: Record<string, StorageRoute> = {
  'GET status': { access: 'anyone' },
  'GET bucket': { access: 'client' },
  'GET bucket/:b': { access: 'client' },
  'POST bucket': { access: 'secret' },
  'PUT bucket/:b': { access: 'secret' },
  'DELETE bucket/:b': { access: 'secret' },
  'POST bucket/:b/empty': { access: 'secret' },
  'GET object/public/:b/*': { access: 'anyone' },
  'GET object/sign/:b/*': { access: 'anyone', signature: 'download' },
  'PUT object/upload/sign/:b/*': { access: 'anyone', signature: 'upload', isUpload: true },
  'POST object/list/:b': { access: 'client' },
  'POST object/list-v2/:b': { access: 'client' },
  'POST object/move': { access: 'user' },
  'POST object/copy': { access: 'user' },
  'GET object/info/:b/*': { access: 'client' },
  'POST object/sign/:b': { access: 'user' },
  'POST object/sign/:b/*': { access: 'user' },
  'POST object/upload/sign/:b/*': { access: 'user' },
  'DELETE object/:b': { access: 'user' },
  'POST object/:b/*': { access: 'user', isUpload: true },
  'PUT object/:b/*': { access: 'user', isUpload: true },
  'GET object/:b/*': { access: 'client' },
  'HEAD object/:b/*': { access: 'client' },
};

/** The first segments after `object` that are not buckets, with the number of segments before the bucket. */
const OPERATIONS = new Map([
  ['public', 2],
  ['sign', 2],
  ['list', 2],
  ['list-v2', 2],
  ['info', 2],
  ['move', 2],
  ['copy', 2],
  ['upload', 3],
]);

/** The bucket names that Supabase allows, without those that need encoding. */
const BUCKET = /^[\w.-]{1,100}$/;

/** The route of a request, or undefined. */
export function findStorageRoute(method: string, { segments }: RequestTarget): StorageMatch | undefined {
  const [resource, next] = segments;
  const operation = resource === 'object' && next !== undefined ? OPERATIONS.get(next) : undefined;
  const before = operation ?? 1;
  const bucket = segments[before];
  if (bucket !== undefined && !BUCKET.test(bucket)) return undefined;
  const rest = segments.slice(before + 1);
  const pattern = [
    ...segments.slice(0, before),
    ...(bucket === undefined ? [] : [':b']),
    ...(resource === 'bucket' ? rest : rest.length > 0 ? ['*'] : []),
  ].join('/');
  const name = `${method} ${pattern}`;
  const route = Object.hasOwn(ROUTES, name) ? ROUTES[name] : undefined;
  return route && { ...route, name, ...(bucket === undefined ? {} : { bucket }) };
}
