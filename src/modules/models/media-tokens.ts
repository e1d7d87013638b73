/**
 * Estimates the tokens of pictures, documents and sound, by the rules that the vendors publish. Only headers are read,
 * so the size of a file does not matter. Every estimate has an upper bound, whatever the header says.
 */

export interface PictureSize {
  width: number;
  height: number;
}

/** Enough for the header of a picture that begins with a large preview. */
const HEADER_BYTES = 256 * 1024;
/** The number of bytes of a PDF that are searched for its pages. */
const PDF_BYTES = 2 * 1024 * 1024;
/** The size of a page if the number of pages is unknown: a page of text with a few pictures. */
const BYTES_A_PAGE = 40_000;
/** Sound with usual compression. */
const USUAL_BYTES_A_SECOND = 16_000;
/** Video with usual compression. */
const USUAL_BYTES_OF_VIDEO = 250_000;
/** No vendor accepts more. */
const MAX_PAGES = 1_000;
/** No picture is larger. Higher values in a header are ignored. */
const MAX_SIDE = 65_535;
/** For a picture whose header cannot be read. */
const USUAL_PICTURE: PictureSize = { width: 1_024, height: 1_024 };

/** The first bytes of a file, in whatever form the file comes. */
export function beginningOf(data: string | Uint8Array, bytes = HEADER_BYTES): Buffer {
  if (typeof data !== 'string')
    return Buffer.from(data.buffer, data.byteOffset, Math.min(data.length, bytes));
  return Buffer.from(data.slice(0, Math.ceil(bytes / 3) * 4), 'base64');
}

export function byteLengthOf(data: string | Uint8Array): number {
  if (typeof data !== 'string') return data.length;
  const padding = data.endsWith('==') ? 2 : data.endsWith('=') ? 1 : 0;
  return Math.max(0, Math.floor((data.length * 3) / 4) - padding);
}

/** The size of PNG, JPEG, GIF and WebP pictures. A usual size for other formats and for impossible values. */
export function pictureSize(data: string | Uint8Array): PictureSize {
  const bytes = beginningOf(data);
  const size = png(bytes) ?? gif(bytes) ?? webp(bytes) ?? jpeg(bytes);
  if (!size || size.width < 1 || size.height < 1) return USUAL_PICTURE;
  return { width: Math.min(size.width, MAX_SIDE), height: Math.min(size.height, MAX_SIDE) };
}

function png(bytes: Buffer): PictureSize | undefined {
  if (bytes.length < 24 || bytes.readUInt32BE(0) !== 0x89504e47) return undefined;
  return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
}

function gif(bytes: Buffer): PictureSize | undefined {
  if (bytes.length < 10 || bytes.toString('latin1', 0, 3) !== 'GIF') return undefined;
  return { width: bytes.readUInt16LE(6), height: bytes.readUInt16LE(8) };
}

function webp(bytes: Buffer): PictureSize | undefined {
  if (bytes.length < 30 || bytes.toString('latin1', 8, 12) !== 'WEBP') return undefined;
  switch (bytes.toString('latin1', 12, 16)) {
    case 'VP8 ':
      return { width: bytes.readUInt16LE(26) & 0x3fff, height: bytes.readUInt16LE(28) & 0x3fff };
    case 'VP8L': {
      const bits = bytes.readUInt32LE(21);
      return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
    }
    case 'VP8X':
      return { width: bytes.readUIntLE(24, 3) + 1, height: bytes.readUIntLE(27, 3) + 1 };
    default:
      return undefined;
  }
}

/** A JPEG is a list of segments. The segment that starts the picture contains the size. */
function jpeg(bytes: Buffer): PictureSize | undefined {
  if (bytes.length < 4 || bytes.readUInt16BE(0) !== 0xffd8) return undefined;
  for (let at = 2; at + 9 < bytes.length;) {
    if (bytes[at] !== 0xff) return undefined;
    const marker = bytes[at + 1] as number;
    const isFill = marker === 0xff;
    const isAlone = marker === 0x01 || (marker >= 0xd0 && marker <= 0xd8);
    const isFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (isFrame) return { height: bytes.readUInt16BE(at + 5), width: bytes.readUInt16BE(at + 7) };
    if (isFill) at += 1;
    else if (isAlone) at += 2;
    else at += 2 + Math.max(2, bytes.readUInt16BE(at + 2));
  }
  return undefined;
}

/** Counts the pages that can be found without decompressing, or else estimates them from the size. */
export function pagesOfPdf(data: string | Uint8Array): number {
  const text = beginningOf(data, PDF_BYTES).toString('latin1');
  let pages = 0;
  for (const _ of text.matchAll(/\/Type\s{0,8}\/Page\b(?!s)/g)) pages++;
  for (const [, count] of text.matchAll(/\/Count\s{1,8}(\d{1,6})\b/g)) pages = Math.max(pages, Number(count));
  return pages === 0 ? pagesOfSize(byteLengthOf(data)) : Math.min(pages, MAX_PAGES);
}

/** The pages of a PDF if only its size is known. */
export function pagesOfSize(bytes: number): number {
  return Math.min(Math.max(1, Math.ceil(bytes / BYTES_A_PAGE)), MAX_PAGES);
}

/** Seconds of sound: exact for WAV, otherwise estimated with usual compression. */
export function secondsOfSound(data: string | Uint8Array): number {
  const bytes = beginningOf(data, 64);
  const isWav = bytes.length >= 32 && bytes.toString('latin1', 8, 12) === 'WAVE';
  const bytesASecond = isWav ? bytes.readUInt32LE(28) : 0;
  return bytesASecond >= 1_000
    ? Math.ceil(byteLengthOf(data) / bytesASecond)
    : secondsOfSize(byteLengthOf(data));
}

/** Seconds of sound if only its size is known. */
export function secondsOfSize(bytes: number): number {
  return Math.ceil(bytes / USUAL_BYTES_A_SECOND);
}

/** Seconds of video. Only its size is known. */
export function secondsOfVideo(bytes: number): number {
  return Math.ceil(bytes / USUAL_BYTES_OF_VIDEO);
}
