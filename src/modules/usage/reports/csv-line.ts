/** A spreadsheet interprets a text that starts with one of these as a formula, and runs it. */
const FORMULA = /^[=+\-@\t\r\n]/;
const NEEDS_QUOTES = /[",\r\n]/;

/**
 * A line of CSV according to RFC 4180. Numbers are written unchanged. A text that a spreadsheet would run as a formula
 * gets a leading apostrophe, which makes it a text. Null is an empty cell.
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
