import {
  ConfigurationError,
  type Environment,
  type KnownVendors,
  parseEnvironment,
  type ProviderConfig,
} from './environment.js';

/**
 * Everything that the server reads from its environment, validated and typed. Durations are in milliseconds, and sizes
 * in bytes. `VendorId` is `Provider` for code that looks up a vendor.
 */
export interface AppConfig<VendorId extends string = string> {
  nodeEnv: 'development' | 'production' | 'test';
  logLevel: string;
  server: {
    port: number;
    host: string;
    corsOrigins: string[];
    /** The limit for bodies that may be large: messages, documents, configurations. */
    bodyLimit: number;
    /** How long a request may take to arrive, with its body. */
    requestTimeout: number;
    metricsPort?: number;
    throttleLimit: number;
    /** Addresses and networks of proxies whose `X-Forwarded-For` is trusted, or the number of nearest hops. */
    trustProxy: boolean | string | ((address: string, hop: number) => boolean);
    shutdownTimeout: number;
  };
  database: {
    url: string;
    /** Leads past a pooler, to PostgreSQL itself. */
    directUrl?: string;
    poolSize: number;
    migrateOnStart: boolean;
    /** If it is not set, statements are prepared unless `url` leads to a pooler. */
    preparedStatements?: boolean;
  };
  supabase: { url?: string; secretKey?: string; jwtSecret?: string; issuer?: string };
  redisUrl?: string;
  /** True if the embedded stack supplies the database. */
  isEmbedded: boolean;
  providers: Readonly<Record<VendorId, ProviderConfig>>;
  githubApiUrl?: string;
  demoModel: boolean;
  /** Whether the routes of the old Vercel chatbot answer, too. */
  legacyRoutes: boolean;
  /** The web client at `/`, if it is served. */
  web?: WebConfig;
  upstream: {
    firstByteTimeout: number;
    idleTimeout: number;
    /** How long a model that failed is skipped if there is another one. It doubles with each further failure. */
    coolDown: number;
    longestCoolDown: number;
  };
  /** Beyond these limits, new messages are refused. 0 means no limit. */
  load: {
    /** Answers that this instance writes at the same time, of all users and of one. */
    streams: number;
    streamsPerUser: number;
    /** Milliseconds, as a mean over a second. */
    eventLoopDelay: number;
  };
  /** Spans are sent nowhere without `endpoint`. */
  tracing: { endpoint?: string; serviceName: string; capturesContent: boolean };
}

export interface WebConfig {
  /** The key that browsers send to Supabase. It is public. */
  publishableKey: string;
  /** Where browsers reach Supabase. The default is the origin of the page. */
  supabaseUrl?: string;
  /** Whether the server must not start without the built client. */
  isRequired: boolean;
}

/** Nest injection token of the {@link AppConfig}. */
export const APP_CONFIG = Symbol('APP_CONFIG');

/**
 * Builds the configuration from environment variables.
 *
 * @param vendors the model vendors whose variables are read
 * @param embedded true if the embedded stack supplied the database and Supabase values
 * @throws ConfigurationError with one line that names the problem
 */
