import { authFailure } from './failures.js';
import { type Fields, isFields, parseJsonObject } from './json-body.js';

/** Fields that the auth server takes for texts without a check of its own. */
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

/** What a person may keep about themselves is in every token, and every list of users reads it. */
const MAX_METADATA = 64 * 1024;

/** bcrypt reads no more of a password, in bytes. */
const MAX_PASSWORD = 72;

/** An address may hold no space or control character: it is printed with the mail to it. */
const EMAIL = /^[^\s@\p{C}]{1,64}@[^\s@\p{C}]{1,255}$/u;

/** The body of an auth request, checked for everything that the auth server would stumble over, or its refusal. */
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

/** Why a user can't have this metadata; undefined when they can. */
export function metadataProblem(metadata: Fields): Response | undefined {
  return Buffer.byteLength(JSON.stringify(metadata)) <= MAX_METADATA
    ? undefined
    : authFailure(400, 'validation_failed', 'data is too large');
}

/** Why a password can't be set; undefined when it can. */
export function passwordProblem({ password }: Fields): Response | undefined {
  if (typeof password !== 'string' || Buffer.byteLength(password) <= MAX_PASSWORD) return undefined;
  return authFailure(400, 'validation_failed', `Password cannot be longer than ${MAX_PASSWORD} characters`);
}
