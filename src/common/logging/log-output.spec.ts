import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';

/** Every write to this device fails, as on a full disk. */
const FULL = '/dev/full';

/** Logs for a while, and ends like a server. */
const PROGRAM = `
  import { createLogger } from './dist/src/common/logging/logger.js';
  const logger = createLogger('info');
  for (let line = 0; line < 200; line++) {
    logger.info({ line }, 'x'.repeat(500));
    if (line % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  }
  logger.info('the last line');
  process.exit(7);
`;

function run(stdout: 'pipe' | number) {
  const child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM], {
    stdio: ['ignore', stdout, 'pipe'],
    timeout: 20_000,
    killSignal: 'SIGKILL',
  });
  const printed = { stdout: '', stderr: '' };
  child.stdout?.on('data', (chunk: Buffer) => (printed.stdout += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (printed.stderr += chunk.toString()));
  return { child, printed, ended: once(child, 'close') };
}

describe('the log', () => {
  (process.platform === 'linux' ? it : it.skip)('loses lines on a full disk, and nothing else', async () => {
    const { printed, ended } = run(openSync(FULL, 'w'));
    expect(await ended).toEqual([7, null]);
    expect(printed.stderr.match(/switchboard: the log cannot be written: ENOSPC/g)).toHaveLength(1);
    expect(printed.stderr).not.toMatch(/^ {4}at /m);
  });

  it('loses lines when its reader has gone, and nothing else', async () => {
    const { child, ended } = run('pipe');
    child.stdout!.destroy();
    expect(await ended).toEqual([7, null]);
  });

  it('is complete at the end of the process', async () => {
    const { printed, ended } = run('pipe');
    expect(await ended).toEqual([7, null]);
    const lines = printed.stdout.trim().split('\n');
    expect(lines).toHaveLength(201);
    // A write that is on its way at the end may come after those of the end.
    expect(lines.map((line) => (JSON.parse(line) as { msg: string }).msg)).toContain('the last line');
  });
});
