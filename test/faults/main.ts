import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { seeded } from '../support/usage-ledger.js';
import { examine, footprintOf } from './checks.js';
import type { Fault } from './fault.js';
import { FAULTS } from './faults.js';
import { Load } from './load.js';
import { describeFindings, hasFailed, type Result, tableOf } from './report.js';
import { Stage } from './stage.js';

/** Streams at the same time, the words of the longest answer, and milliseconds before and after a fault. */
const WHOLE = { clients: 30, longest: 50, before: 1_500, after: 1_000 };
const SHORT = { clients: 20, longest: 12, before: 700, after: 100 };
/** The short form begins no other fault after this, so that it takes less than a minute. */
const SHORT_BUDGET = 30_000;

const print = (text: string) => process.stdout.write(`${text}\n`);

/** Runs the faults one after the other, and prints a table. The exit code is 1 if anything was lost, stuck or wrong. */
export async function main(argv: string[]): Promise<void> {
  const { values } = parseArgs({
    args: argv,
    options: {
      short: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
      rounds: { type: 'string' },
    },
  });
  const chosen = FAULTS.filter(
    ({ name, isShort }) =>
      (!values.short || isShort) &&
      (values.only.length === 0 || values.only.some((part) => name.includes(part))),
  );
  if (chosen.length === 0)
    throw new Error(`No fault has this name. There are: ${FAULTS.map(({ name }) => name).join(', ')}`);
  const seed = Number(process.env['FAULTS_SEED'] ?? randomInt(2 ** 31));
  print(`FAULTS_SEED=${seed}`);

  const stage = await Stage.open();
  const results: Result[] = [];
  try {
    const random = seeded(seed);
    const form = values.short ? SHORT : WHOLE;
    const load = new Load(stage, random, form.longest);
    const startedAt = performance.now();
    // The short form begins with other faults each time.
    for (const fault of values.short ? random.shuffle(chosen) : inOrder(chosen)) {
      if (values.short && performance.now() - startedAt > SHORT_BUDGET) {
        print(`left out, because the time is over: ${fault.name}`);
        continue;
      }
      const missing = fault.needs?.find((need) => !stage.has(need));
      if (missing) {
        print(`left out: ${fault.name}, because there is no ${missing}`);
        continue;
      }
      await stage.prepare(fault.needs?.includes('pgbouncer') ?? false);
      const rounds = values.rounds ? Number(values.rounds) : values.short ? 1 : fault.rounds;
      const result = await run(fault, rounds, form, { stage, load, random });
      results.push(result);
      print(tableOf([result]).split('\n')[1]!);
      for (const line of describeFindings(result)) print(`  ${line}`);
    }
  } finally {
    if (results.some(hasFailed)) print(problemsIn(stage.output()));
    await stage.close();
  }
  print(`\n${tableOf(results)}\n`);
  const failed = results.filter(hasFailed).length;
  print(`${results.length - failed} passed, ${failed} failed`);
  if (failed > 0) process.exitCode = 1;
}

/** Those behind PgBouncer last, because their servers start anew. */
function inOrder(faults: Fault[]): Fault[] {
  return faults.toSorted(
    (one, other) =>
      Number(one.needs?.includes('pgbouncer') ?? false) - Number(other.needs?.includes('pgbouncer') ?? false),
  );
}

interface Parts {
  stage: Stage;
  load: Load;
  random: ReturnType<typeof seeded>;
}

async function run(fault: Fault, rounds: number, form: typeof WHOLE, parts: Parts): Promise<Result> {
  const { stage, load } = parts;
  const result: Result = {
    ...{ name: fault.name, rounds, turns: 0, acknowledged: 0, finished: 0, seconds: 0 },
    ...{ lost: [], stuck: [], others: [] },
  };
  const startedAt = performance.now();
  for (let round = 0; round < rounds; round++) {
    load.clear();
    const before = new Map(stage.servers.map((server) => [server, footprintOf(server)]));
    load.start(stage.users, form.clients);
    await sleep(form.before);
    try {
      await fault.strike(parts);
    } catch (error) {
      result.others.push(`the fault itself failed: ${String(error)}`);
    }
    await sleep(form.after);
    await load.end();
    const { lost, stuck, others } = await examine(stage, load.turns, before, {
      refusesCalls: load.hasRefusedCalls,
    });
    result.lost.push(...lost);
    result.stuck.push(...stuck);
    result.others.push(...others, ...load.complaints);
    result.turns += load.turns.length;
    result.acknowledged += load.turns.filter(({ isAcknowledged }) => isAcknowledged).length;
    result.finished += load.turns.filter(({ told }) => told).length;
  }
  return { ...result, seconds: (performance.now() - startedAt) / 1000 };
}

/** Errors in the servers' logs, each kind once. */
function problemsIn(output: string): string {
  const kinds = new Map<string, number>();
  for (const line of output.split('\n')) {
    if (line === '' || /"level":"?(?:info|debug|20|30)"?/.test(line)) continue;
    const kind = line.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}|\d+/g, '…').slice(0, 400);
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  const lines = [...kinds].toSorted(([, one], [, other]) => other - one).slice(0, 15);
  return ['The servers printed:', ...lines.map(([kind, count]) => `${count} × ${kind}`)].join('\n');
}
