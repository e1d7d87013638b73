/** What is wrong with a CSV text, and in which line, counted from 1. */
export interface CsvProblem {
  line: number;
  message: string;
}

const END_OF_FIELD = /[,\r\n]/g;

/**
 * Checks a text by the grammar of RFC 4180: a field with a quotation mark, comma or line break in it is quoted, and
 * quotation marks in it are doubled. Rows of different lengths are fine, as they are for spreadsheets; so are line
 * breaks of any kind, and the mark that some programs put at the beginning of UTF-8.
 *
 * @returns undefined when it is valid
 */
export function findCsvProblem(text: string): CsvProblem | undefined {
  let position = text.startsWith('\ufeff') ? 1 : 0;
  while (position <= text.length) {
    if (text[position] === '"') {
      const end = endOfQuoted(text, position);
      if (end === undefined) return { line: lineOf(text, position), message: 'a quoted field does not end' };
      if (end < text.length && !isEndOfField(text[end])) {
        return { line: lineOf(text, end), message: 'something follows the end of a quoted field' };
      }
      position = end + 1;
    } else {
      END_OF_FIELD.lastIndex = position;
      const end = END_OF_FIELD.exec(text)?.index ?? text.length;
      const quote = text.slice(position, end).indexOf('"');
      if (quote >= 0)
        return { line: lineOf(text, position), message: 'a quotation mark stands in an unquoted field' };
      position = end + 1;
    }
  }
  return undefined;
}

function isEndOfField(character: string | undefined): boolean {
  return character === ',' || character === '\n' || character === '\r';
}

/** @returns where the field that starts with a quotation mark has ended: the place behind the closing one */
function endOfQuoted(text: string, start: number): number | undefined {
  let position = start + 1;
  for (;;) {
    const quote = text.indexOf('"', position);
    if (quote < 0) return undefined;
    if (text[quote + 1] !== '"') return quote + 1;
    position = quote + 2;
  }
}

function lineOf(text: string, position: number): number {
  return text.slice(0, position).split(/\r\n|\r|\n/).length;
}
