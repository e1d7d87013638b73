import { imageSize } from 'image-size';
import type { FileUIPart } from 'ai';

/** The content of a file part, after it was read and checked. */
export type FileContent = TextContent | BinaryContent | UnreadableContent;

interface TextContent {
  kind: 'text';
  text: string;
  /** The minimum number of characters, if the file has not been read yet. */
  leastLength?: number;
}

export interface BinaryContent {
  kind: 'binary';
  /** The type according to the bytes, or else according to the part. */
  mediaType: string;
  base64: string;
  /** The number of base64 characters, if the file has not been read yet. */
  length?: number;
  /** Pixels of the longer side of an image, if its header contains them. */
  longestSide?: number;
}

interface UnreadableContent {
  kind: 'unreadable';
  /** Continues a sentence about the file: `is not …`. */
  reason: string;
}

/** Types without the prefix `text/` that are text. */
const TEXT_TYPES =
  /^(?:text\/|application\/(?:(?:x-)?(?:json|ndjson|jsonl|yaml|toml|csv|javascript|typescript|ecmascript|sh|shellscript|python|ruby|perl|php|httpd-php|sql|graphql|tex|latex|markdown|subrip)|json5|xml|rtf|x-www-form-urlencoded)$|[\w.-]+\/[\w.-]+\+(?:json|xml|yaml)$)/i;

/** Types that clients give to source code because they have no better one. */
const VAGUE_TYPES = /^(?:application\/octet-stream|video\/mp2t|video\/vnd\.dlna\.mpeg-tts)$/i;

/** `data:<media type>[;<parameter>…][;base64],` */
const DATA_URL = /^data:([\w.+-]+\/[\w.+-]+)?((?:;[\w.+-]+(?:=[\w.+-]*)?)*),/;
/** The number of base64 characters to check at a time; a multiple of four. */
const SLICE = 1024 * 1024;
const WHITE_SPACE = /\s+/g;

/** The number of base64 characters in which to look for an image's header. Metadata may come before it. */
const HEADER_SIZE = 512 * 1024;

/** Other names that some clients use for types. */
const ALIASES: Readonly<Record<string, string>> = {
  'audio/x-wav': 'audio/wav',
  'audio/wave': 'audio/wav',
  'audio/x-flac': 'audio/flac',
  'audio/x-aiff': 'audio/aiff',
  'application/x-pdf': 'application/pdf',
};

/** The types for the names that `image-size` uses. */
const IMAGE_TYPES: Readonly<Record<string, string>> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
  bmp: 'image/bmp',
  tiff: 'image/tiff',
  ico: 'image/x-icon',
};

/**
 * The only place that reads the content of a file part. Text is returned as text, whatever the name of its type. For
 * images, the bytes decide the type. The contents of stored files come as data URLs, too.
 */
export function readFileContent(part: Pick<FileUIPart, 'mediaType' | 'url'>): FileContent {
  return part.url.startsWith('data:') ? readDataUrl(part) : unreadable('is not there any more');
}

/** The same for a file that the part itself contains. */
export function readDataUrl(part: Pick<FileUIPart, 'mediaType' | 'url'>): FileContent {
  const [start, , parameters = ''] = DATA_URL.exec(part.url) ?? [];
  if (start === undefined) return unreadable('is not a valid data URL');
  const payload = part.url.slice(start.length);
  if (!/;base64$/i.test(parameters)) {
    const bytes = percentDecoded(payload);
    if (!bytes) return unreadable('is not a valid data URL');
    return contentOf(
      part,
      { bytes: () => bytes, base64: () => bytes.toString('base64') },
      charsetOf(parameters),
    );
  }
  const base64 = toBase64(payload);
  if (base64 === undefined) return unreadable('is not valid base64');
  if (base64 === '') return unreadable('is empty');
  return contentOf(
    part,
    { bytes: () => Buffer.from(base64, 'base64'), base64: () => base64 },
    charsetOf(parameters),
  );
}

export function isTextType(mediaType: string): boolean {
  return TEXT_TYPES.test(mediaType);
}

