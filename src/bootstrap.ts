import cors from '@fastify/cors';
import helmet from '@fastify/helmet';
import { Logger } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { DestinationStream } from 'pino';
import { AppModule } from './app.module.js';
import { ProblemFilter, sendProblem } from './common/errors/problem.filter.js';
import { createClientErrorHandler } from './common/http/client-error.js';
import { allowedHeaders, EXPOSED_HEADERS } from './common/http/cors.js';
import { DrainingAdapter } from './common/http/draining-adapter.js';
import { type CountRefused, deferBodies, registerRequestHooks } from './common/http/hooks.js';
import { requestIdOf } from './common/http/request-id.js';
import { RequestThrottle } from './common/http/request-throttle.js';
import { deadlinesOf } from './common/http/server-options.js';
import { createValidationPipe } from './common/http/validation.js';
import { createLogger, NestLogger } from './common/logging/logger.js';
import { registerSecrets } from './common/logging/scrub.js';
import type { AppConfig } from './config/app-config.js';
import { setupDocs } from './docs.js';
import { KEY_HEADERS } from './modules/models/vendors/vendors.js';
import { setupWebClient } from './web-client.js';

export interface AppOptions {
  /** Destination of log lines. The default is standard output. */
  logDestination?: DestinationStream;
  /** Adds routes to the bare Fastify instance before Nest's own (the embedded stack's auth and storage). */
  mount?: (fastify: FastifyInstance, countRefused: CountRefused) => Promise<void>;
  /** Where the page at `/docs` gets a token for an email address and a password. */
  docsTokenUrl?: string;
  /** Milliseconds in which a request of those routes must arrive, if that is longer than `requestTimeout`. */
  longestRequest?: number;
}

/** Builds the application, ready to `listen`. The server and the tests boot the same application. */
export async function createApp(
  config: AppConfig,
  options: AppOptions = {},
): Promise<NestFastifyApplication> {
  registerSecrets([
    config.supabase.secretKey,
    config.supabase.jwtSecret,
    ...Object.values(config.providers).map(({ apiKey }) => apiKey),
  ]);
  // The AI SDK's warnings quote prompts and reasoning, and bypass the log.
  globalThis.AI_SDK_LOG_WARNINGS = false;
  const pino = createLogger(config.logLevel, options.logDestination);
  const logger = new NestLogger(pino);
  const frameworkLogger = new Logger('Http');
  // The adapter is created before the application, which has the throttle. Requests arrive after both exist.
  const throttle = (): RequestThrottle => app.get(RequestThrottle);
  const adapter = new DrainingAdapter({
    ...deadlinesOf(config.server.requestTimeout, options.longestRequest),
    trustProxy: config.server.trustProxy,
    requestIdHeader: false,
    genReqId: requestIdOf,
    logger: false,
    forceCloseConnections: true,
    // Client ids of 128 characters, each percent-encoded from up to four bytes.
    routerOptions: { maxParamLength: 2048 },
    frameworkErrors: (error: Error, request: FastifyRequest, reply: FastifyReply) => {
      throttle()
        .countRefused(request)
        .then(
          () => sendProblem(error, request, reply, frameworkLogger),
          (refusal: unknown) => sendProblem(refusal, request, reply, frameworkLogger),
        );
    },
    clientErrorHandler: createClientErrorHandler((address) => throttle().countAddress(address)),
  });
  const fastify = adapter.getInstance<FastifyInstance>();
  deferBodies(fastify);
  const countRefused: CountRefused = (request) => throttle().countRefused(request);
  registerRequestHooks(fastify, {
    logger: pino,
    keyHeaders: KEY_HEADERS,
    countRefused,
    requestTimeout: config.server.requestTimeout,
  });
  if (options.mount) await options.mount(fastify, countRefused);

  const app: NestFastifyApplication = await NestFactory.create<NestFastifyApplication>(
    AppModule.with(config),
    adapter,
    {
      logger,
      bufferLogs: false,
      abortOnError: false,
      // The guards read the body, after they have admitted the request.
      bodyParser: false,
    },
  );
  const anyOrigin = config.server.corsOrigins.includes('*');
  await app.register(cors, {
    origin: anyOrigin ? '*' : config.server.corsOrigins,
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    allowedHeaders: allowedHeaders(KEY_HEADERS),
    exposedHeaders: EXPOSED_HEADERS,
    maxAge: 600,
    // Requests without `Accept` headers are answered too.
    strictPreflight: false,
  });
  await app.register(helmet, {
    crossOriginResourcePolicy: { policy: 'cross-origin' },
    contentSecurityPolicy: {
      directives: {
        defaultSrc: ["'self'"],
        imgSrc: ["'self'", 'data:'],
        styleSrc: ["'self'", "'unsafe-inline'"],
        // The docs page is also read over plain HTTP on a developer's machine.
        upgradeInsecureRequests: null,
      },
    },
  });
  app.useGlobalPipes(createValidationPipe());
  app.useGlobalFilters(new ProblemFilter());
  const hasWebClient = await setupWebClient(app, config);
  setupDocs(app, { tokenUrl: options.docsTokenUrl, hasRoot: !hasWebClient });
  return app;
}
