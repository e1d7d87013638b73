import { fold, unfolding } from './fold.js';

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
  ])('turns %j into %j', (text, folded) => {
    expect(fold(text)).toBe(folded);
    expect(fold(folded)).toBe(folded);
    for (const form of ['NFC', 'NFD'] as const) expect(fold(text.normalize(form))).toBe(folded);
  });

  it('is reversed by all characters that fold to one', () => {
    const { variants, sequences } = unfolding();
    expect(variants.get('u')).toEqual(expect.arrayContaining(['U', 'ü', 'Ü', 'ú', 'ｕ']));
    expect(sequences.get('ss')).toEqual(expect.arrayContaining(['ß', 'ẞ']));
    for (const [folded, characters] of [...variants, ...sequences]) {
      for (const character of characters) expect(fold(character)).toBe(folded);
    }
  });
});
