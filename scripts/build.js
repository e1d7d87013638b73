/**
 * Compiles `src` to `dist`. With `--if-stale` it does nothing if no source is newer than the last build. `npm start`
 * then only checks file times and does not run the compiler.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

const root = dirname(import.meta.dirname);
const stamp = join(root, 'dist', '.built');
const inputs = ['src', 'ormconfig.ts', 'tsconfig.json', 'tsconfig.build.json', 'package-lock.json'];

const isInstalled = (name) => existsSync(join(root, 'node_modules', name));
if (!isInstalled('@nestjs/core')) fail('the dependencies are not installed. Run npm ci first.');
// npm leaves them out if NODE_ENV is production.
if (!['typescript', 'vite'].every(isInstalled))
  fail('what the build needs is not installed. Run npm ci --include=dev first.');

const newest = Math.max(...inputs.map((input) => newestTime(join(root, input))));
const isStale = !existsSync(stamp) || statSync(stamp).mtimeMs < newest;

if (!process.argv.includes('--if-stale') || isStale) {
  const since = performance.now();
  process.stdout.write('Building Switchboard…\n');
  if (!existsSync(stamp)) rmSync(join(root, 'dist'), { recursive: true, force: true });
  const compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  const { status } = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], {
    cwd: root,
    stdio: 'inherit',
  });
  if (status !== 0) process.exit(status ?? 1);
  writeFileSync(stamp, '');
  process.stdout.write(`Built in ${((performance.now() - since) / 1_000).toFixed(1)} s.\n`);
}

function fail(problem) {
  process.stderr.write(`switchboard: ${problem}\n`);
  process.exit(1);
}

function newestTime(path) {
  const stats = statSync(path);
  if (!stats.isDirectory()) return stats.mtimeMs;
  // The modification time of a folder changes when files are removed.
  return Math.max(stats.mtimeMs, ...readdirSync(path).map((name) => newestTime(join(path, name))));
}
