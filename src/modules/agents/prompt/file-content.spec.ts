import type { FileUIPart } from 'ai';
import { type FileContent, readDataUrl, readFileContent } from './file-content.js';

const part = (mediaType: string, url: string) => ({ type: 'file', mediaType, url }) as FileUIPart;
const base64 = (content: string | Buffer) => Buffer.from(content).toString('base64');
const JPEG = '/9j/4AAQSkZJRgABAQEASABIAAD/wAALCAABAAEBAREA';

describe('the content of a file part', () => {
  it.each<[what: string, mediaType: string, url: string, content: Partial<FileContent>]>([
    ['text', 'text/csv', `data:text/csv;base64,${base64('a,b')}`, { kind: 'text', text: 'a,b' }],
    [
      'its encoding',
      'text/plain',
      `data:text/plain;charset=utf-16le;base64,${base64(Buffer.from('ü', 'utf16le'))}`,
      { kind: 'text', text: 'ü' },
    ],
    [
      'an encoding that nobody knows',
      'text/plain',
      `data:text/plain;charset=klingon;base64,${base64('ü')}`,
      { kind: 'text', text: 'ü' },
    ],
    [
      'an older encoding',
      'text/plain',
      `data:text/plain;base64,${base64(Buffer.from([0xfc]))}`,
      { kind: 'text', text: 'ü' },
    ],
    ['text without base64', 'text/plain', 'data:text/plain,a%20%C3%BC', { kind: 'text', text: 'a ü' }],
    [
      'source code by its content',
      'application/octet-stream',
      `data:application/octet-stream;base64,${base64('x = 1')}`,
      { kind: 'text', text: 'x = 1' },
    ],
    [
      'JSON of some kind',
      'application/ld+json',
      `data:application/ld+json;base64,${base64('{}')}`,
      { kind: 'text', text: '{}' },
    ],
    ['a drawing', 'image/svg+xml', 'data:image/svg+xml,<svg/>', { kind: 'text', text: '<svg/>' }],
    [
      'the type of an image',
      'image/png',
      `data:image/png;base64,${JPEG}`,
      { kind: 'binary', mediaType: 'image/jpeg' },
    ],
    [
      'another name of a type',
      'audio/x-wav',
      `data:audio/x-wav;base64,${base64('RIFF')}`,
      { kind: 'binary', mediaType: 'audio/wav' },
    ],
    [
      'base64 in lines, without padding',
      'audio/mp3',
      'data:audio/mp3;base64,/_\n8'.replace('_', '/'),
      { kind: 'binary', base64: '//8=' },
    ],
    [
      'base64 that is percent-encoded',
      'audio/mp3',
      'data:audio/mp3;base64,%2F%2F8%3D',
      { kind: 'binary', base64: '//8=' },
    ],
    [
      'what is not base64',
      'image/png',
      'data:image/png;base64,!!!',
      { kind: 'unreadable', reason: 'is not valid base64' },
    ],
    ['nothing', 'image/png', 'data:image/png;base64,', { kind: 'unreadable', reason: 'is empty' }],
    [
      'what is no data URL',
      'image/png',
      'data:image',
      { kind: 'unreadable', reason: 'is not a valid data URL' },
    ],
    [
      'what is no image',
      'image/png',
      `data:image/png;base64,${base64('<html>')}`,
      { kind: 'unreadable', reason: 'is not an image' },
    ],
    [
      'what is no document',
      'application/pdf',
      `data:application/pdf;base64,${base64('<html>')}`,
      { kind: 'unreadable', reason: 'is not a PDF document' },
    ],
    [
      'what is no text',
      'text/plain',
      `data:text/plain;base64,${base64(Buffer.from([0, 1]))}`,
      { kind: 'unreadable', reason: 'is not text' },
    ],
  ])('is %s', (_what, mediaType, url, content) => {
    expect(readDataUrl(part(mediaType, url))).toMatchObject(content);
  });

  it('is only read if the part contains it', () => {
    const notes = part('text/plain', `data:text/plain;base64,${base64('some notes')}`);
    expect(readFileContent(notes)).toEqual({ kind: 'text', text: 'some notes' });
    const image = readFileContent(part('image/jpeg', `data:image/jpeg;base64,${JPEG}`));
    expect(image).toMatchObject({ kind: 'binary', mediaType: 'image/jpeg', base64: JPEG });
    const gone = { kind: 'unreadable', reason: 'is not there any more' };
    expect(readFileContent(part('text/plain', '0f0c/notes.txt'))).toEqual(gone);
  });

  it('is checked fast enough for the largest file of a request', () => {
    const url = `data:audio/mp3;base64,${'A'.repeat(12_000_000)}`;
    const start = process.cpuUsage();
    readDataUrl(part('audio/mp3', url));
    const { user, system } = process.cpuUsage(start);
    expect((user + system) / 1_000).toBeLessThan(500);
  });
});
