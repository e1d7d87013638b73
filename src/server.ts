import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { createApp } from './bootstrap.js';
import { causeOf } from './common/database/connection-failure.js';
import { isPassing } from './common/errors/postgres-errors.js';
import { type AppConfig, checkEmbeddedEnvironment, loadConfig } from './config/app-config.js';
import { loadEnvFile } from './config/env-file.js';
import { ConfigurationError, parseEnvironment, variableNames } from './config/environment.js';
import { describeUnknownVariables } from './config/unknown-variables.js';
import type { EmbeddedStack } from './embedded/embedded-stack.js';
import { VENDORS } from './modules/models/vendors/vendors.js';
import { describe, stopWhenNeeded } from './shutdown.js';
import { checkPort, describeListenFailure, prepareDatabase } from './start-checks.js';

/** Starts the server from the process environment and `.env`. A problem is one line on standard error and exit code 1. */
export async function startServer(): Promise<void> {
  // A terminal that was closed, or a log on a full disk, is no reason to end.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  try {
    await start();
  } catch (error) {
    process.stderr.write(`${reasonOf(error)}\n`);
    process.exit(1);
  }
}

/** One line if the operator can do something about it. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return describe(error);
  if (error instanceof ConfigurationError || error.name === 'EmbeddedStackError')
    return `switchboard: ${error.message}`;
  return isPassing(error)
    ? `switchboard: The database failed while the server was starting: ${causeOf(error).message}`
    : describe(error);
}

const print = (line: string) => process.stdout.write(`${line}\n`);

async function start(): Promise<void> {
  loadEnvFile();
  for (const line of describeUnknownVariables(process.env, variableNames(VENDORS))) {
    process.stderr.write(`switchboard: warning: ${line}\n`);
  }
  const environment = parseEnvironment(process.env, VENDORS);
  if (environment.DATABASE_URL) {
    const config = loadConfig(process.env, VENDORS);
    await checkPorts(config.server);
    return run(config);
  }

  checkEmbeddedEnvironment(environment);
  await checkPorts({ host: environment.HOST, port: environment.PORT, metricsPort: environment.METRICS_PORT });
  const { startEmbeddedStack } = await import('./embedded/embedded-stack.js');
  const host = environment.HOST === '0.0.0.0' || environment.HOST === '::' ? '127.0.0.1' : environment.HOST;
  const stack = await startEmbeddedStack({
    dataDir: environment.DATA_DIR,
    publicUrl: `http://${host}:${environment.PORT}`,
    nodeEnv: environment.NODE_ENV,
    authRateLimit: environment.EMBEDDED_AUTH_RATE_LIMIT,
    requestTimeout: environment.REQUEST_TIMEOUT_MS,
    log: print,
  });
  try {
    await run(loadConfig({ ...process.env, ...stack.environment }, VENDORS, { embedded: true }), stack);
  } catch (error) {
    await stack.stop();
    throw stack.explain(error);
  }
}

/** Before a database is set up, which takes a while on the first start. */
async function checkPorts({
  host,
  port,
  metricsPort,
}: Pick<AppConfig['server'], 'host' | 'port' | 'metricsPort'>): Promise<void> {
  await checkPort(host, port, 'PORT');
  if (metricsPort !== undefined) await checkPort(host, metricsPort, 'METRICS_PORT');
}

/** The time limit for an upload to the embedded storage. */
const UPLOAD_TIMEOUT = 120_000;

async function run(config: AppConfig, stack?: EmbeddedStack): Promise<void> {
  await prepareDatabase(config, print);
  const app = await createApp(config, {
    longestRequest: stack && UPLOAD_TIMEOUT,
    docsTokenUrl: stack && (await import('./embedded/docs-token.js')).DOCS_TOKEN_URL,
    mount:
      stack &&
      (async (fastify, countRefused) => {
        const { mountEmbeddedStack } = await import('./embedded/embedded.plugin.js');
        const { mountDocsToken } = await import('./embedded/docs-token.js');
        await mountEmbeddedStack(fastify, stack, countRefused);
        await mountDocsToken(fastify, stack);
      }),
  });
  stopWhenNeeded(app, { deadline: config.server.shutdownTimeout, stack });
  const bannerOf = stack && (await prepareBanner(stack));
  await listen(app, config.server);
  const url = await app.getUrl();
  print(bannerOf?.(url) ?? `Switchboard is listening on ${url}, docs at /docs`);
}

async function prepareBanner(stack: EmbeddedStack): Promise<(url: string) => string> {
  const { chooseAccount, startBanner } = await import('./embedded/banner.js');
  const account = await chooseAccount((user) => stack.findUser(user));
  return (url) => startBanner({ url, publishableKey: stack.publishableKey, ...account }).join('\n');
}

/** The ports were free a moment ago, but another program may have been faster. */
async function listen(
  app: NestFastifyApplication,
  { host, port, metricsPort }: AppConfig['server'],
): Promise<void> {
  try {
    await app.listen(port, host);
  } catch (error) {
    const isMetrics = metricsPort !== undefined && (error as { port?: unknown }).port === metricsPort;
    throw (
      (isMetrics
        ? describeListenFailure(error, host, metricsPort, 'METRICS_PORT')
        : describeListenFailure(error, host, port, 'PORT')) ?? error
    );
  }
}
