import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { measureChats } from './load/chats.js';
import { measureColdStart } from './load/cold-start.js';
import { measureFirstToken } from './load/first-token.js';
import { measureLists } from './load/lists.js';
import { measureRouting } from './load/routing.js';
import { measureScale } from './load/scale.js';
import { measureSearch } from './load/search.js';
import { measureStreamLimit } from './load/stream-limit.js';
import { measureStreams } from './load/streams.js';
import { measureTurns } from './load/turns.js';
import { measureSoak } from './soak/soak.js';
import type { Figure } from './support/figures.js';
import { type Log, runMeasurements } from './support/harness.js';
import { busyShare } from './support/noise.js';
import { startPostgres } from './support/postgres.js';
import { startScript } from './support/processes.js';
import { toComparison, toMarkdown, toText } from './support/report.js';
import { buildRevision } from './support/revision.js';
import { seed } from './support/seed.js';
import type { Stage } from './support/stage.js';

const MEASUREMENTS: Record<string, (stage: Stage) => Promise<Figure[]>> = {
  'first-token': measureFirstToken,
  routing: measureRouting,
  turns: measureTurns,
  chats: measureChats,
  lists: measureLists,
  streams: measureStreams,
  'stream-limit': measureStreamLimit,
  'cold-start': measureColdStart,
  scale: measureScale,
  search: measureSearch,
  soak: measureSoak,
};

/** These take minutes, so they are only measured when they are named. */
const ONLY_BY_NAME = ['scale', 'search', 'soak'];

const RESULTS = new URL('RESULTS.md', import.meta.url);

/** The harness reports other programs that use more than this share of the processors. */
const QUIET = 0.1;

const HELP = `npm run bench -- [options], or node bench/run.ts [options] with the existing build

  --rounds <n>     how many rounds each server runs (default 3)
  --quick          one short round, to check that it runs; the figures are rough
  --only <name>    one measurement; repeat the option for more: ${Object.keys(MEASUREMENTS).join(', ')}
  --against <rev>  build another revision and measure it instead of the references
  --tuned          give Fastify + pg Switchboard's own database connections (prepared, pipelined statements)
  --minutes <n>    how long the soak takes (default 30)
  --profile <dir>  write CPU profiles of Switchboard's processes to this folder

Only a full run without --quick, --only, --tuned and --against writes bench/RESULTS.md.
`;

/** Runs the measurements and prints the table. It stops everything it started, also after a failure. */
export async function main(argv: string[]): Promise<void> {
  const options = readOptions(argv);
  if (!options) return;
  await runMeasurements((resources, log) => run(options, resources, log));
}

interface Options {
  rounds: number;
  quick: boolean;
  only: string[];
  against?: string;
  tuned: boolean;
  minutes: number;
  profileFolder?: string;
}

function readOptions(argv: string[]): Options | undefined {
  const { values } = parseArgs({
    args: argv,
    options: {
      rounds: { type: 'string' },
      quick: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
      against: { type: 'string' },
      tuned: { type: 'boolean', default: false },
      minutes: { type: 'string', default: '30' },
      profile: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  const { quick, only, against, tuned, profile, help } = values;
  const rounds = Number(values.rounds ?? (quick ? 1 : 3));
  const unknown = only.find((name) => !(name in MEASUREMENTS));
  const minutes = Number(values.minutes);
  if (help || !(minutes > 0) || unknown !== undefined || !Number.isInteger(rounds) || rounds < 1) {
    process.stdout.write(HELP);
    process.exitCode = help ? 0 : 1;
    return undefined;
  }
  return {
    rounds,
    quick,
    only,
    against,
    tuned,
    minutes,
    profileFolder: profile === undefined ? undefined : resolve(profile),
  };
}

async function run(options: Options, resources: AsyncDisposableStack, log: Log): Promise<void> {
  const { rounds, quick, only, against, tuned, minutes, profileFolder } = options;

  const revision = against === undefined ? undefined : buildRevision(against, resources, log);

  log('PostgreSQL, migrations, users');
  const postgres = await startPostgres();
  resources.defer(() => postgres.stop());
  const seeded = await seed(postgres.url);
  let other: Stage['other'];
  if (revision) {
    const databaseUrl = await postgres.createDatabase('other');
    revision.migrate(databaseUrl);
    await seed(databaseUrl, seeded);
    other = { root: revision.root, databaseUrl };
  }
  const double = await startScript({ script: 'test/doubles/serve.ts', environment: {} });
  resources.defer(() => double.stop());

  const stage: Stage = {
    databaseUrl: postgres.url,
    postgresPid: postgres.pid,
    other,
    upstreamUrl: `${double.url}/google`,
    seed: seeded,
    rounds,
    quick,
    minutes,
    tuned,
    profileFolder,
    log,
  };
  const figures: Figure[] = [];
  let noise = 0;
  for (const [name, measure] of Object.entries(MEASUREMENTS)) {
    if (only.length > 0 ? !only.includes(name) : ONLY_BY_NAME.includes(name)) continue;
    const share = await busyShare();
    noise = Math.max(noise, share);
    log(`${name}${share > QUIET ? ` (other programs use ${percent(share)} of the processors)` : ''}`);
    figures.push(...(await measure(stage)));
  }
  log('done');
  console.log(revision ? toComparison(figures, revision.name) : toText(figures));
  if (noise > QUIET)
    console.log(
      `\nNoisy: between the measurements, other programs used up to ${percent(noise)} of the processors.`,
    );
  if (quick || tuned || revision || only.length > 0) return;
  writeFileSync(
    RESULTS,
    toMarkdown(figures, { postgresVersion: postgres.version, rounds, noise: percent(noise) }),
  );
}

function percent(share: number): string {
  return `${Math.round(share * 100)}%`;
}
