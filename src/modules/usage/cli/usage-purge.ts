import { parseArgs } from 'node:util';
import { connect } from '../../../common/database/cli/connect.js';
import { runCommand } from '../../../common/database/cli/run-command.js';
import { parsePurgeMoment } from '../rollup/purge-moment.js';
import { purgeUsage } from '../rollup/purge-usage.js';
import { UsageUpkeepRepository } from '../rollup/usage-upkeep.repository.js';

const USAGE = 'usage: npm run usage:purge -- --before <2026-01-31 | 2026-01-31T12:15Z> [--dry-run]';
const PROGRESS_INTERVAL = 10_000;

/** Removes the rows of old calls and keeps their sums. */
await runCommand(async (url) => {
  const { before, dryRun } = readOptions(process.argv.slice(2));
  const client = await connect(url, 'switchboard-usage');
  try {
    const repository = new UsageUpkeepRepository(client);
    if (dryRun) {
      const count = await repository.countBefore(before);
      return { lines: [`${inWords(count)} before ${before.toISOString()} would be purged.`] };
    }
    return await purge(repository, before);
  } finally {
    await client.end().catch(() => undefined);
  }
});

async function purge(
  repository: UsageUpkeepRepository,
  before: Date,
): Promise<{ lines: string[]; failed?: boolean }> {
  if (!(await repository.lockPurge())) throw new Error('another purge is running');
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => interrupt.abort());
  let toldAt = Date.now();
  const purged = await purgeUsage(repository, before, {
    signal: interrupt.signal,
    onBatch: (soFar) => {
      if (Date.now() - toldAt < PROGRESS_INTERVAL) return;
      toldAt = Date.now();
      process.stderr.write(`${inWords(soFar)} purged so far\n`);
    },
  });
  const lines = [`${inWords(purged)} before ${before.toISOString()} purged. Their sums are kept.`];
  const left = await repository.countBefore(before);
  if (left > 0) {
    const reason = interrupt.signal.aborted ? 'it was interrupted' : 'they were being changed';
    lines.push(`${inWords(left)} left because ${reason}. Run the command again.`);
  }
  return { lines, failed: left > 0 };
}

function readOptions(argv: string[]): { before: Date; dryRun: boolean } {
  const options = { before: { type: 'string' }, 'dry-run': { type: 'boolean', default: false } } as const;
  let values: ReturnType<typeof parseArgs<{ options: typeof options }>>['values'];
  try {
    ({ values } = parseArgs({ args: argv, options }));
  } catch {
    throw new Error(USAGE);
  }
  if (values.before === undefined) throw new Error(USAGE);
  return { before: parsePurgeMoment(values.before), dryRun: values['dry-run'] };
}

function inWords(calls: number): string {
  return calls === 1 ? '1 call' : `${calls.toLocaleString('en-US')} calls`;
}
