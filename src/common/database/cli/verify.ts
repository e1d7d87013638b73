import { describeVerified, verifyDatabase } from '../verify/verify-database.js';
import { runCommand } from './run-command.js';

/** Prints the differences between the database and the schema of this version. */
await runCommand(async (url) => {
  const differences = await verifyDatabase({ url });
  return differences.length === 0
    ? { lines: [`The database matches: ${describeVerified()}.`] }
    : { lines: differences, failed: true };
});
