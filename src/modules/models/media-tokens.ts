/**
 * What pictures, documents and sound come to in tokens, by the rules that the vendors publish. Only headers are read, so the
 * size of a file does not matter; and no header makes an estimate without bounds.
 */

export interface PictureSize {
  width: number;
  height: number;
}

/** Enough for the header of a picture that begins with a large preview. */
const HEADER_BYTES = 256 * 1024;
/** Bytes of a PDF that are searched for its pages. */
const PDF_BYTES = 2 * 1024 * 1024;
/** Of a page whose number is not found: one of text with a few pictures. */
const BYTES_A_PAGE = 40_000;
/** No vendor takes more. */
const MAX_PAGES = 1_000;
/** No picture has more: what a header says beyond it is not believed. */
const MAX_SIDE = 65_535;
/** For a picture whose header is not understood. */
const USUAL_PICTURE: PictureSize = { width: 1_024, height: 1_024 };

/** The beginning of a file as bytes, whichever way it is there. */
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

/** Of PNG, JPEG, GIF and WebP; a usual size for others, and for what can not be right. */
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

/** A JPEG is a list of segments; the size is in the one that begins the picture. */
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

/** Its pages as far as they can be read without decompressing it, else by its size. */
export function pagesOfPdf(data: string | Uint8Array): number {
  const text = beginningOf(data, PDF_BYTES).toString('latin1');
  let pages = 0;
  for (const _ of text.matchAll(/\/Type\s{0,8}\/Page\b(?!s)/g)) pages++;
  for (const [, count] of text.matchAll(/\/Count\s{1,8}(\d{1,6})\b/g)) pages = Math.max(pages, Number(count));
  if (pages === 0) pages = Math.ceil(byteLengthOf(data) / BYTES_A_PAGE);
  return Math.min(Math.max(1, pages), MAX_PAGES);
}

/** Seconds of sound: exact for WAV, else as compressed as usual. */
export function secondsOfSound(data: string | Uint8Array): number {
  const bytes = beginningOf(data, 64);
  const isWav = bytes.length >= 32 && bytes.toString('latin1', 8, 12) === 'WAVE';
  const bytesASecond = isWav ? bytes.readUInt32LE(28) : 0;
  return Math.ceil(byteLengthOf(data) / (bytesASecond >= 1_000 ? bytesASecond : 16_000));
}
