import { requestContext } from './request-context.js';
import { secretPatternOf } from './secret-pattern.js';

const REPLACEMENT = '[redacted]';

/** Longer texts in a log line are not useful, and searching megabytes would block other requests. */
const MAX_LENGTH = 16 * 1024;

/**
 * The formats of keys and tokens that pass through: provider keys, GitHub and Supabase tokens, JWTs, URL passwords.
 * Each alternative matches wherever its prefix is followed by enough characters. An alternative that could still fail
 * at its end would be retried at every character.
 */
const SECRET_SHAPES =
  /\b(?:sk-[\w-]{8,}|AIza[\w-]{10,}|gh[pousr]_\w{8,}|github_pat_\w{8,}|sb_secret_[\w-]{6,}|eyJ[\w-]{5,}(?:\.[\w-]*){0,2})|(?<=\bBearer\s)[^\s"']+|(?<=:\/\/[^\s:/@]*:)[^\s@/]+(?=@)/gi;

const serverSecrets = new Set<string>();
let serverPattern: RegExp | undefined;

/** Makes the logger remove these exact values wherever they appear. */
export function registerSecrets(values: Array<string | undefined>): void {
  for (const value of values) if (value) serverSecrets.add(value);
  serverPattern = secretPatternOf(serverSecrets);
}

/** Removes every known secret from a text that is about to be logged or shown. */
export function scrub(text: string): string {
  const context = requestContext.getStore();
  let clean = text.length > MAX_LENGTH ? beginningOf(text) : text;
  if (serverPattern) clean = clean.replace(serverPattern, REPLACEMENT);
  if (context !== undefined && context.secrets.length > 0) {
    context.secretPattern ??= secretPatternOf(context.secrets);
    if (context.secretPattern) clean = clean.replace(context.secretPattern, REPLACEMENT);
  }
  return clean.replace(SECRET_SHAPES, REPLACEMENT);
}

/** Cuts at a space if possible, because half of a secret would not be found. */
function beginningOf(text: string): string {
  const beginning = text.slice(0, MAX_LENGTH);
  const end = Math.max(beginning.lastIndexOf(' '), beginning.lastIndexOf('\n'));
  return `${beginning.slice(0, Math.max(0, end))}…`.toWellFormed();
}
