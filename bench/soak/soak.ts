import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { HAS_REDIS, RedisServer } from '../../test/support/redis.js';
import { Figure } from '../support/figures.js';
import { startProduct, type Stage } from '../support/stage.js';
import { toSoakPage } from './page.js';
import { People } from './people.js';
import { look, meanOf, type Sample } from './watch.js';

const PEOPLE = 30;
const INSTANCES = 2;
const SAMPLE_EVERY = 10_000;
/** A shorter run says little, and writes nothing. */
const LEAST_MINUTES_TO_WRITE = 30;
const PAGE = new URL('../SOAK.md', import.meta.url);

/**
 * What must not grow from the second quarter of the run to the last, and by how much it may: a share, and a few where there
 * are only a few. The pool opens and closes connections with the load.
 */
export const FLAT = [
  { name: 'memory', label: 'resident memory', unit: 'MB', tolerance: 0.1, few: 0 },
  { name: 'heap', label: 'heap', unit: 'MB', tolerance: 0.15, few: 0 },
  { name: 'handles', label: 'open handles', unit: '', tolerance: 0.1, few: 0 },
  { name: 'connections', label: 'connections to PostgreSQL', unit: '', tolerance: 0.1, few: 4 },
  { name: 'loopDelay', label: 'event loop delay, p99', unit: 'ms', tolerance: 0.5, few: 0 },
] as const;

/** Mixed load on two instances for a long time. Everything that they use must stay flat. */
export async function measureSoak(stage: Stage): Promise<Figure[]> {
  const redis = HAS_REDIS ? await RedisServer.start() : undefined;
  const database = new pg.Client(stage.databaseUrl);
  await database.connect();
  const servers = await Promise.all(
    Array.from({ length: INSTANCES }, () =>
      startProduct(stage, 'Switchboard', redis ? { REDIS_URL: redis.url } : {}),
    ),
  );
  const samples: Sample[] = [];
  try {
    const startedAt = performance.now();
    const end = startedAt + stage.minutes * 60_000;
    const people = new People(
      servers.map(({ url }) => url),
      stage.seed.users.slice(0, PEOPLE),
    );
    while (performance.now() < end) {
      await sleep(Math.min(SAMPLE_EVERY, Math.max(0, end - performance.now())));
      samples.push(await look(servers, database, startedAt));
      const { at, memory, handles, connections, loopDelay } = samples.at(-1)!;
      if (samples.length % 6 === 0)
        stage.log(
          `${Math.round(at / 60)} min: ${Math.round(memory)} MB, ${handles} handles, ${connections} connections, event loop p99 ${loopDelay.toFixed(1)} ms`,
        );
    }
    await people.end();
    for (const [failure, count] of people.failures) stage.log(`${count} × ${failure}`);
    // What was opened for answers is closed with them.
    await sleep(6_000);
    const after = await look(servers, database, startedAt);
    if (stage.minutes >= LEAST_MINUTES_TO_WRITE)
      writeFileSync(
        PAGE,
        toSoakPage({ samples, after, people, minutes: stage.minutes, hasRedis: HAS_REDIS }),
      );
    return figuresOf(samples, after, people);
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
    await database.end();
    await redis?.stop();
  }
}

function figuresOf(samples: readonly Sample[], after: Sample, people: People): Figure[] {
  const flat = FLAT.map((kind) => {
    const { name, label, unit } = kind;
    const isFlat = isFlatIn(samples, kind);
    const figure = new Figure(
      `${label}, last quarter (second quarter: ${meanOf(samples, name, 0.25, 0.5).toFixed(1)})`,
      unit,
      [{ text: `at most ${describeGrowth(kind)} more than in the second`, holds: () => isFlat }],
    );
    figure.note('Switchboard', meanOf(samples, name, 0.75, 1));
    return figure;
  });
  const left = new Figure('streams that are left at the end', '', [
    { text: 'none', holds: (figure) => figure.value('Switchboard') === 0 },
  ]);
  left.note('Switchboard', after.streams);
  const failed = new Figure('requests that failed', '', [
    { text: 'none', holds: (figure) => figure.value('Switchboard') === 0 },
  ]);
  failed.note(
    'Switchboard',
    [...people.failures.values()].reduce((sum, count) => sum + count, 0),
  );
  return [...flat, left, failed];
}

type Kind = (typeof FLAT)[number];

/** By how much a figure may grow. */
export function describeGrowth({ tolerance, few }: Kind): string {
  return `${tolerance * 100}%${few > 0 ? ` or ${few}` : ''}`;
}

/** Whether a figure has not grown from the second quarter of the run to the last. */
export function isFlatIn(samples: readonly Sample[], { name, tolerance, few }: Kind): boolean {
  const before = meanOf(samples, name, 0.25, 0.5);
  return meanOf(samples, name, 0.75, 1) - before <= Math.max(before * tolerance, few);
}
