const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
/** The brackets `[` and `{`, and `]` and `}`, differ only in bit 0x20. */
const LOWER_BRACKET_BIT = 0x20;
const OPENING = 0x7b;
const CLOSING = 0x7d;

/**
 * Estimates the size of parsed JSON, chunk by chunk as it arrives, before anything is parsed. A text of a few megabytes
 * can contain millions of keys. Parsing, validating and converting them would block every other request.
 *
 * The estimate takes one pass over the bytes. In UTF-8, no byte of a multi-byte character equals one of the bytes here.
 */
export class JsonGauge {
  /** Commas: the number of keys and items, minus one for each object and array. */
  items = 0;
  /** The greatest depth so far. Without commas, a text has no more objects and arrays than this. */
  depth = 0;
  private currentDepth = 0;
  private inString = false;
  private escaped = false;

  /** Reads the next bytes of the text. */
  add(chunk: Uint8Array): void {
    let { items, depth, currentDepth, inString, escaped } = this;
    const { length } = chunk;
    for (let index = 0; index < length; index++) {
      const byte = chunk[index] ?? 0;
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === BACKSLASH) escaped = true;
        else if (byte === QUOTE) inString = false;
      } else if (byte === QUOTE) inString = true;
      else if (byte === COMMA) items++;
      else if ((byte | LOWER_BRACKET_BIT) === OPENING) depth = Math.max(depth, ++currentDepth);
      else if ((byte | LOWER_BRACKET_BIT) === CLOSING) currentDepth--;
    }
    this.items = items;
    this.depth = depth;
    this.currentDepth = currentDepth;
    this.inString = inString;
    this.escaped = escaped;
  }
}
