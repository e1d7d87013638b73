import fc from 'fast-check';
import { findCsvProblem } from './csv.js';

const valid: Array<[string, string]> = [
  ['nothing', ''],
  ['one field', 'a'],
  ['rows', 'a,b\n1,2\n'],
  ['no line break at the end', 'a,b\n1,2'],
  ['line breaks of other systems', 'a,b\r\n"1",2\r3,"4"\r\n'],
  ['empty fields', ',,\n,"",\n'],
  ['empty lines', '\n\na\n\n'],
  ['rows of different lengths', 'a,b,c\n1\n1,2,3,4\n'],
  ['commas, quotation marks and line breaks in quotes', '"a,b","say ""hi""","two\r\nlines"\n'],
  ['a quoted field that is all quotation marks', '""""""\n'],
  ['a byte order mark', '\ufeff"a",b\n'],
  ['blanks, which belong to the field', ' a , b \n'],
  ['other scripts', 'שלום,"🌱, é"\nẞ,\u2028'],
];

const invalid: Array<[string, string, number, RegExp]> = [
  ['a quoted field without end', 'a,b\n"1,2\n3,4', 2, /no closing quote/],
  ['a quotation mark at the end', 'a,"', 1, /no closing quote/],
  ['an odd number of quotation marks', '"a"""",b', 1, /no closing quote/],
  ['text after a quoted field', 'a\r\nb\r\n"c"d,e', 3, /text after the closing quote/],
  ['a blank after a quoted field', '"a" ,b', 1, /text after the closing quote/],
  ['text after a quoted field of several lines', '"a\nb"c', 2, /text after the closing quote/],
  ['a quotation mark inside of a field', 'a,5" pipe\n', 1, /unquoted/],
  ['a blank before a quoted field', 'a\rb, "c"', 2, /unquoted/],
];

describe('findCsvProblem', () => {
  it.each(valid)('accepts %s', (_, text) => {
    expect(findCsvProblem(text)).toBeUndefined();
  });

  it.each(invalid)('refuses %s', (_, text, line, message) => {
    expect(findCsvProblem(text)).toEqual({ line, message: expect.stringMatching(message) });
  });

  it('accepts anything that is quoted correctly', () => {
    const field = fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[",\r\n]*$/));
    fc.assert(
      fc.property(fc.array(fc.array(field, { minLength: 1 })), (rows) => {
        const quoted = rows.map((row) => row.map((text) => `"${text.replaceAll('"', '""')}"`).join(','));
        expect(findCsvProblem(quoted.join('\r\n'))).toBeUndefined();
      }),
    );
  });

  it('agrees with the grammar of RFC 4180', () => {
    const grammar = /^\ufeff?(?:"(?:[^"]|"")*"|[^",\r\n]*)(?:[,\r\n](?:"(?:[^"]|"")*"|[^",\r\n]*))*$/;
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('"', ',', '\r', '\n', 'a', '\ufeff') }), (text) => {
        expect(findCsvProblem(text) === undefined).toBe(grammar.test(text));
      }),
      { numRuns: 2_000 },
    );
  });

  it('is fast for a large text', () => {
    const row = `${'"a ""quoted"" field",'.repeat(9)}plain\n`;
    const started = performance.now();
    expect(findCsvProblem(row.repeat(50_000))).toBeUndefined();
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});
