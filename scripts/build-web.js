/**
 * Builds the web client (`examples/web`) to `dist/web`, where the server serves it. With `--if-stale` it does nothing if
 * no source is newer than the last build.
 */
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';

const root = dirname(import.meta.dirname);
const source = join(root, 'examples/web');
const target = join(root, 'dist/web');
const inputs = [source, join(root, 'package-lock.json'), import.meta.filename];

const stamp = join(target, 'index.html');
const newest = Math.max(...inputs.map(newestTime));
if (!process.argv.includes('--if-stale') || !existsSync(stamp) || statSync(stamp).mtimeMs < newest) {
  const since = performance.now();
  process.stdout.write('Building the web client…\n');
  await build();
  process.stdout.write(`Built in ${((performance.now() - since) / 1_000).toFixed(1)} s.\n`);
}

/** The old build is replaced at once: a server may be serving it, and another process may be building, too. */
async function build() {
  const folder = join(root, `dist/.web-${process.pid}`);
  const vite = createRequire(import.meta.url).resolve('vite');
  const { build: viteBuild } = await import(pathToFileURL(vite).href);
  try {
    await viteBuild({ root: source, logLevel: 'warn', build: { outDir: folder, emptyOutDir: true } });
    compress(folder);
    rmSync(target, { recursive: true, force: true });
    renameSync(folder, target);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The server sends these files as they are. */
function compress(folder) {
  for (const name of readdirSync(folder, { recursive: true })) {
    const path = join(folder, name);
    if (!/\.(?:js|css|html|svg)$/.test(name) || statSync(path).size < 1_024) continue;
    const content = readFileSync(path);
    const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } };
    writeFileSync(`${path}.br`, brotliCompressSync(content, quality));
    writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }));
  }
}

function newestTime(path) {
  const stats = statSync(path);
  if (!stats.isDirectory()) return stats.mtimeMs;
  const names = readdirSync(path).filter((name) => name !== 'node_modules');
  return Math.max(stats.mtimeMs, ...names.map((name) => newestTime(join(path, name))));
}
