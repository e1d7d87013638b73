import { BROKEN_INSIDE } from '../doubles/wire/media.js';

export const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);
const JPEG = Buffer.from(
  '/9j/4AAQSkZJRgABAQEASABIAAD/wAALCAABAAEBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAACf/EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8AKp//2Q==',
  'base64',
);
const GIF = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64');
const BMP = Buffer.concat([Buffer.from('BM'), Buffer.alloc(60, 1)]);
const PDF = Buffer.from('%PDF-1.4\n1 0 obj<<>>endobj\ntrailer<<>>\n%%EOF');
const ZIP = Buffer.from('UEsDBBQAAAAIAAAAIQAAAAAAAAAAAAAAAAAAAAAA', 'base64');

/** A PNG whose header contains this many pixels per side. */
export function pngOf(side: number): Buffer {
  const bytes = Buffer.from(PNG);
  bytes.writeUInt32BE(side, 16);
  bytes.writeUInt32BE(side, 20);
  return bytes;
}

export function file(mediaType: string, content: Buffer | string, filename?: string): object {
  const url = `data:${mediaType};base64,${Buffer.from(content).toString('base64')}`;
  return { type: 'file', mediaType, url, ...(filename === undefined ? {} : { filename }) };
}

/** Files that pass all checks of this server, and that every vendor finds broken when it opens them. */
export const BROKEN_PNG = file('image/png', Buffer.concat([PNG, Buffer.from(BROKEN_INSIDE)]), 'broken.png');
export const BROKEN_PDF = file(
  'application/pdf',
  Buffer.concat([PDF, Buffer.from(BROKEN_INSIDE)]),
  'broken.pdf',
);

/** Files of many kinds, as clients send them or as owners write them into a row. */
export const FILES: Readonly<Record<string, object>> = {
  png: file('image/png', PNG, 'cat.png'),
  jpeg: file('image/jpeg', JPEG),
  'jpeg said to be png': file('image/png', JPEG, 'cat.png'),
  'image/jpg': file('image/jpg', JPEG),
  gif: file('image/gif', GIF),
  bmp: file('image/bmp', BMP, 'cat.bmp'),
  'bmp said to be png': file('image/png', BMP),
  heic: file('image/heic', Buffer.from('AAAAGGZ0eXBoZWljAAAAAG1pZjFoZWlj', 'base64'), 'cat.heic'),
  svg: file('image/svg+xml', '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>'),
  'text said to be an image': file('image/png', 'not an image at all'),
  pdf: file('application/pdf', PDF, 'plan.pdf'),
  'pdf without a name': file('application/pdf', PDF, ' '),
  'no pdf': file('application/pdf', 'not a PDF'),
  csv: file('text/csv', 'city,sky\nRome,clear', 'sky.csv'),
  plain: file('text/plain', 'plain words'),
  latin1: file('text/plain', Buffer.from([0x63, 0x61, 0x66, 0xe9])),
  'utf-16': file('text/plain', Buffer.from('\ufeffwide', 'utf16le')),
  'empty text': file('text/plain', ''),
  'binary said to be text': file('text/plain', Buffer.from([0, 1, 2, 3])),
  markdown: file('text/markdown', '# Title'),
  json: file('application/json', '{"a":1}', 'a.json'),
  yaml: file('application/yaml', 'a: 1'),
  xml: file('application/xml', '<a/>'),
  typescript: file('video/mp2t', 'export const a = 1;', 'a.ts'),
  'unknown text': file('application/octet-stream', 'some words'),
  'unknown bytes': file('application/octet-stream', Buffer.from([0xff, 0, 0xfe])),
  zip: file('application/zip', ZIP, 'a.zip'),
  docx: file('application/vnd.openxmlformats-officedocument.wordprocessingml.document', ZIP, 'a.docx'),
  wav: file('audio/x-wav', Buffer.from('RIFF0000WAVEfmt ')),
  mp3: file('audio/mpeg', Buffer.from([0xff, 0xfb, 0x90, 0])),
  mp4: file('video/mp4', Buffer.from('AAAAGGZ0eXBtcDQy', 'base64')),
  'broken base64': { type: 'file', mediaType: 'image/png', url: 'data:image/png;base64,!!!' },
  'unpadded base64': {
    type: 'file',
    mediaType: 'image/gif',
    url: `data:image/gif;base64,${GIF.toString('base64url')}`,
  },
  'folded base64': {
    type: 'file',
    mediaType: 'image/png',
    url: `data:image/png;base64,${PNG.toString('base64').replace(/.{40}/g, '$&\n')}`,
  },
  'no data': { type: 'file', mediaType: 'image/png', url: 'data:image/png;base64,' },
  'percent-encoded': { type: 'file', mediaType: 'text/plain', url: 'data:text/plain,a%20b' },
  'badly encoded': { type: 'file', mediaType: 'text/plain', url: 'data:text/plain,%E0%A4%A' },
  address: { type: 'file', mediaType: 'image/png', url: 'https://example.com/cat.png' },
  path: { type: 'file', mediaType: 'image/png', url: '0f0c/cat.png', filename: 'cat.png' },
  'too many pixels': file('image/png', pngOf(9_000), 'wall.png'),
  'refused before': {
    ...file('image/png', Buffer.concat([PNG, Buffer.from(BROKEN_INSIDE)]), 'once.png'),
    providerMetadata: { switchboard: { refusedBy: ['google', 'openai', 'anthropic'] } },
  },
};
