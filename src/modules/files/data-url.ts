/** A Base64 data URL whose type can be stored. */
const DATA_URL = /^data:([\w.+-]+\/[\w.+-]+)(?:;[\w.+=-]+)*;base64,/;

/** The size of a Base64 data URL in bytes, without decoding it; 0 for anything else. */
export function sizeOfDataUrl(url: string): number {
  const header = DATA_URL.exec(url.slice(0, 512));
  return header ? Math.floor(((url.length - header[0].length) * 3) / 4) : 0;
}

/** The bytes of a data URL, or undefined if it is not valid Base64. */
export function readDataUrl(url: string): Buffer | undefined {
  const start = url.indexOf(',') + 1;
  const bytes = Buffer.from(url.slice(start), 'base64');
  // Node.js skips invalid characters, so fewer bytes come out.
  const characters = url.length - start - (url.endsWith('==') ? 2 : url.endsWith('=') ? 1 : 0);
  return bytes.length === Math.floor((characters * 3) / 4) && bytes.length > 0 ? bytes : undefined;
}

export function toDataUrl(type: string, bytes: Uint8Array): string {
  const { buffer, byteOffset, byteLength } = bytes;
  return `data:${type};base64,${Buffer.from(buffer, byteOffset, byteLength).toString('base64')}`;
}
