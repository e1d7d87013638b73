import { runMigrations } from '../migrate.js';
import { runCommand } from './run-command.js';

await runCommand(async (url) => {
  const names = await runMigrations({ url });
  return {
    lines: names.length === 0 ? ['The database is up to date.'] : names.map((name) => `migrated ${name}`),
  };
});
