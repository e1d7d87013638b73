import { describeVerified, verifyDatabase } from '../verify/verify-database.js';
import { runCommand } from './run-command.js';

/** Says in which way the database is not the one that this version is written for. */
await runCommand(async (url) => {
  const differences = await verifyDatabase({ url });
  return differences.length === 0
    ? { lines: [`The database matches: ${describeVerified()}.`] }
    : { lines: differences, failed: true };
});
