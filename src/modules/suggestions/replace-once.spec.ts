import fc from 'fast-check';
import { replaceOnce } from './replace-once.js';

describe('replaceOnce', () => {
  it.each([
    ['in the middle', 'one two three', 'two', '2', 'one 2 three'],
    ['at the beginning', 'one two', 'one', '', ' two'],
    ['at the end', 'one two', 'two', 'two!', 'one two!'],
    ['as a whole', 'one', 'one', 'another', 'another'],
    ['over several lines', 'a\nb\nc', 'a\nb', 'x', 'x\nc'],
    ['as it is, whatever it means elsewhere', 'cost: .*', '.*', "$& $1 $' \\0", "cost: $& $1 $' \\0"],
    ['in any script', 'שלום 🌱 é', '🌱', '🌲', 'שלום 🌲 é'],
  ])('replaces a text %s', (_, content, original, replacement, expected) => {
    expect(replaceOnce(content, original, replacement)).toBe(expected);
  });

  const nfd = (text: string) => text.normalize('NFD');

  it.each([
    ['decomposed', nfd('Der Käse ist müde.'), 'Käse', 'Kümmel', nfd('Der Kümmel ist müde.')],
    ['composed', 'Der Käse ist müde.', nfd('Käse'), nfd('Kümmel'), 'Der Kümmel ist müde.'],
    ['decomposed, where it is plain', nfd('Der Käse ist kalt.'), 'kalt', 'müde', nfd('Der Käse ist müde.')],
    ['composed twice, but in other forms once', 'Käse', nfd('Käse'), 'x', 'x'],
    ['Hangul', nfd('한국어 글'), '한국어', '우리', nfd('우리 글')],
    ['CRLF', 'a\r\nb\r\nc', 'a\nb', 'x\ny', 'x\r\ny\r\nc'],
    ['CRLF, for one line', 'a\r\nb\r\n', 'b', 'x\ny', 'a\r\nx\r\ny\r\n'],
    ['LF', 'a\nb\nc', 'a\r\nb', 'x\r\ny', 'x\ny\nc'],
    ['both', nfd('ä\r\nö\r\nü'), 'ä\nö', 'é\nè', nfd('é\r\nè\r\nü')],
    [
      'both, behind much of it',
      `${nfd('äöü\r\n').repeat(50)}ende`,
      'ü\nende',
      'x',
      `${nfd('äöü\r\n').repeat(50).slice(0, -4)}x`,
    ],
    ['neither: what is edited are the marks', nfd('é'), nfd('é'), 'é', 'é'],
  ])(
    'finds a text in another spelling, and keeps to the one of the content: %s',
    (_, content, original, replacement, expected) => {
      expect(replaceOnce(content, original, replacement)).toBe(expected);
    },
  );

  it('finds its way in a text of any spelling', () => {
    const piece = fc.constantFrom(
      'a',
      'é',
      nfd('é'),
      '\r\n',
      '\n',
      'ạ̈',
      nfd('ạ̈'),
      '한',
      '🌱',
      ' ',
      nfd('한'),
    );
    const some = fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''));
    const spell = (text: string) => text.normalize('NFD').replaceAll('\r\n', '\n');
    fc.assert(
      fc.property(some, some, (before, after) => {
        const replaced = replaceOnce(`${before}<${nfd('Ä')}\r\n>${after}`, '<Ä\n>', '<new>');
        expect(spell(replaced ?? '')).toBe(spell(`${before}<new>${after}`));
      }),
    );
  });

  it.each([
    ['is not there', 'one two', 'three'],
    ['is there in another case', 'One', 'one'],
    ['is a part of a character', 'Käse'.normalize('NFC'), 'Ka'],
    ['is there twice', 'one one', 'one'],
    ['is there twice, overlapping', 'aaa', 'aa'],
    ['is empty', 'one', ''],
    ['is empty, as the content', '', ''],
  ])('replaces nothing when the text %s', (_, content, original) => {
    expect(replaceOnce(content, original, 'x')).toBeUndefined();
  });
});
