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

  it.each([
    ['is not there', 'one two', 'three'],
    ['is there in another case', 'One', 'one'],
    ['is there in another normal form', 'é'.normalize('NFD'), 'é'.normalize('NFC')],
    ['is there twice', 'one one', 'one'],
    ['is there twice, overlapping', 'aaa', 'aa'],
    ['is empty', 'one', ''],
    ['is empty, as the content', '', ''],
  ])('replaces nothing when the text %s', (_, content, original) => {
    expect(replaceOnce(content, original, 'x')).toBeUndefined();
  });
});
