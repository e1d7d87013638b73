import type { CallToolResult } from '@ai-sdk/mcp';
import { textOfResult } from './github-result.js';

const result = (value: object) => value as CallToolResult;

describe('the result of a tool', () => {
  it('consists of its texts, including those of embedded files', () => {
    const content = [
      { type: 'text', text: 'successfully downloaded text file' },
      { type: 'resource', resource: { uri: 'repo://o/r/contents/a.ts', text: 'const a = 1;' } },
    ];
    expect(textOfResult(result({ content }), 1000)).toBe('successfully downloaded text file\n\nconst a = 1;');
  });

  it('contains nothing but text', () => {
    const content = [
      { type: 'text', text: 'Here it is.' },
      { type: 'image', data: 'c2VjcmV0', mimeType: 'image/png' },
      { type: 'resource', resource: { uri: 'repo://x', blob: 'c2VjcmV0' } },
      { type: 'resource_link', uri: 'https://raw.example.com/x?token=secret', name: 'x' },
    ];
    expect(textOfResult(result({ content }), 1000)).toBe(
      'Here it is.\n\n[3 parts of the result omitted: no text.]',
    );
  });

  it('may be a single object', () => {
    expect(textOfResult(result({ structuredContent: { total: 2 } }), 1000)).toBe('{"total":2}');
  });

  it('is cut if it is too long, with a note', () => {
    const content = [{ type: 'text', text: 'x'.repeat(500) }];
    expect(textOfResult(result({ content }), 500)).toBe('x'.repeat(500));
    const cut = textOfResult(result({ content }), 100);
    expect(cut).toBe(
      `${'x'.repeat(100)}\n\n[Cut: these are the first 100 of 500 characters. Ask for less at a time.]`,
    );
  });

  it('is not cut in the middle of a character', () => {
    const cut = textOfResult(result({ content: [{ type: 'text', text: '😀😀😀' }] }), 3);
    expect(cut.isWellFormed()).toBe(true);
  });
});
