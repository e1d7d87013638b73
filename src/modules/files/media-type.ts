const MEDIA_TYPE = /^([\w.+-]+\/[\w.+-]+)(?: *;.*)?$/;

/** A media type in lower case and without parameters. Undefined if it is invalid. */
export function toMediaType(text: string): string | undefined {
  return MEDIA_TYPE.exec(text.trim())?.[1]?.toLowerCase();
}

/** @param types `image/png`, or `image/*` for the whole group */
export function isAllowedType(type: string, types: readonly string[]): boolean {
  return types.includes(type) || types.includes(`${type.split('/')[0]}/*`);
}

/** Checks the first bytes of files of these types. */
const BEGINNINGS: Record<string, (bytes: Uint8Array) => boolean> = {
  'image/png': startsWith([0x89, 0x50, 0x4e, 0x47]),
  'image/jpeg': startsWith([0xff, 0xd8, 0xff]),
  'image/gif': startsWith([0x47, 0x49, 0x46, 0x38]),
  'image/webp': (bytes) => latin1(bytes, 0, 4) === 'RIFF' && latin1(bytes, 8, 12) === 'WEBP',
  // PDF readers look for the marker within the first kilobyte.
  'application/pdf': (bytes) => latin1(bytes, 0, 1_024).includes('%PDF-'),
};

/** Whether the content can be of this type. Text contains no NUL. Types without a known beginning are always plausible. */
export function isPlausible(type: string, bytes: Uint8Array): boolean {
  if (type.startsWith('text/') || type === 'application/json') return !bytes.includes(0);
  return BEGINNINGS[type]?.(bytes) ?? true;
}

function startsWith(beginning: number[]): (bytes: Uint8Array) => boolean {
  return (bytes) => beginning.every((byte, index) => bytes[index] === byte);
}

function latin1(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.subarray(from, to)).toString('latin1');
}
