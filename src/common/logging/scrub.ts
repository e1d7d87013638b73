import { requestContext } from './request-context.js';

const REPLACEMENT = '[redacted]';

/** The shapes of the keys and tokens that pass through: provider keys, GitHub and Supabase tokens, JWTs, URL passwords. */
const SECRET_SHAPES =
  /\b(?:sk-[\w-]{8,}|AIza[\w-]{10,}|gh[pousr]_\w{8,}|github_pat_\w{8,}|sb_secret_[\w-]{6,}|eyJ[\w-]{5,}\.[\w-]{5,}(?:\.[\w-]*)?)|(?<=\bBearer\s)[^\s"']+|(?<=:\/\/[^\s:/@]*:)[^\s@/]+(?=@)/g;

const serverSecrets = new Set<string>();

/** Makes the logger remove these exact values wherever they turn up. */
export function registerSecrets(values: Array<string | undefined>): void {
  for (const value of values) if (value !== undefined && value.length >= 6) serverSecrets.add(value);
}

/** Removes every known secret from a text that is about to be logged or shown. */
export function scrub(text: string): string {
  let clean = text;
  for (const secret of serverSecrets) clean = clean.replaceAll(secret, REPLACEMENT);
  for (const secret of requestContext.getStore()?.secrets ?? [])
    clean = clean.replaceAll(secret, REPLACEMENT);
  return clean.replace(SECRET_SHAPES, REPLACEMENT);
}
