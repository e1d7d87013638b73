/** A problem of a CSV text and its line, counted from 1. */
export interface CsvProblem {
  line: number;
  message: string;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const CARRIAGE_RETURN = 0x0d;
const LINE_FEED = 0x0a;

/**
 * Validates a text against the grammar of RFC 4180: a field with a quotation mark, comma or line break is quoted, and
 * quotation marks in it are doubled. Rows may have different lengths, as in spreadsheets. Any kind of line break is
 * allowed, and so is a UTF-8 byte order mark.
 *
 * @returns undefined if it is valid
 */
export function findCsvProblem(text: string): CsvProblem | undefined {
  let position = text.startsWith('\ufeff') ? 1 : 0;
  while (position <= text.length) {
    if (text.charCodeAt(position) === QUOTE) {
      const end = endOfQuoted(text, position);
      if (end === undefined)
        return { line: lineOf(text, position), message: 'a quoted field has no closing quote' };
      if (end < text.length && !isEndOfField(text.charCodeAt(end))) {
        return { line: lineOf(text, end), message: 'there is text after the closing quote of a field' };
      }
      position = end + 1;
    } else {
      const start = position;
      // Character by character: a text of commas has millions of fields, and a search for each would take much longer.
      for (; position < text.length; position++) {
        const code = text.charCodeAt(position);
        if (isEndOfField(code)) break;
        if (code === QUOTE)
          return { line: lineOf(text, start), message: 'an unquoted field contains a quotation mark' };
      }
      position++;
    }
  }
  return undefined;
}

function isEndOfField(code: number): boolean {
  return code === COMMA || code === LINE_FEED || code === CARRIAGE_RETURN;
}

/** @returns the position after the closing quotation mark of the field */
function endOfQuoted(text: string, start: number): number | undefined {
  let position = start + 1;
  for (;;) {
    const quote = text.indexOf('"', position);
    if (quote < 0) return undefined;
    if (text[quote + 1] !== '"') return quote + 1;
    position = quote + 2;
  }
}

/** Line breaks are `\r\n`, `\r` or `\n`. */
function lineOf(text: string, position: number): number {
  let line = 1;
  for (let index = 0; index < position; index++) {
    const code = text.charCodeAt(index);
    if (code === LINE_FEED || (code === CARRIAGE_RETURN && text.charCodeAt(index + 1) !== LINE_FEED)) line++;
  }
  return line;
}
