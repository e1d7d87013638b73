import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { type Log, runMeasurements } from '../support/harness.js';
import { busyShare } from '../support/noise.js';
import { startPostgres } from '../support/postgres.js';
import { addDatabase } from './databases.js';
import { measureReading } from './reading.js';
import { toMarkdown, toText } from './report.js';
import { addYear } from './rows.js';
import { measureQueues, measureRebuild, measureSizes } from './upkeep.js';
import { measureWriting } from './writing.js';

const REPORT = new URL('../USAGE.md', import.meta.url);
const ROWS = 5_000_000;
const USERS = 1_000;
const DAYS = 365;

const HELP = `npm run bench:usage -- [options], or node bench/usage/run.ts [options] with the existing build

  --rows <n>  the number of calls in the year (default ${ROWS.toLocaleString('en-US')})
  --quick     200,000 calls and short rounds, to check that it runs; the figures are rough

Only a full run writes bench/USAGE.md.
`;

interface Options {
  rows: number;
  quick: boolean;
}

/** Generates a year of usage, measures and prints the tables. It stops everything it started, also after a failure. */
export async function main(argv: string[]): Promise<void> {
  const options = readOptions(argv);
  if (!options) return;
  await runMeasurements((resources, log) => measureAll(options, resources, log));
}

function readOptions(argv: string[]): Options | undefined {
  const { values } = parseArgs({
    args: argv,
    options: {
      rows: { type: 'string' },
      quick: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  const { quick, help } = values;
  const rows = Number(values.rows ?? (quick ? 200_000 : ROWS));
  if (help || !Number.isInteger(rows) || rows < 1_000) {
    process.stdout.write(HELP);
    process.exitCode = help ? 0 : 1;
    return undefined;
  }
  return { rows, quick };
}

async function measureAll(
  { rows, quick }: Options,
  resources: AsyncDisposableStack,
  log: Log,
): Promise<void> {
  const noise: number[] = [];
  const listen = async () => void noise.push(await busyShare());

  log('PostgreSQL, migrations');
  const postgres = await startPostgres();
  resources.defer(() => postgres.stop());
  const databaseUrl = await addDatabase(postgres.url, 'a_year');
  log(`${rows.toLocaleString('en-US')} calls of ${USERS.toLocaleString('en-US')} users in ${DAYS} days`);
  await addYear(databaseUrl, { rows, users: USERS, days: DAYS });

  await listen();
  const rebuild = await measureRebuild(databaseUrl, rows, log);
  const sizes = await measureSizes(databaseUrl, DAYS);
  await listen();
  const reading = await measureReading(databaseUrl, { product: quick ? 5 : 21, rows: quick ? 3 : 7 }, log);
  await listen();
  const writing = await measureWriting(
    postgres.url,
    { rounds: quick ? 3 : 9, seconds: quick ? 2 : 6, rows: Math.min(rows, 200_000) },
    log,
  );
  await listen();
  const queues = await measureQueues(databaseUrl, { pending: quick ? 20_000 : 200_000, batch: 5_000 }, log);
  log('done');

  const sections = [reading, writing, rebuild.section, queues.section, sizes.section];
  const facts = {
    ...sizes,
    rows,
    users: USERS,
    days: DAYS,
    postgresVersion: postgres.version,
    noise: `${Math.round(Math.max(...noise) * 100)}%`,
    rebuiltPerSecond: rebuild.perSecond,
    purgedPerSecond: queues.perSecond,
  };
  console.log(toText(sections, facts));
  if (!quick && rows === ROWS) writeFileSync(REPORT, toMarkdown(sections, facts));
}
