import { loadEnvFile } from '../../../config/env-file.js';

/**
 * Runs one of the `db:*` commands on `DIRECT_URL` or, if that is not set, `DATABASE_URL`. A failure is one line on standard error and exit code 1.
 *
 * @param command gets the URL and returns the lines to print; it returns `failed` for an exit code other than 0
 */
export async function runCommand(
  command: (url: string) => Promise<{ lines: string[]; failed?: boolean }>,
): Promise<void> {
  loadEnvFile();
  const url = process.env['DIRECT_URL'] || process.env['DATABASE_URL'];
  if (!url) {
    process.stderr.write('switchboard: DATABASE_URL is not set. Set it to the URL of the database.\n');
    process.exit(1);
  }
  try {
    const { lines, failed } = await command(url);
    process.stdout.write(`${lines.join('\n')}\n`);
    process.exitCode = failed ? 1 : 0;
  } catch (error) {
    process.stderr.write(`switchboard: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
