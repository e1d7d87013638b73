import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadEnvFile } from './env-file.js';

const NAMES = ['SWITCHBOARD_TEST_FIRST', 'SWITCHBOARD_TEST_SECOND'] as const;

describe('the .env file', () => {
  const before = process.cwd();
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'switchboard-env-'));
    process.chdir(folder);
  });

  afterEach(() => {
    process.chdir(before);
    rmSync(folder, { recursive: true });
    for (const name of NAMES) delete process.env[name];
  });

  const read = () => {
    loadEnvFile();
    return NAMES.map((name) => process.env[name]);
  };
  const text = `${NAMES[0]}=one\r\n# a comment\r\n${NAMES[1]}="two words"\r\n`;

  it.each([
    ['UTF-8', Buffer.from(text)],
    ['UTF-8 with a byte order mark', Buffer.from(`\ufeff${text}`)],
    ['UTF-16, as some editors on Windows write it', Buffer.from(`\ufeff${text}`, 'utf16le')],
    ['UTF-16 in the other order', Buffer.from(`\ufeff${text}`, 'utf16le').swap16()],
  ])('is read in %s', (_name, content) => {
    writeFileSync('.env', content);
    expect(read()).toEqual(['one', 'two words']);
  });

  it('does not replace variables that are set, even to nothing', () => {
    writeFileSync('.env', text);
    process.env[NAMES[0]] = '';
    expect(read()).toEqual(['', 'two words']);
  });

  it('may be missing, but must be readable', () => {
    expect(read()).toEqual([undefined, undefined]);
    mkdirSync('.env');
    expect(() => loadEnvFile()).toThrow(/^The file .env cannot be read/);
  });
});
