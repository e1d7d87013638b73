/**
 * Shorter secrets are removed only where they stand alone. Such keys exist: local servers accept any key, and users
 * send `x` or `EMPTY`. Refusing them would lock those users out. Replacing them everywhere would make texts unreadable.
 * A key inside an ordinary word does not reveal that it is a key.
 */
const SHORT = 6;

/** A shorter part of a base64 text may be something else. */
const SHORT_IN_BASE64 = 8;

const SPECIAL = /[\\^$.*+?()[\]{}|/]/g;

/**
 * A pattern that finds secrets in any case and in the forms in which libraries and vendors quote them: plain,
 * percent-encoded, escaped in JSON, and in base64, alone or inside a longer text (`user:key`). Undefined if there are
 * no secrets.
 */
export function secretPatternOf(secrets: Iterable<string>): RegExp | undefined {
  const anywhere = new Set<string>();
  const alone = new Set<string>();
  for (const secret of secrets) {
    if (secret === '') continue;
    for (const form of formsOf(secret)) (form.length < SHORT ? alone : anywhere).add(form);
    if (secret.length >= SHORT_IN_BASE64) for (const form of insideBase64(secret)) anywhere.add(form);
  }
  if (anywhere.size + alone.size === 0) return undefined;
  const alternatives = longestFirst(anywhere).map(escapePattern);
  // Not `\b`: a key may begin or end with a character that is not a word character.
  if (alone.size > 0)
    alternatives.push(
      `(?<![\\p{L}\\p{N}_])(?:${longestFirst(alone).map(escapePattern).join('|')})(?![\\p{L}\\p{N}_])`,
    );
  return new RegExp(alternatives.join('|'), 'giu');
}

function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret, 'utf8');
  return [
    secret,
    encodeURIComponent(secret.toWellFormed()),
    JSON.stringify(secret).slice(1, -1),
    // Without padding, because some encoders omit it.
    bytes.toString('base64').replace(/=+$/, ''),
    bytes.toString('base64url'),
  ];
}

/**
 * The forms of a secret inside the base64 of a longer text. There are three, depending on its position in a group of
 * three bytes.
 */
function insideBase64(secret: string): string[] {
  const bytes = Buffer.from(secret, 'utf8');
  return [0, 1, 2].flatMap((offset) => {
    const shifted = Buffer.concat([Buffer.alloc(offset), bytes]);
    const from = Math.ceil((offset * 8) / 6);
    // The last character also has bits of the following text.
    const to = Math.floor((shifted.length * 8) / 6);
    return [shifted.toString('base64').slice(from, to), shifted.toString('base64url').slice(from, to)];
  });
}

function longestFirst(forms: Set<string>): string[] {
  return [...forms].sort((a, b) => b.length - a.length);
}

function escapePattern(text: string): string {
  return text.replace(SPECIAL, '\\$&');
}
