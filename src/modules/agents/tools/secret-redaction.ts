const REPLACEMENT = '[redacted]';
/** The common prefix of tokens of one kind reveals nothing. */
const PUBLIC_BEGINNING = /^(?:github_pat_|gh[pousr]_)/;
/** A piece with this many characters reveals the secret. Shorter pieces occur in ordinary words. */
const PIECE = 12;
/** A secret that is cut into smaller pieces is found if the pieces follow each other within this distance. */
const SHORTEST_RUN = 3;
const LARGEST_GAP = 64;
const SHORTEST_SECRET = 6;

/** Removes a secret from texts, in any form in which a server may send it back. */
export type Redact = (text: string) => string;

/**
 * Finds a secret unchanged, in any case, in base64 (also as part of longer data, such as `Basic` credentials), in
 * hexadecimal, with URL or JSON escapes, with separators, and in pieces.
 */
export function redactorOf(secret: string): Redact {
  if (secret.length < SHORTEST_SECRET) return (text) => text;
  const core = secret.replace(PUBLIC_BEGINNING, '');
  const needles = [core, ...base64Of(secret), Buffer.from(core).toString('hex')]
    .map((form) => form.toLowerCase().replace(/[^a-z0-9]/g, ''))
    .filter((text) => text.length >= SHORTEST_SECRET);
  const pieces = new Map<number, Set<string>>();
  for (const needle of needles) {
    const length = Math.min(PIECE, needle.length);
    const known = pieces.get(length) ?? new Set();
    for (let start = 0; start + length <= needle.length; start++)
      known.add(needle.slice(start, start + length));
    pieces.set(length, known);
  }
  return (text) => redact(text, needles, pieces);
}

/** The base64 characters of the secret that are the same at every offset. The characters at its ends depend on their neighbors. */
function base64Of(secret: string): string[] {
  return [0, 1, 2].map((offset) => {
    const encoded = Buffer.concat([Buffer.alloc(offset), Buffer.from(secret)]).toString('base64url');
    const end = Math.floor(((offset + secret.length) * 8) / 6);
    return encoded.slice(offset === 0 ? 0 : offset + 1, end);
  });
}

function redact(text: string, needles: string[], pieces: ReadonlyMap<number, ReadonlySet<string>>): string {
  const { letters, places, ends } = lettersOf(text);
  const marked: Array<[from: number, to: number]> = [];
  const mark = (from: number, to: number) => marked.push([places[from] ?? 0, ends[to - 1] ?? text.length]);
  for (const [length, known] of pieces) {
    for (let at = 0; at + length <= letters.length; at++)
      if (known.has(letters.slice(at, at + length))) mark(at, at + length);
  }
  for (const needle of needles) for (const [from, to] of spread(letters, needle)) mark(from, to);
  return marked.length === 0 ? text : replaced(text, marked);
}

/** The ranges of a secret that is found in pieces. */
function spread(letters: string, needle: string): Array<[number, number]> {
  const found: Array<[number, number]> = [];
  const beginning = needle.slice(0, SHORTEST_RUN);
  for (let start = letters.indexOf(beginning); start >= 0; start = letters.indexOf(beginning, start + 1)) {
    const runs: Array<[number, number]> = [];
    let done = 0;
    for (let at = start; at >= 0;) {
      let length = 0;
      while (done + length < needle.length && letters[at + length] === needle[done + length]) length++;
      runs.push([at, at + length]);
      done += length;
      if (done === needle.length) break;
      const from = at + length;
      const window = letters.slice(from, from + LARGEST_GAP);
      const next = window.indexOf(needle.slice(done, done + SHORTEST_RUN));
      at = next < 0 ? -1 : from + next;
    }
    if (done === needle.length) found.push(...runs);
  }
  return found;
}

/** One character that is escaped as in URLs (also twice), mail, JSON or HTML. */
const ESCAPE = /(?:%(?:25)*|\\+x|=)([0-9a-f]{2})|(?:\\+u|%u)([0-9a-f]{4})|&#x([0-9a-f]{1,6});|&#(\d{1,7});/iy;
const PERCENT = 37;
const AMPERSAND = 38;
const EQUALS = 61;
const BACKSLASH = 92;

/** The letters and digits of a text in lower case, with escapes decoded, and their positions in the text. */
function lettersOf(text: string): { letters: string; places: number[]; ends: number[] } {
  const codes: number[] = [];
  const places: number[] = [];
  const ends: number[] = [];
  for (let at = 0; at < text.length;) {
    let code = text.charCodeAt(at);
    let end = at + 1;
    if (code === PERCENT || code === BACKSLASH || code === EQUALS || code === AMPERSAND) {
      ESCAPE.lastIndex = at;
      const [whole, byte, unit, hexadecimal, decimal] = ESCAPE.exec(text) ?? [];
      const digits = byte ?? unit ?? hexadecimal;
      const escaped = digits === undefined ? Number(decimal) : Number.parseInt(digits, 16);
      // It only looks like an escape, so its letters count unchanged.
      if (whole !== undefined && isLetter(escaped)) {
        code = escaped;
        end = at + whole.length;
      }
    }
    if (isLetter(code)) {
      codes.push(code >= 65 && code <= 90 ? code + 32 : code);
      places.push(at);
      ends.push(end);
    }
    at = end;
  }
  return { letters: textOf(codes), places, ends };
}

/** ASCII only, because no key or token has other characters. */
function isLetter(code: number): boolean {
  return (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122);
}

function textOf(codes: number[]): string {
  return Buffer.from(codes).toString('latin1');
}

function replaced(text: string, marked: Array<[from: number, to: number]>): string {
  const pieces: string[] = [];
  let end = 0;
  for (const [from, to] of marked.toSorted(([a], [b]) => a - b)) {
    if (from > end || end === 0) pieces.push(text.slice(end, Math.max(from, end)), REPLACEMENT);
    end = Math.max(end, to);
  }
  return [...pieces, text.slice(end)].join('');
}
