import { imageSize } from 'image-size';

/** Every service reports a file with these bytes as broken when it opens the file. */
export const BROKEN_INSIDE = 'broken inside';

export interface Media {
  /** The type according to its bytes. Undefined if they are no known image or document. */
  type: string | undefined;
  longestSide: number | undefined;
  isBroken: boolean;
}

const TYPES: Record<string, string> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
};

/** Undefined if it is not base64. */
export function mediaOf(base64: unknown): Media | undefined {
  if (typeof base64 !== 'string' || base64 === '') return undefined;
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.toString('base64') !== base64) return undefined;
  const isBroken = bytes.includes(BROKEN_INSIDE);
  if (bytes.subarray(0, 1_024).includes('%PDF-'))
    return { type: 'application/pdf', longestSide: undefined, isBroken };
  try {
    const { type = '', width, height } = imageSize(bytes);
    return { type: TYPES[type], longestSide: Math.max(width, height), isBroken };
  } catch (error) {
    const isUnknown = /unsupported file type/.test(String(error));
    // Tests that only need a file of this type send only its first bytes.
    const start = bytes.toString('latin1', 0, 12);
    const type = isUnknown
      ? undefined
      : start.includes('PNG')
        ? 'image/png'
        : start.startsWith('GIF')
          ? 'image/gif'
          : 'image/jpeg';
    return { type, longestSide: undefined, isBroken };
  }
}

/** `data:<type>;base64,<data>` */
export function dataUrlOf(url: unknown): { type: string; data: string } | undefined {
  const [, type, data] = typeof url === 'string' ? (/^data:([^;,]+);base64,(.*)$/s.exec(url) ?? []) : [];
  return type === undefined || data === undefined ? undefined : { type, data };
}

/** Whether JSON contains half a surrogate pair. Strict parsers refuse the whole text. */
export function hasHalfPair(body: unknown): boolean {
  return /\\ud[89a-f][0-9a-f]{2}/i.test(JSON.stringify(body));
}
