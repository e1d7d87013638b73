/** With one of these at the beginning a spreadsheet takes a text for a formula, and runs it. */
const FORMULA = /^[=+\-@\t\r\n]/;
const NEEDS_QUOTES = /[",\r\n]/;

/**
 * A line of CSV by RFC 4180. Numbers are written as they are; a text that a spreadsheet would run as a formula gets an
 * apostrophe in front, which spreadsheets take for "this is text". Null is an empty cell.
 */
export function csvLine(cells: ReadonlyArray<string | number | null>): string {
  return `${cells.map(toCell).join(',')}\r\n`;
}

function toCell(value: string | number | null): string {
  if (value === null) return '';
  if (typeof value === 'number') return String(value);
  const text = FORMULA.test(value) ? `'${value}` : value;
  return NEEDS_QUOTES.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
