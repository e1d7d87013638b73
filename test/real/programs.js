import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** What production runs and npm does not have. `source` names a variable with a checkout to build instead. */
export const PROGRAMS = [
  {
    name: 'Supabase Auth',
    module: 'github.com/supabase/auth',
    // Release 2.196.0. A tag with a major version that the module's path does not have is not accepted.
    version: '0204331ca41a5b49f076b6fa3dc6c0d20b996590',
    package: '.',
    source: 'SUPABASE_AUTH_SOURCE',
    variable: 'SUPABASE_AUTH_PROGRAM',
    spec: 'test/real/supabase-auth.spec.ts',
  },
  {
    name: "GitHub's MCP server",
    module: 'github.com/github/github-mcp-server',
    version: 'v1.10.1',
    package: './cmd/github-mcp-server',
    source: 'GITHUB_MCP_SERVER_SOURCE',
    variable: 'GITHUB_MCP_SERVER_PROGRAM',
    spec: 'test/real/github-mcp-server.spec.ts',
  },
];

/** Binaries of exact versions stay here, so only the first run builds. */
const CACHE = resolve('node_modules/.cache/real');
const DOWNLOAD_TIMEOUT = 120_000;
const BUILD_TIMEOUT = 900_000;

export function hasGo() {
  return spawnSync('go', ['version']).status === 0;
}

/**
 * Builds a program of the module's own source and checksums.
 *
 * @returns its path
 * @throws Error with one line that says why it cannot be built
 */
export function build({ name, module, version, package: target, source }) {
  const checkout = process.env[source];
  const binary = join(CACHE, `${module.split('/').at(-1)}-${checkout ? 'checkout' : version}`);
  // A checkout may have changed. Go's own cache makes its build quick.
  if (!checkout && existsSync(binary)) return binary;
  mkdirSync(CACHE, { recursive: true });
  const folder = checkout ? resolve(checkout) : download(module, version);
  process.stdout.write(`Building ${name} in ${folder}\n`);
  const { status, stderr, error } = spawnSync('go', ['build', '-o', binary, target], {
    cwd: folder,
    encoding: 'utf8',
    timeout: BUILD_TIMEOUT,
  });
  if (status !== 0) throw new Error(`it does not build: ${error?.message ?? lastLine(stderr)}`);
  return binary;
}

function download(module, version) {
  const { status, stdout, error } = spawnSync('go', ['mod', 'download', '-json', `${module}@${version}`], {
    // Outside of any module.
    cwd: CACHE,
    encoding: 'utf8',
    timeout: DOWNLOAD_TIMEOUT,
  });
  const answer = parse(stdout);
  if (status === 0 && answer.Dir) return answer.Dir;
  const reason = error?.message ?? lastLine(answer.Error ?? '');
  throw new Error(`the Go module proxy does not provide ${module}@${version}: ${reason}`);
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

const lastLine = (text) => text.trim().split('\n').at(-1).trim().replace(/\.$/, '');
