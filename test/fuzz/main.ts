import { randomInt } from 'node:crypto';
import { setup, teardown } from './cluster.js';
import { runCampaign } from './campaign.js';
import { describeFailures, describeLog, tableOf } from './report.js';
import { startTarget } from './target.js';

/** Two to three minutes on two cores. */
const DEFAULT_REQUESTS = 27_000;

/** Runs the whole campaign. The exit code is 1 if anything failed. */
export async function main(): Promise<void> {
  const { FUZZ_SEED, FUZZ_REQUESTS, FUZZ_OPERATION } = process.env;
  const seed = FUZZ_SEED ? Number(FUZZ_SEED) : randomInt(2 ** 31);
  const requests = FUZZ_REQUESTS ? Number(FUZZ_REQUESTS) : DEFAULT_REQUESTS;
  const print = (text: string) => process.stdout.write(`${text}\n`);
  print(
    `FUZZ_SEED=${seed} FUZZ_REQUESTS=${requests}${FUZZ_OPERATION ? ` FUZZ_OPERATION=${FUZZ_OPERATION}` : ''}`,
  );
  await setup();
  const target = await startTarget();
  try {
    const started = performance.now();
    const results = await runCampaign(target, {
      seed,
      requests,
      operation: FUZZ_OPERATION,
      onProgress: progress,
    });
    print(`\n${tableOf(results)}\n`);
    const failures = describeFailures(results);
    for (const failure of failures) print(`${failure}\n`);
    const sent = results.reduce((sum, { requests }) => sum + requests, 0);
    const seconds = Math.round((performance.now() - started) / 1000);
    print(
      `${sent} requests in ${seconds} s, ${failures.length} kinds of failure. FUZZ_SEED=${seed} sends the same again.`,
    );
    if (failures.length > 0) {
      process.exitCode = 1;
      print(`\nThe server's own errors:\n${describeLog(target.output()).join('\n')}`);
    }
  } finally {
    await target.close();
    await teardown();
  }
}

function progress(done: number, all: number): void {
  if (process.stdout.isTTY) process.stdout.write(`\r${done} of ${all}`);
}
