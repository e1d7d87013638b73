/** Most file systems take 255 bytes; browsers put numbers and endings behind the name. */
const MAX_NAME_BYTES = 180;
/** Of a text that a name is made from, no more is looked at. */
const MAX_TEXT_LENGTH = 2_000;

/** What file systems refuse or shells read, and what turns the direction of text (`fdp.exe` shown as `exe.pdf`). */
const UNSAFE =
  // eslint-disable-next-line no-control-regex -- control characters are what it is about
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff"*/:<>?\\|]+/g;

/** A file name made from any text: no separators or control characters, no leading dots, of bounded length, never empty. */
export function toFileName(text: string, extension: string, fallback: string): string {
  const name = truncate(
    text
      .slice(0, MAX_TEXT_LENGTH)
      .toWellFormed()
      .replace(UNSAFE, ' ')
      .replace(/\s+/g, ' ')
      .trim()
      .replace(/^[. ]+/, ''),
  ).replace(/[. ]+$/, '');
  return `${name || fallback}.${extension}`;
}

/** Cuts between characters as people see them, so that no emoji falls apart. */
function truncate(text: string): string {
  let bytes = 0;
  let result = '';
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    bytes += Buffer.byteLength(segment);
    if (bytes > MAX_NAME_BYTES) break;
    result += segment;
  }
  return result;
}

/** The header value of a download (RFC 6266): an ASCII name for old clients, the real one as RFC 5987 says. */
export function attachment(fileName: string): string {
  const ascii = fileName.replace(/[^\x20-\x7e]+/g, '_').replace(/["\\%]/g, '_');
  const encoded = encodeURIComponent(fileName).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}
