/**
 * How many tokens a text will be, without a tokenizer: each vendor has its own, most are not published, and all cut a text in
 * much the same way. Words are one token and, when they are long, more; other scripts take a part of a token or several for
 * a character. The figures were fitted to `o200k_base`, and a test holds them against it.
 */

/*
 * What a character is, by which the text is cut. Numbers of their own and not the members of an object: this runs for each
 * character.
 */
const SPACE = 0;
const NEWLINE = 1;
const LOWER = 2;
const UPPER = 3;
const DIGIT = 4;
const MARK = 5;
/** Of the Latin alphabet, but not of ASCII. */
const ACCENTED = 6;
/** Of Cyrillic, Greek, Arabic, Hebrew and the like. */
const LETTER = 7;
/** Of the scripts of South and Southeast Asia. */
const ABUGIDA = 8;
const HAN = 9;
const KANA = 10;
const HANGUL = 11;
/** Marks of East Asia, and what is as wide as they. */
const WIDE_MARK = 12;
/** Half of an emoji, or of another character that takes two. */
const SURROGATE = 13;
/** Joins or colors what is before it. */
const JOINER = 14;
const OTHER = 15;

/** Tokens of one character, where a character is cut by itself. */
const OF_ABUGIDA = 0.32;
const OF_HAN = 0.73;
const OF_KANA = 0.68;
const OF_HANGUL = 0.69;
const OF_WIDE_MARK = 0.95;
const OF_SURROGATE = 0.85;
const OF_JOINER = 0.5;
const OF_OTHER = 1.4;

/** Tokens of a character of English or of code, on the whole. */
const OF_ASCII = 0.25;

/** A word up to this long is mostly one token. */
const WHOLE_WORD = 7;
/** Tokens of each further letter. */
const OF_LONG_WORD = 0.25;
/** Tokens of an accented letter, on top of those of its word. */
const OF_ACCENTED = 0.42;
/** Tokens of each letter of a word in another alphabet but the first. */
const OF_LETTER = 0.08;
/** Tokens of each letter of a word in capitals but the first. */
const OF_CAPITAL = 0.4;
/** A number is cut into threes. */
const DIGITS = 3;
/** Tokens of a mark: some go with the word behind them. */
const OF_MARK = 0.8;
/** Tokens of a mark that follows another, as in `});`. */
const OF_NEXT_MARK = 0.4;

const ASCII = new Uint8Array(128).map((_, code) => {
  if (code === 10 || code === 13) return NEWLINE;
  if (code <= 32 || code === 127) return SPACE;
  if (code >= 48 && code <= 57) return DIGIT;
  if (code >= 65 && code <= 90) return UPPER;
  if (code >= 97 && code <= 122) return LOWER;
  return MARK;
});

function kindOf(code: number): number {
  if (code < 128) return ASCII[code] as number;
  if (code < 0x0250) return code === 0xa0 ? SPACE : code < 0xc0 ? MARK : ACCENTED;
  if (code < 0x0900) return LETTER;
  if (code < 0x1100) return ABUGIDA;
  if (code < 0x1200) return HANGUL;
  if (code < 0x2000) return code >= 0x1e00 ? ACCENTED : ABUGIDA;
  if (code < 0x2e80) return isJoiner(code) ? JOINER : code >= 0x2190 ? OTHER : MARK;
  if (code < 0x3040) return WIDE_MARK;
  if (code < 0x3100) return KANA;
  if (code < 0xa000) return HAN;
  if (code >= 0xac00 && code < 0xd7b0) return HANGUL;
  if (code >= 0xd800 && code < 0xe000) return SURROGATE;
  if (code >= 0xfe00 && code < 0xfe10) return JOINER;
  return code >= 0xf900 ? WIDE_MARK : OTHER;
}

function isJoiner(code: number): boolean {
  return code === 0x200d || (code >= 0x20d0 && code < 0x2100);
}

