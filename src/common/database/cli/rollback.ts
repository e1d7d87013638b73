import { revertLastMigration } from '../migrate.js';
import { runCommand } from './run-command.js';

/** Reverts the latest migration, or all of them with `--all`. */
await runCommand(async (url) => {
  const lines: string[] = [];
  do {
    const name = await revertLastMigration({ url });
    if (name === undefined) break;
    lines.push(`rolled back ${name}`);
  } while (process.argv.includes('--all'));
  return { lines: lines.length === 0 ? ['There is nothing to roll back.'] : lines };
});
