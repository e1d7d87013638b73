import { createApp } from './bootstrap.js';
import { type AppConfig, loadConfig } from './config/app-config.js';
import { ConfigurationError, parseEnvironment } from './config/environment.js';
import type { EmbeddedStack } from './embedded/embedded-stack.js';
import { VENDORS } from './modules/models/vendors/vendors.js';
import { describe, stopWhenNeeded } from './shutdown.js';

/** Starts the server from the process environment. A problem is one line on standard error and exit code 1. */
export async function startServer(): Promise<void> {
  try {
    await start();
  } catch (error) {
    const known =
      error instanceof ConfigurationError || (error instanceof Error && error.name === 'EmbeddedStackError');
    process.stderr.write(known ? `switchboard: ${error.message}\n` : `${describe(error)}\n`);
    process.exit(1);
  }
}

async function start(): Promise<void> {
  const environment = parseEnvironment(process.env, VENDORS);
  if (environment.DATABASE_URL) return run(loadConfig(process.env, VENDORS));

  const { startEmbeddedStack } = await import('./embedded/embedded-stack.js');
  const host = environment.HOST === '0.0.0.0' || environment.HOST === '::' ? '127.0.0.1' : environment.HOST;
  const stack = await startEmbeddedStack({
    dataDir: environment.DATA_DIR,
    publicUrl: `http://${host}:${environment.PORT}`,
    nodeEnv: environment.NODE_ENV,
    authRateLimit: environment.EMBEDDED_AUTH_RATE_LIMIT,
    requestTimeout: environment.REQUEST_TIMEOUT_MS,
    log: (line) => process.stdout.write(`${line}\n`),
  });
  try {
    await run(loadConfig({ ...process.env, ...stack.environment }, VENDORS, { embedded: true }), stack);
  } catch (error) {
    await stack.stop();
    throw stack.explain(error);
  }
}

/** The time limit for an upload to the embedded storage. */
const UPLOAD_TIMEOUT = 120_000;

async function run(config: AppConfig, stack?: EmbeddedStack): Promise<void> {
  if (config.database.migrateOnStart) {
    const { runMigrations } = await import('./common/database/migrate.js');
    await runMigrations({ url: config.database.directUrl ?? config.database.url });
  }
  const app = await createApp(config, {
    longestRequest: stack && UPLOAD_TIMEOUT,
    mount:
      stack &&
      (async (fastify, countRefused) =>
        (await import('./embedded/embedded.plugin.js')).mountEmbeddedStack(fastify, stack, countRefused)),
  });
  stopWhenNeeded(app, { deadline: config.server.shutdownTimeout, stack });
  await app.listen(config.server.port, config.server.host);
  if (stack) {
    const { startBanner } = await import('./embedded/banner.js');
    process.stdout.write(
      `${startBanner({ url: await app.getUrl(), publishableKey: stack.publishableKey }).join('\n')}\n`,
    );
  } else {
    process.stdout.write(`Switchboard is listening on ${await app.getUrl()}, docs at /docs\n`);
  }
}
