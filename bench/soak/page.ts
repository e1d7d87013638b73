import { availableParallelism, totalmem } from 'node:os';
import type { People } from './people.js';
import { describeGrowth, FLAT, isFlatIn } from './soak.js';
import { meanOf, type Sample } from './watch.js';

/** Rows of the table over time. */
const ROWS = 12;

interface Run {
  samples: readonly Sample[];
  after: Sample;
  people: People;
  minutes: number;
  hasRedis: boolean;
}

/** The page that is committed. */
export function toSoakPage({ samples, after, people, minutes, hasRedis }: Run): string {
  const row = (cells: Array<string | number>) => `| ${cells.join(' | ')} |`;
  const part = (index: number) => [index / ROWS, (index + 1) / ROWS] as const;
  const round = (value: number, digits = 0) => value.toFixed(digits);
  const cellsOf = (from: number, to: number) => [
    round(meanOf(samples, 'streams', from, to)),
    round(meanOf(samples, 'memory', from, to)),
    round(meanOf(samples, 'heap', from, to)),
    round(meanOf(samples, 'handles', from, to)),
    round(meanOf(samples, 'connections', from, to)),
    round(meanOf(samples, 'loopDelay', from, to), 1),
  ];
  const failures = [...people.failures.values()].reduce((sum, count) => sum + count, 0);
  const deeds = [...people.deeds]
    .map(([name, count]) => `${count.toLocaleString('en-US')} × ${name}`)
    .join(', ');
  return `# Soak

Written by \`npm run bench -- --only soak --minutes ${minutes}\` on ${new Date().toISOString().slice(0, 10)}. ${availableParallelism()} cores for everything, ${Math.round(totalmem() / 1024 ** 3)} GB,
Node.js ${process.versions.node}. Two instances on one PostgreSQL${hasRedis ? ' with Redis' : ', without Redis'}. 30 people use both in turn, for ${minutes} minutes:
${deeds}. ${failures === 0 ? 'No request failed.' : `${failures} requests failed.`}

All figures are sums of both instances, except the delay of the event loop, which is the longer one. Each row is the mean of a part of the run.

${row(['minutes', 'live streams', 'resident MB', 'heap MB', 'open handles', 'connections', 'event loop p99, ms'])}
${row(['---', '---:', '---:', '---:', '---:', '---:', '---:'])}
${Array.from({ length: ROWS }, (_, index) => {
  const [from, to] = part(index);
  return row([`${round(from * minutes)}–${round(to * minutes)}`, ...cellsOf(from, to)]);
}).join('\n')}

Six seconds after the last answer: ${after.streams} live streams, ${round(after.memory)} MB, ${after.handles} handles, ${after.connections} connections.

${FLAT.map((kind) => {
  const growth = meanOf(samples, kind.name, 0.75, 1) / meanOf(samples, kind.name, 0.25, 0.5) - 1;
  const verdict = isFlatIn(samples, kind) ? 'flat' : '**not flat**';
  return `- ${verdict}: ${kind.label}, ${growth > 0 ? '+' : ''}${round(growth * 100)}% from the second quarter to the last (at most ${describeGrowth(kind)} more)`;
}).join('\n')}
`;
}
