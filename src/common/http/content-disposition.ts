/** Most file systems allow 255 bytes. Browsers append numbers and extensions to the name. */
const MAX_NAME_BYTES = 180;
/** Only this many characters of a text are used for a name. */
const MAX_TEXT_LENGTH = 2_000;

/**
 * Characters that file systems refuse, that shells interpret, or that change text direction (`fdp.exe` shown as
 * `exe.pdf`).
 */
const UNSAFE =
  // eslint-disable-next-line no-control-regex -- control characters are what it is about
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff"*/:<>?\\|]+/g;

/**
 * A file name made from any text: no separators, control characters or leading dots, with a limited length, never
 * empty.
 */
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

/** Cuts between user-perceived characters, so that no emoji is split. */
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

/** The header value of a download (RFC 6266): an ASCII name for old clients, and the real name in RFC 5987 encoding. */
export function attachment(fileName: string): string {
  const ascii = fileName.replace(/[^\x20-\x7e]+/g, '_').replace(/["\\%]/g, '_');
  const encoded = encodeURIComponent(fileName).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encoded}`;
}
