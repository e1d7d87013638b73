import { execFileSync } from 'node:child_process';

/** Builds the web client where the server looks for it, unless it is up to date. */
export function buildWebClient(): void {
  execFileSync(process.execPath, ['scripts/build-web.js', '--if-stale'], { stdio: 'inherit' });
}
