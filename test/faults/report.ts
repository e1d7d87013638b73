import type { Findings } from './checks.js';

/** The rounds of one fault. */
export interface Result extends Findings {
  name: string;
  rounds: number;
  turns: number;
  acknowledged: number;
  finished: number;
  seconds: number;
}

const HEADINGS = [
  'fault',
  'rounds',
  'turns',
  'acknowledged',
  'finished',
  'lost',
  'stuck',
  'other',
  'seconds',
];

/** The table fault × rounds × lost × stuck. */
export function tableOf(results: readonly Result[]): string {
  const rows = [
    HEADINGS,
    ...results.map(({ name, rounds, turns, acknowledged, finished, lost, stuck, others, seconds }) =>
      [
        name,
        rounds,
        turns,
        acknowledged,
        finished,
        lost.length,
        stuck.length,
        others.length,
        Math.round(seconds),
      ].map(String),
    ),
  ];
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows
    .map((row) =>
      row.map((cell, column) => (column ? cell.padStart(widths[column]!) : cell.padEnd(widths[0]!))),
    )
    .map((cells) => cells.join('  '))
    .join('\n');
}

export function hasFailed({ lost, stuck, others }: Findings): boolean {
  return lost.length + stuck.length + others.length > 0;
}

/** What was wrong, each kind once. */
export function describeFindings({ name, lost, stuck, others }: Result): string[] {
  const counts = new Map<string, number>();
  for (const text of [...lost, ...stuck, ...others]) counts.set(text, (counts.get(text) ?? 0) + 1);
  return [...counts].map(([text, count]) => `${name}: ${text}${count > 1 ? ` (${count} times)` : ''}`);
}
