import fc from 'fast-check';
import { documentEdits, editContent } from './document-edits.js';

const edit = (oldText: string, newText: string) => ({ oldText, newText });

describe('editContent', () => {
  it('makes edits one after the other, each in the result of the previous one', () => {
    const edits = [edit('one', 'two two'), edit('two two', 'three'), edit('three', 'four')];
    expect(editContent('text', 'one.', edits)).toEqual({ content: 'four.' });
  });

  it.each([
    ['patterns', 'price: .*', '.*', "$& $1 $$ $' \\0"],
    ['an emoji of several parts', 'the 👩‍🚀 flies', '👩‍🚀', '👩🏽‍🔬'],
    ['scripts from the right', 'שלום עולם', 'עולם', 'עולם חדש'],
    ['characters of the astral planes', '𝒳 and 𝒴', '𝒴', '𝒵'],
    ['marks that combine', 'cafe\u0301', 'e\u0301', 'é'],
    ['invisible characters', 'a\u200bb\ufeffc', 'b\ufeff', '\u2028'],
  ])('takes texts literally: %s', (_, content, oldText, newText) => {
    const [before = '', after = ''] = content.split(oldText);
    expect(editContent('code', content, [edit(oldText, newText)])).toEqual({
      content: before + newText + after,
    });
  });

  it.each([
    ['is not there', [edit('b', 'x')], 'The oldText of edit 1 does not occur.'],
    ['is there twice', [edit('a', 'x')], 'The oldText of edit 1 occurs more than once.'],
    ['was there before', [edit('a c', 'x'), edit('c', 'y')], 'The oldText of edit 2 does not occur.'],
    ['is itself', [edit('c', 'c')], 'The edits change nothing.'],
    ['comes and goes', [edit('c', 'd'), edit('d', 'c')], 'The edits change nothing.'],
  ])('makes no edits if a text %s', (_, edits, problem) => {
    expect(editContent('text', 'a a c', edits)).toEqual({ problem });
  });

  it('keeps sheets valid', () => {
    const sheet = 'item,price\ntea,2\n';
    expect(editContent('sheet', sheet, [edit('tea', '"tea, green"')])).toEqual({
      content: 'item,price\n"tea, green",2\n',
    });
    expect(editContent('sheet', sheet, [edit('tea', '"tea')])).toEqual({
      problem: 'The edited document is not valid CSV: a quoted field has no closing quote (line 2).',
    });
    expect(editContent('text', sheet, [edit('tea', '"tea')])).toEqual({ content: 'item,price\n"tea,2\n' });
  });

  it.each([
    ['half a character is taken', edit('\udf31', ''), /an unpaired surrogate/],
    ['half a character is put in', edit('tree', '\ud83c'), /an unpaired surrogate/],
    ['a NUL is put in', edit('tree', '\u0000'), /NUL/],
  ])('makes nothing that cannot be stored: %s', (_, wrong, problem) => {
    expect(editContent('text', 'a 🌱 tree', [wrong])).toEqual({ problem: expect.stringMatching(problem) });
  });

  it('can be undone by the reverse edit, whatever is replaced', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme' }),
        fc.string({ unit: 'grapheme' }),
        fc.string({ unit: 'grapheme' }),
        (before, newText, after) => {
          const marked = `${before}<<old>>${after}`;
          const there = editContent('text', marked, [edit('<<old>>', `<<${newText}>>!`)]);
          // The document and the edit may use different normal forms.
          const content = 'content' in there ? there.content : '';
          expect(content.normalize()).toBe(`${before}<<${newText}>>!${after}`.normalize());
        },
      ),
    );
  });
});

describe('documentEdits', () => {
  it.each([
    ['an empty text to be replaced', [edit('', 'x')]],
    ['a text that is a document of its own', [edit('x'.repeat(10_001), 'x')]],
    ['more edits than a small change has', Array.from({ length: 21 }, () => edit('a', 'b'))],
  ])('does not accept %s', (_, edits) => {
    expect(documentEdits.safeParse(edits).success).toBe(false);
  });

  it('accepts a deletion', () => {
    expect(documentEdits.parse([edit('x', '')])).toEqual([edit('x', '')]);
  });
});
