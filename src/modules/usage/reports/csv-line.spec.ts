import fc from 'fast-check';
import { findCsvProblem } from '../../documents/csv.js';
import { csvLine } from './csv-line.js';

describe('csvLine', () => {
  it('writes plain cells unchanged', () => {
    expect(csvLine(['a b', 12, 0.5, null, '', 'é🌱', -3])).toBe('a b,12,0.5,,,é🌱,-3\r\n');
  });

  it('quotes characters that would end a cell', () => {
    expect(csvLine(['a,b', 'say "hi"', 'two\r\nlines', '\rx'])).toBe(
      `"a,b","say ""hi""","two\r\nlines","'\rx"\r\n`,
    );
  });

  it.each(['=1+1', '+1', '-1', '@SUM(A1)', '\t=1', '\r=1', '\n=1', '=HYPERLINK("http://x","y")'])(
    'does not let a spreadsheet run %j',
    (text) => {
      expect(csvLine([text])).toMatch(/^"?'/);
    },
  );

  it('is always a valid line without formulas, and all cells can be read back', () => {
    const cell = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(...'=+-@\t\r\n",;a') }));
    fc.assert(
      fc.property(fc.array(cell, { minLength: 1 }), (cells) => {
        const line = csvLine(cells);
        expect(findCsvProblem(line)).toBeUndefined();
        const read = readLine(line);
        expect(read.map((text, index) => (text === `'${cells[index]}` ? cells[index] : text))).toEqual(cells);
        for (const text of read) expect(text).not.toMatch(/^[=+\-@\t\r\n]/);
      }),
    );
  });
});

/** The cells of one line of valid CSV. */
function readLine(line: string): string[] {
  const cells: string[] = [];
  let rest = line.replace(/\r\n$/, ',');
  while (rest !== '') {
    const [all, quoted, plain] = /^(?:"((?:[^"]|"")*)"|([^",]*)),/.exec(rest)!;
    cells.push(quoted?.replaceAll('""', '"') ?? plain ?? '');
    rest = rest.slice(all.length);
  }
  return cells;
}
