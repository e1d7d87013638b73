/**
 * Marks and characters without a look of their own: accents, points, joiners, selectors. The voiced marks of Japanese are
 * none of them: か and が are different letters. Nor are the vowel signs of Indic scripts.
 */
const IGNORED =
  /[[[\p{Script=Inherited}\p{Script=Hebrew}]&&\p{Mn}]--[\u3099\u309a]]|[\p{Default_Ignorable_Code_Point}\u0640]/gv;

/** Letters with a stroke and ligatures, which Unicode does not take apart. */
const LETTERS: Record<string, string> = {
  ø: 'o',
  đ: 'd',
  ð: 'd',
  ħ: 'h',
  ł: 'l',
  ŧ: 't',
  þ: 'th',
  æ: 'ae',
  œ: 'oe',
  ς: 'σ',
};
const BEYOND_ASCII = /\P{ASCII}/u;
const IN_PLACE = new RegExp(`[${Object.keys(LETTERS).join('')}]`, 'g');

/**
 * Text as the search compares it: one form for all normal forms, upper and lower case, widths and accents. In upper case,
 * "ß" is "SS" and "ı" is "I".
 */
export function fold(text: string): string {
  if (!BEYOND_ASCII.test(text)) return text.toLowerCase();
  return text
    .normalize('NFKD')
    .replace(IGNORED, '')
    .toLowerCase()
    .toUpperCase()
    .toLowerCase()
    .normalize('NFKD')
    .replace(IGNORED, '')
    .replace(IN_PLACE, (letter) => LETTERS[letter] ?? letter)
    .normalize('NFC');
}

/**
 * Characters that never change what is before them: letters that stand alone, and ASCII. Marks join with a letter, and so
 * do vowels and final consonants of Korean. What folds to nothing may stand between a letter and its mark.
 */
const ALONE =
  /[\0-\x7f]|[[\p{Lu}\p{Ll}\p{Lo}]--[\u1160-\u11ff\u3133\u3135\u3136\u313a-\u3140\u3144\u314f-\u318e\ud7b0-\ud7ff\ufcf2-\ufcf4\ufe70-\ufe7f\uff9e-\uffdc\p{Default_Ignorable_Code_Point}]]/v;

/** Whether the text before the character can be folded without it. */
export function standsAlone(character: string): boolean {
  return ALONE.test(character);
}

/** Folds a long text that comes in pieces: together, the results are the folded text. */
export class PieceFolder {
  private rest = '';

  constructor(private readonly size: number) {}

  /** The folded text as far as it no longer changes by what follows. */
  *add(text: string): Generator<string> {
    const all = this.rest + text;
    let start = 0;
    while (all.length - start > this.size) {
      const cut = cutBefore(all, start, start + this.size);
      yield fold(all.slice(start, cut));
      start = cut;
    }
    this.rest = all.slice(start);
  }

  end(): string {
    const { rest } = this;
    this.rest = '';
    return fold(rest);
  }
}

/** Nothing that means anything has so many marks in a row that no place is found. */
function cutBefore(text: string, start: number, end: number): number {
  for (let at = end; at > start; at--) {
    const code = text.codePointAt(at)!;
    const isLowHalf = code >= 0xdc00 && code <= 0xdfff;
    if (!isLowHalf && standsAlone(String.fromCodePoint(code))) return at;
  }
  return end;
}

/** What folds to what, the other way around. */
export interface Unfolding {
  /** All single characters that fold to a character, without itself. */
  variants: Map<string, string[]>;
  /** All single characters that fold to several. */
  sequences: Map<string, string[]>;
  /** The same by the first and by the last character that they fold to. */
  heads: Map<string, string[]>;
  tails: Map<string, string[]>;
  /** The characters that fold to nothing, as pairs of a first and a last one. */
  ignored: Array<[first: string, last: string]>;
}

/** Where characters stand that fold to something else. Ideographs and Hangul syllables fold to themselves. */
const RANGES: Array<[first: number, last: number]> = [
  [0x21, 0x33ff],
  [0xa640, 0xabff],
  [0xf900, 0xfffd],
  [0x10400, 0x104ff],
  [0x10c80, 0x10cff],
  [0x118a0, 0x118df],
  [0x16e40, 0x16e7f],
  [0x1d400, 0x1d7ff],
  [0x1e900, 0x1e943],
  [0x1f100, 0x1f1ff],
];

let known: Unfolding | undefined;

/** Takes some hundredths of a second at the first call. */
export function unfolding(): Unfolding {
  return (known ??= unfold());
}

function unfold(): Unfolding {
  const result: Unfolding = {
    variants: new Map(),
    sequences: new Map(),
    heads: new Map(),
    tails: new Map(),
    ignored: [],
  };
  const add = (map: Map<string, string[]>, folded: string, character: string) => {
    const others = map.get(folded);
    if (others) others.push(character);
    else map.set(folded, [character]);
  };
  let lastIgnored = 0;
  for (const [first, last] of RANGES) {
    for (let code = first; code <= last; code++) {
      const character = String.fromCodePoint(code);
      const folded = fold(character);
      const characters = [...folded];
      if (folded === character) continue;
      if (folded === '') {
        const range = result.ignored.at(-1);
        if (range && lastIgnored === code - 1) range[1] = character;
        else result.ignored.push([character, character]);
        lastIgnored = code;
      } else if (characters.length === 1) add(result.variants, folded, character);
      else {
        add(result.sequences, folded, character);
        add(result.heads, characters[0]!, character);
        add(result.tails, characters.at(-1)!, character);
      }
    }
  }
  return result;
}
