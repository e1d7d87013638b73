import { attachment, toFileName } from './content-disposition.js';

describe('toFileName', () => {
  it.each([
    ['Planning a garden', 'Planning a garden.md'],
    ['../../etc/passwd', 'etc passwd.md'],
    ['.bashrc', 'bashrc.md'],
    ['a\r\nSet-Cookie: b', 'a Set-Cookie b.md'],
    ['"quoted" \\ <tag>', 'quoted tag.md'],
    ['über 你好 🌱', 'über 你好 🌱.md'],
    ['שלום עולם', 'שלום עולם.md'],
    ['invoice\u202efdp.exe', 'invoice fdp.exe.md'],
    ['...', 'chat.md'],
    ['   ', 'chat.md'],
    ['half \ud83c', 'half \ufffd.md'],
  ])('makes %j into %j', (title, name) => {
    expect(toFileName(title, 'md', 'chat')).toBe(name);
  });

  it('is cut between characters and stays below the limit of file systems', () => {
    const name = toFileName('👩‍👩‍👧‍👦'.repeat(40), 'json', 'chat');
    expect(Buffer.byteLength(name)).toBeLessThanOrEqual(185);
    expect(name).toMatch(/^(?:👩‍👩‍👧‍👦)+\.json$/u);
  });
});

describe('attachment', () => {
  it('has an ASCII name and the real one', () => {
    expect(attachment("Ann's über-list (1)*.md")).toBe(
      `attachment; filename="Ann's _ber-list (1)*.md"; filename*=UTF-8''Ann%27s%20%C3%BCber-list%20%281%29%2A.md`,
    );
  });

  it('is always a valid header value', () => {
    const value = attachment(toFileName('a"b\\c\r\nd 100% 🌱', 'md', 'chat'));
    expect(() => new Headers({ 'content-disposition': value })).not.toThrow();
    expect(value).toMatch(/^attachment; filename="[^"\\]*"; filename\*=UTF-8''[\w.~!#$&+^`|%-]+$/);
  });
});
