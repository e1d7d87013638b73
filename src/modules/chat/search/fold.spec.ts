import { fold, PieceFolder, standsAlone, unfolding } from './fold.js';

describe('fold', () => {
  it.each([
    ['ZÜRICH'.normalize('NFD'), 'zurich'],
    ['Straße STRAẞE', 'strasse strasse'],
    ['İı', 'ii'],
    ['οδός ΟΔΟΣ', 'οδοσ οδοσ'],
    ['Łódź Ærø', 'lodz aero'],
    ['ｶﾞ', 'ガ'],
    ['か\u3099', 'が'],
    ['한국어'.normalize('NFD'), '한국어'],
    ['हिन्दी', 'हिन्दी'],
    ['مُحَمَّد', 'محمد'],
    ['שָׁלוֹם', 'שלום'],
    ['❤️ 👩‍🚀', '❤ 👩🚀'],
  ])('makes of %j %j', (text, folded) => {
    expect(fold(text)).toBe(folded);
    expect(fold(folded)).toBe(folded);
    for (const form of ['NFC', 'NFD'] as const) expect(fold(text.normalize(form))).toBe(folded);
  });

  it.each([...'aかᄀ가Σスكक😀ñ', '각', 'か\u200d', 'a\u0301'])(
    'is the same in pieces, cut after %j',
    (before) => {
      for (let code = 0; code < 0x1_1200; code++) {
        // Ideographs and Hangul syllables are many, and alike.
        if ((code >= 0x3400 && code < 0xa000) || (code >= 0xac10 && code < 0xf900)) continue;
        const character = String.fromCodePoint(code);
        if (!standsAlone(character)) continue;
        for (const after of ['', '\u3099']) {
          const whole = fold(before + character + after);
          if (whole !== fold(before) + fold(character + after))
            expect({ code: code.toString(16), after }).toBe('safe');
        }
      }
    },
  );

  it.each([
    'plain text and Zürich, ΟΔΟΣ '.repeat(40),
    '한국어를배워요'.repeat(50).normalize('NFD'),
    'हिन्दीमेंबातकरें'.repeat(50),
    'これがガｶﾞ本です'.repeat(50).normalize('NFD'),
    '👩‍🚀❤️e\u0301\u0323'.repeat(50),
    'ㄱㅏㄴㅏ'.repeat(60),
    '\u0301'.repeat(900),
  ])('is the same in pieces of any size: %#', (text) => {
    for (const size of [40, 41, 64]) {
      for (const step of [7, 100, text.length]) {
        const folder = new PieceFolder(size);
        const results: string[] = [];
        for (let at = 0; at < text.length; at += step) results.push(...folder.add(text.slice(at, at + step)));
        if (step === text.length && !/^\u0301/.test(text)) expect(results.length).toBeGreaterThan(2);
        results.push(folder.end());
        expect(results.join('')).toBe(fold(text));
      }
    }
  });

  it('is undone by all characters that fold to one', () => {
    const { variants, sequences } = unfolding();
    expect(variants.get('u')).toEqual(expect.arrayContaining(['U', 'ü', 'Ü', 'ú', 'ｕ']));
    expect(sequences.get('ss')).toEqual(expect.arrayContaining(['ß', 'ẞ']));
    for (const [folded, characters] of [...variants, ...sequences]) {
      for (const character of characters) expect(fold(character)).toBe(folded);
    }
  });
});
