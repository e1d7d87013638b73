import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fastifyStatic from '@fastify/static';
import { fastify, type FastifyInstance } from 'fastify';
import { onceInRun } from './once-in-run.js';

/** Builds the web client where the server looks for it, unless it is up to date. Workers that serve it wait for one build. */
export async function buildWebClient(): Promise<void> {
  await onceInRun('web-client', async () => {
    await promisify(execFile)(process.execPath, ['scripts/build-web.js', '--if-stale']);
  });
}

/** A page on an origin of its own, as a team would deploy it. */
export interface OwnOrigin {
  url: string;
  close(): Promise<void>;
}

/**
 * Builds a page with React's development build, in which StrictMode mounts everything twice, and serves it.
 *
 * @param root the folder of the page's sources
 * @param settings `VITE_…` variables
 */
export async function serveOnOwnOrigin(
  root: string,
  port: number,
  settings: Record<string, string>,
): Promise<OwnOrigin> {
  const folder = mkdtempSync(join(tmpdir(), 'switchboard-page-'));
  const server: FastifyInstance = fastify({ forceCloseConnections: true });
  const vite = ['node_modules/vite/bin/vite.js', 'build', root, '--outDir', folder, '--minify', 'false'];
  await promisify(execFile)(process.execPath, [...vite, '--logLevel', 'warn'], {
    env: { ...process.env, NODE_ENV: 'development', ...settings },
  });
  await server.register(fastifyStatic, { root: folder });
  const url = await server.listen({ port, host: '127.0.0.1' });
  return {
    url,
    close: async () => {
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
