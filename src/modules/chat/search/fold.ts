/**
 * Marks and characters that a search ignores: accents, points, joiners, selectors. It does not ignore the voiced marks
 * of Japanese (か and が are different letters) or the vowel signs of Indic scripts.
 */
const IGNORED =
  /[[[\p{Script=Inherited}\p{Script=Hebrew}]&&\p{Mn}]--[\u3099\u309a]]|[\p{Default_Ignorable_Code_Point}\u0640]/gv;

/** Letters with a stroke and ligatures, which Unicode does not decompose. */
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
const IN_PLACE = new RegExp(`[${Object.keys(LETTERS).join('')}]`, 'g');

/**
 * Text in the form that the search compares: normal forms, upper and lower case, widths and accents do not matter. In
 * upper case, "ß" is "SS" and "ı" is "I".
 */
export function fold(text: string): string {
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

/** The folding in the other direction. */
export interface Unfolding {
  /** All other single characters that fold to a given character. */
  variants: Map<string, string[]>;
  /** All single characters that fold to several characters. */
  sequences: Map<string, string[]>;
  /** The same, by the first and by the last character of the result. */
  heads: Map<string, string[]>;
  tails: Map<string, string[]>;
  /** The characters that fold to nothing, as pairs of a first and a last one. */
  ignored: Array<[first: string, last: string]>;
}

/** Matches characters that may fold to something else. Ideographs and Hangul syllables fold to themselves. */
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

/** The first call takes some hundredths of a second. */
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