export function loadConfig<VendorId extends string>(
  source: Record<string, string | undefined>,
  vendors: KnownVendors<VendorId>,
  { embedded = false }: { embedded?: boolean } = {},
): AppConfig<VendorId> {
  const env = parseEnvironment(source, vendors);
  if (!env.DATABASE_URL) {
    throw new ConfigurationError('DATABASE_URL is not set. Set it to the URL of the database');
  }
  if (!env.SUPABASE_URL && !env.SUPABASE_JWT_SECRET) {
    throw new ConfigurationError(
      'SUPABASE_URL or SUPABASE_JWT_SECRET must be set: without them, nobody can sign in',
    );
  }
  if (env.METRICS_PORT !== undefined && env.METRICS_PORT === env.PORT) {
    throw new ConfigurationError('METRICS_PORT must be another port than PORT');
  }
  if (env.DEMO_MODEL && env.NODE_ENV === 'production') {
    throw new ConfigurationError('DEMO_MODEL cannot be true when NODE_ENV is production');
  }
  const hasServerKey = Object.values<ProviderConfig>(env.providers).some(({ apiKey }) => apiKey);
  return {
    nodeEnv: env.NODE_ENV,
    logLevel: env.LOG_LEVEL,
    server: {
      port: env.PORT,
      host: env.HOST,
      corsOrigins: env.CORS_ORIGINS.length > 0 || env.NODE_ENV === 'production' ? env.CORS_ORIGINS : ['*'],
      bodyLimit: env.BODY_LIMIT,
      requestTimeout: env.REQUEST_TIMEOUT_MS,
      metricsPort: env.METRICS_PORT,
      throttleLimit: env.THROTTLE_LIMIT,
      trustProxy: parseTrustProxy(env.TRUST_PROXY),
      shutdownTimeout: env.SHUTDOWN_TIMEOUT_MS,
    },
    database: {
      url: env.DATABASE_URL,
      directUrl: env.DIRECT_URL,
      poolSize: env.DATABASE_POOL_SIZE,
      migrateOnStart: env.MIGRATE_ON_START ?? embedded,
      preparedStatements: env.DATABASE_PREPARED_STATEMENTS,
    },
    supabase: {
      url: env.SUPABASE_URL,
      secretKey: env.SUPABASE_SECRET_KEY ?? env.SUPABASE_SERVICE_ROLE_KEY,
      jwtSecret: env.SUPABASE_JWT_SECRET,
      issuer: env.SUPABASE_JWT_ISSUER ?? (env.SUPABASE_URL && `${env.SUPABASE_URL}/auth/v1`),
    },
    redisUrl: env.REDIS_URL,
    isEmbedded: embedded,
    providers: env.providers,
    githubApiUrl: env.GITHUB_API_URL,
    demoModel: env.DEMO_MODEL ?? (embedded && !hasServerKey),
    legacyRoutes: env.LEGACY_ROUTES ?? false,
    web: webConfigOf(env, embedded),
    upstream: {
      firstByteTimeout: env.UPSTREAM_FIRST_BYTE_TIMEOUT_MS,
      idleTimeout: env.UPSTREAM_IDLE_TIMEOUT_MS,
      coolDown: env.UPSTREAM_COOL_DOWN_MS,
      longestCoolDown: env.UPSTREAM_COOL_DOWN_MAX_MS,
    },
    load: {
      streams: env.MAX_STREAMS,
      streamsPerUser: env.MAX_STREAMS_PER_USER,
      eventLoopDelay: env.MAX_EVENT_LOOP_DELAY_MS,
    },
    tracing: {
      endpoint: env.OTEL_EXPORTER_OTLP_ENDPOINT,
      serviceName: env.OTEL_SERVICE_NAME,
      capturesContent: env.OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT ?? false,
    },
  };
}

/** The embedded stack serves the web client unless `WEB` is false, and has auth and storage on the same origin. */
function webConfigOf(env: Environment, embedded: boolean): WebConfig | undefined {
  const publishableKey = env.SUPABASE_PUBLISHABLE_KEY ?? env.SUPABASE_ANON_KEY;
  if (!(env.WEB ?? embedded)) return undefined;
  if (publishableKey && env.SUPABASE_URL) {
    if (isSecretKey(publishableKey)) {
      const variable = env.SUPABASE_PUBLISHABLE_KEY ? 'SUPABASE_PUBLISHABLE_KEY' : 'SUPABASE_ANON_KEY';
      throw new ConfigurationError(
        `${variable} is a secret key. The web client shows it to everyone: set the publishable key`,
      );
    }
    const supabaseUrl = embedded ? undefined : env.SUPABASE_URL;
    return { publishableKey, supabaseUrl, isRequired: env.WEB === true };
  }
  if (!env.WEB) return undefined;
  const missing = publishableKey ? 'SUPABASE_URL' : 'SUPABASE_PUBLISHABLE_KEY';
  throw new ConfigurationError(
    `WEB is true, but ${missing} is not set. The web client signs users in with it`,
  );
}

/** Whether a key of Supabase, of the new or of the old kind, gives access to everything. */
function isSecretKey(key: string): boolean {
  if (key.startsWith('sb_secret_')) return true;
  const [, payload = ''] = key.split('.');
  return /"role"\s*:\s*"(?!anon")/.test(Buffer.from(payload, 'base64url').toString());
}

/** Variables that belong to a database of your own. The embedded stack supplies all of them itself. */
const NEED_DATABASE = [
  'SUPABASE_URL',
  'SUPABASE_SECRET_KEY',
  'SUPABASE_SERVICE_ROLE_KEY',
  'SUPABASE_PUBLISHABLE_KEY',
  'SUPABASE_ANON_KEY',
  'SUPABASE_JWT_SECRET',
  'DIRECT_URL',
] as const;

/**
 * Refuses an environment that is meant for a database of your own, but does not name it: the embedded stack would start
 * in its place, empty.
 *
 * @throws ConfigurationError
 */
export function checkEmbeddedEnvironment(env: Environment): void {
  const contradicting = NEED_DATABASE.find((name) => env[name] !== undefined);
  if (contradicting === undefined) return;
  throw new ConfigurationError(
    `${contradicting} is set, but DATABASE_URL is not. Set DATABASE_URL to the database of the same project, ` +
      `or remove ${contradicting} to use the embedded stack`,
  );
}

/** `true`/`false`, a number of hops, or a list of addresses and networks, as in Fastify's `trustProxy`. */
function parseTrustProxy(value: string | undefined): AppConfig['server']['trustProxy'] {
  if (value === undefined || value === 'false') return false;
  if (value === 'true') return true;
  if (!/^\d+$/.test(value)) return value;
  const hops = Number(value);
  return (_address, hop) => hop < hops;
}
