/**
 * Lets Node load the test files. Jest would load the whole application and its packages anew for each file, which took
 * longer than most files test. Here a worker loads them once, from `dist`.
 */
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import Runtime from 'jest-runtime';
import './module-hooks.js';

const require = createRequire(import.meta.url);

/** How often a failed test runs again. The run ends with a list of those that passed then: see `flaky-reporter.js`. */
const RETRIES = Number(process.env['TEST_RETRIES'] ?? 1);

const builtSources = new Map();
const dist = join(import.meta.dirname, '../../../dist');
for (const name of readdirSync(dist, { recursive: true }))
  if (name.endsWith('.js')) builtSources.set(join(dist, name), `${join(dist, name)}.map`);

class NativeRuntime extends Runtime {
  unstable_shouldLoadAsEsm() {
    return true;
  }

  async unstable_importModule(path) {
    globalThis.jest = this.requireModuleOrMock(path, '@jest/globals').jest;
    globalThis.jest.retryTimes(RETRIES, { logErrorsBeforeRetry: true });
    await import(pathToFileURL(path).href);
  }

  /** The test framework, which keeps the state of one test file. */
  requireInternalModule(path) {
    delete require.cache[path];
    return require(path);
  }

  /** Modules are Node's own. */
  installGetBuiltinModule() {}

  /** Errors show the sources of `dist`. */
  getSourceMaps() {
    return builtSources;
  }
}

export { NativeRuntime as 'module.exports' };
