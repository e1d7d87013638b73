import { connect } from '../../../common/database/cli/connect.js';
import { runCommand } from '../../../common/database/cli/run-command.js';
import { UsageUpkeepRepository } from '../rollup/usage-upkeep.repository.js';

/** Recomputes the usage rollups from the rows and the archive. Servers may keep running meanwhile. */
await runCommand(async (url) => {
  const client = await connect(url, 'switchboard-usage');
  try {
    const corrected = await new UsageUpkeepRepository(client).rebuildRollups();
    return {
      lines: [
        corrected === 0
          ? 'The usage rollups match the rows.'
          : `The usage rollups match the rows. ${corrected.toLocaleString('en-US')} sums were corrected.`,
      ],
    };
  } finally {
    await client.end().catch(() => undefined);
  }
});