/** Counts a text that comes in pieces, as a stream brings them: a word is one, wherever it was cut. */
export class TokenEstimate {
  private sum = 0;
  private last = NEWLINE;
  /** Characters of the word, the number or the run of spaces that the text is in. */
  private run = 0;

  /** Tokens of all that has been added. */
  get tokens(): number {
    return Math.ceil(this.sum);
  }

  /** Linear, and makes nothing but numbers: about 100 million characters a second. */
  add(text: string, from = 0, to = text.length): this {
    let { sum, last, run } = this;
    for (let index = from; index < to; index++) {
      const kind = kindOf(text.charCodeAt(index));
      switch (kind) {
        case LOWER:
          // A capital belongs to the word that it begins.
          if (last === LOWER || last === ACCENTED || (last === UPPER && run === 1)) {
            if (++run > WHOLE_WORD) sum += OF_LONG_WORD;
          } else {
            run = 1;
            sum += 1;
          }
          break;
        case UPPER:
          if (last === UPPER) {
            run++;
            sum += OF_CAPITAL;
          } else {
            run = 1;
            sum += 1;
          }
          break;
        case ACCENTED:
          sum += OF_ACCENTED;
          if (last === LOWER || last === ACCENTED || last === UPPER) {
            if (++run > WHOLE_WORD) sum += OF_LONG_WORD;
          } else {
            run = 1;
            sum += 1;
          }
          break;
        case LETTER:
          sum += last === LETTER ? OF_LETTER : 1;
          break;
        case ABUGIDA:
          sum += OF_ABUGIDA;
          break;
        case DIGIT:
          run = last === DIGIT ? run + 1 : 1;
          if (run % DIGITS === 1) sum += 1;
          break;
        case SPACE:
          // One space goes with the word behind it; more of them are a token together.
          run = last === SPACE ? run + 1 : 1;
          if (run === 2) sum += 0.8;
          break;
        case NEWLINE:
          // It goes with the mark before it, and with other ends of lines.
          if (last !== NEWLINE) sum += last === MARK || last === WIDE_MARK ? 0.3 : 1;
          break;
        case MARK:
          sum += last === MARK ? OF_NEXT_MARK : OF_MARK;
          break;
        case HAN:
          sum += OF_HAN;
          break;
        case KANA:
          sum += OF_KANA;
          break;
        case HANGUL:
          sum += OF_HANGUL;
          break;
        case WIDE_MARK:
          sum += OF_WIDE_MARK;
          break;
        case SURROGATE:
          sum += OF_SURROGATE;
          break;
        case JOINER:
          sum += OF_JOINER;
          break;
        case OTHER:
          sum += OF_OTHER;
      }
      last = kind;
    }
    this.sum = sum;
    this.last = last;
    this.run = run;
    return this;
  }
}

/** Of a text that is longer than this, samples are counted: nobody waits longer than 10 ms for an estimate. */
const LONG_TEXT = 1_000_000;
const SAMPLES = 64;

/** Tokens of a text. */
export function estimateTokens(text: string): number {
  const { length } = text;
  if (length <= LONG_TEXT) return new TokenEstimate().add(text).tokens;
  const estimate = new TokenEstimate();
  const size = Math.floor(LONG_TEXT / SAMPLES);
  for (let sample = 0; sample < SAMPLES; sample++) {
    const from = Math.floor(((length - size) * sample) / (SAMPLES - 1));
    estimate.add(text, from, from + size);
  }
  return Math.ceil((estimate.tokens * length) / (size * SAMPLES));
}

/** Tokens of a text of which only the size is known: where it has more bytes than characters, its script is not ASCII. */
export function estimateTokensOfSize({ characters, bytes }: { characters: number; bytes: number }): number {
  const wide = Math.min(characters, Math.max(0, bytes - characters) / 2);
  return Math.ceil((characters - wide) * OF_ASCII + wide * OF_HAN);
}
