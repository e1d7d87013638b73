/**
 * Runs as `npm run test:real`: builds what production has, and runs the server against it. What cannot be built is left
 * out, and the last lines say so. With REAL_REQUIRED=true, that is a failure.
 */
import { spawnSync } from 'node:child_process';
import { build, hasGo, PROGRAMS } from './programs.js';

const environment = { ...process.env };
const specs = [];
const leftOut = [];

for (const program of PROGRAMS) {
  const since = performance.now();
  try {
    if (!hasGo()) throw new Error('go is not on the PATH');
    environment[program.variable] = build(program);
    specs.push(program.spec);
    process.stdout.write(
      `${program.name} is ready after ${Math.round((performance.now() - since) / 1000)} s.\n`,
    );
  } catch (error) {
    leftOut.push(
      `Left out: ${program.name}, because ${error.message}. A checkout in ${program.source} is built instead.`,
    );
  }
}

let status = 0;
if (specs.length > 0) {
  const jest = ['node_modules/jest/bin/jest.js', '--testPathIgnorePatterns=/node_modules/', '--runInBand'];
  status = spawnSync(process.execPath, [...jest, '--runTestsByPath', ...specs, ...process.argv.slice(2)], {
    env: environment,
    stdio: 'inherit',
  }).status;
}
for (const line of leftOut) process.stderr.write(`${line}\n`);
process.exitCode = status ?? 1;
if (process.env.REAL_REQUIRED === 'true' && leftOut.length > 0) process.exitCode = 1;
