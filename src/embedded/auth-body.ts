import { authFailure } from './failures.js';
import { type Fields, isFields, parseJsonObject } from './json-body.js';

/** Fields that the auth library uses as strings without checking them. */
const TEXTS = [
  'email',
  'password',
  'refresh_token',
  'auth_code',
  'code_verifier',
  'token',
  'token_hash',
  'type',
  'scope',
  'phone',
  'nonce',
  'ban_duration',
];

const OBJECTS = ['data', 'options', 'app_metadata', 'user_metadata', 'gotrue_meta_security'];

/** User metadata is in every token, and every list of users reads it. */
const MAX_METADATA = 64 * 1024;

/** bcrypt only reads this many bytes of a password. */
const MAX_PASSWORD = 72;

/** An email address must not contain spaces or control characters: it is printed with the mail. */
const EMAIL = /^[^\s@\p{C}]{1,64}@[^\s@\p{C}]{1,255}$/u;

/** Returns the body of an auth request, checked for everything that the auth library cannot handle, or a refusal. */
export function parseAuthBody(text: string): Fields | Response {
  const body = parseJsonObject(text);
  if (typeof body === 'string') return authFailure(400, 'bad_json', body);
  const problem = wrongField(body);
  return problem ? authFailure(400, 'validation_failed', `${problem.path} ${problem.message}`) : body;
}

function wrongField(body: Fields): { path: string; message: string } | undefined {
  const wrong = (path: string, message: string) => ({ path, message });
  for (const name of TEXTS) {
    const value = body[name];
    if (value !== undefined && value !== null && typeof value !== 'string')
      return wrong(name, 'must be a string');
  }
  for (const name of OBJECTS) {
    const value = body[name];
    if (value === undefined || value === null) continue;
    if (!isFields(value)) return wrong(name, 'must be an object');
    if (Buffer.byteLength(JSON.stringify(value)) > MAX_METADATA) return wrong(name, 'is too large');
  }
  const { email } = body;
  return typeof email === 'string' && email !== '' && !EMAIL.test(email)
    ? wrong('email', 'must be an email address')
    : undefined;
}

/** Why a user cannot have this metadata, or undefined. */
export function metadataProblem(metadata: Fields): Response | undefined {
  return Buffer.byteLength(JSON.stringify(metadata)) <= MAX_METADATA
    ? undefined
    : authFailure(400, 'validation_failed', 'data is too large');
}

/** Why a password cannot be set, or undefined. */
export function passwordProblem({ password }: Fields): Response | undefined {
  if (typeof password !== 'string' || Buffer.byteLength(password) <= MAX_PASSWORD) return undefined;
  return authFailure(400, 'validation_failed', `Password cannot be longer than ${MAX_PASSWORD} characters`);
}
