import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSecrets, readSecrets, writeSecrets } from './stack-secrets.js';

describe('the secrets of a data folder', () => {
  let folder: string;

  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'switchboard-secrets-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('are kept', () => {
    const secrets = createSecrets();
    writeSecrets(folder, secrets);
    expect(readSecrets(folder)).toEqual(secrets);
  });

  it('do not exist before the first start', () => {
    expect(readSecrets(folder)).toBeUndefined();
  });

  it.each(['', '{"databasePass', 'null', '[]', '{}', '{"databasePassword":"only this"}'])(
    'are reported as damaged, not replaced: %j',
    (content) => {
      writeFileSync(join(folder, 'stack.json'), content);
      expect(() => readSecrets(folder)).toThrow(/stack\.json is damaged\. .*Restore it from a backup/);
    },
  );

  it('are reported as missing if there is a database', () => {
    mkdirSync(join(folder, 'postgres'));
    writeFileSync(join(folder, 'postgres', 'PG_VERSION'), '18\n');
    expect(() => readSecrets(folder)).toThrow(/stack\.json is missing\. .*Restore it from a backup/);
  });
});