interface Source {
  bytes(): Buffer;
  base64(): string;
}

function contentOf(part: Pick<FileUIPart, 'mediaType'>, source: Source, charset?: string): FileContent {
  const written = part.mediaType.toLowerCase();
  const mediaType = ALIASES[written] ?? written;
  if (isTextType(mediaType)) {
    const text = decoded(source.bytes(), [charset ?? 'utf-8', 'utf-8', 'windows-1252']);
    return text === undefined ? unreadable('is not text') : { kind: 'text', text };
  }
  if (VAGUE_TYPES.test(mediaType)) {
    const text = decoded(source.bytes(), ['utf-8']);
    if (text !== undefined) return { kind: 'text', text };
  }
  const base64 = source.base64();
  if (base64 === '') return unreadable('is empty');
  if (mediaType.startsWith('image/')) return imageOf(mediaType, base64);
  if (mediaType === 'application/pdf' && !startOf(base64, 1_400).includes('%PDF-'))
    return unreadable('is not a PDF document');
  return { kind: 'binary', mediaType, base64 };
}

/** Vendors refuse an image if its bytes do not match its stated type. */
function imageOf(mediaType: string, base64: string): FileContent {
  try {
    const { type = '', width, height } = imageSize(startOf(base64, HEADER_SIZE));
    if (type === 'svg') return unreadable(`is not of the type ${mediaType}`);
    const known = IMAGE_TYPES[type] ?? mediaType;
    return { kind: 'binary', mediaType: known, base64, longestSide: Math.max(width, height) };
  } catch (error) {
    if (error instanceof TypeError && error.message.startsWith('unsupported file type'))
      return unreadable('is not an image');
    // Its type is known, but its header comes later or is broken. The vendor will report that.
    return { kind: 'binary', mediaType, base64 };
  }
}

function startOf(base64: string, length: number): Buffer {
  return Buffer.from(base64.slice(0, length), 'base64');
}

function unreadable(reason: string): UnreadableContent {
  return { kind: 'unreadable', reason };
}

/** Converts the base64 that browsers accept to strict base64: it may contain line breaks, be percent-encoded or lack padding. */
function toBase64(payload: string): string | undefined {
  if (isBase64(payload)) return payload;
  const bytes = payload.includes('%') ? percentDecoded(payload) : undefined;
  const plain = (bytes?.toString('latin1') ?? payload).replace(WHITE_SPACE, '').replace(/=+$/, '');
  const padded = plain.padEnd(Math.ceil(plain.length / 4) * 4, '=');
  return isBase64(padded) ? padded : undefined;
}

function isBase64(text: string): boolean {
  if (text.length % 4 !== 0 || text.includes('-') || text.includes('_')) return false;
  const padding = text.endsWith('==') ? 2 : text.endsWith('=') ? 1 : 0;
  let bytes = 0;
  // The decoder is much faster than a regular expression, but it skips invalid characters.
  for (let at = 0; at < text.length; at += SLICE)
    bytes += Buffer.from(text.slice(at, at + SLICE), 'base64').length;
  return bytes === (text.length / 4) * 3 - padding;
}

function percentDecoded(text: string): Buffer | undefined {
  try {
    return Buffer.from(decodeURIComponent(text));
  } catch {
    return undefined;
  }
}

function charsetOf(parameters: string): string | undefined {
  return /;charset=([\w-]+)/i.exec(parameters)?.[1];
}

/** Undefined for bytes that are not text in any of these encodings. */
function decoded(bytes: Buffer, encodings: readonly string[]): string | undefined {
  for (const encoding of [markedEncoding(bytes), ...encodings]) {
    if (encoding === undefined) continue;
    try {
      const text = new TextDecoder(encoding, { fatal: true }).decode(bytes);
      return text.includes('\u0000') ? undefined : text;
    } catch {
      // The text has another or an unknown encoding.
    }
  }
  return undefined;
}

/** Detects the byte order mark that some editors write. */
function markedEncoding([first, second]: Buffer): string | undefined {
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  return first === 0xfe && second === 0xff ? 'utf-16be' : undefined;
}
