import { loadEnvFile } from '../../../config/env-file.js';
import { causeOf, describeConnectionFailure } from '../connection-failure.js';
import { type CommandDatabase, openCommandDatabase } from './open-database.js';

/**
 * Runs an operator's command on the database of the environment. A failure is one line on standard error and exit code
 * 1.
 *
 * @param command gets the URL and returns the lines to print; it returns `failed` for an exit code other than 0
 */
export async function runCommand(
  command: (url: string) => Promise<{ lines: string[]; failed?: boolean }>,
): Promise<void> {
  let database: CommandDatabase | undefined;
  try {
    loadEnvFile();
    database = await openCommandDatabase();
    const { lines, failed } = await command(database.url);
    process.stdout.write(`${lines.join('\n')}\n`);
    process.exitCode = failed ? 1 : 0;
  } catch (error) {
    process.stderr.write(`switchboard: ${describe(error, database?.variable)}\n`);
    process.exitCode = 1;
  } finally {
    await database?.close();
  }
}

function describe(error: unknown, variable: string | undefined): string {
  const connection = error instanceof Error && error.cause !== undefined ? error.cause : error;
  return (variable && describeConnectionFailure(connection, variable)) ?? causeOf(error).message;
}
