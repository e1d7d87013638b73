import { isIP, isIPv4 } from 'node:net';
import { z } from 'zod';

/** Thrown if the environment is invalid. Its message is one line that names the variable. */
export class ConfigurationError extends Error {
  override name = 'ConfigurationError';
}

const BYTE_UNITS: Record<string, number> = { '': 1, b: 1, kb: 1024, mb: 1024 ** 2, gb: 1024 ** 3 };

const optionalText = z
  .string()
  .trim()
  .transform((value) => (value === '' ? undefined : value))
  .optional();

const url = (protocols: string[]) =>
  optionalText.refine((value) => value === undefined || isUrl(value, protocols), {
    message: `must be a URL starting with ${protocols.map((protocol) => `${protocol}//`).join(' or ')}`,
  });

const httpUrl = url(['http:', 'https:']).transform((value) => value?.replace(/\/+$/, ''));

const integer = (fallback: number, minimum: number, maximum: number) =>
  optionalText.transform((value, context) => {
    if (value === undefined) return fallback;
    const parsed = /^\d+$/.test(value) ? Number(value) : Number.NaN;
    if (parsed >= minimum && parsed <= maximum) return parsed;
    context.addIssue({ code: 'custom', message: `must be a whole number from ${minimum} to ${maximum}` });
    return z.NEVER;
  });

const boolean = optionalText.transform((value, context) => {
  if (value === undefined) return undefined;
  if (/^(true|1|yes|on)$/i.test(value)) return true;
  if (/^(false|0|no|off)$/i.test(value)) return false;
  context.addIssue({ code: 'custom', message: 'must be true or false' });
  return z.NEVER;
});

const bytes = (fallback: number) =>
  optionalText.transform((value, context) => {
    if (value === undefined) return fallback;
    const match = /^(\d+)\s*(b|kb|mb|gb)?$/i.exec(value);
    const parsed = match ? Number(match[1]) * (BYTE_UNITS[(match[2] ?? '').toLowerCase()] ?? 1) : 0;
    if (parsed >= 1024 && parsed <= 64 * 1024 ** 2) return parsed;
    context.addIssue({ code: 'custom', message: 'must be a size from 1kb to 64mb, such as 10mb' });
    return z.NEVER;
  });

const list = optionalText.transform((value) =>
  (value ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== ''),
);

/** Origins as browsers send them: `https://app.example.com`, without a path. `*` stands for any. */
const origins = list.transform((values, context) =>
  values.map((value) => {
    const origin = originOf(value);
    if (origin !== undefined) return origin;
    context.addIssue({
      code: 'custom',
      message:
        'must be a comma-separated list of origins without a path, such as https://app.example.com, or *',
    });
    return z.NEVER;
  }),
);

/** The variables of the environment, without those of the vendors. `.env.example` describes them. */
const environmentSchema = z.object({
  NODE_ENV: z
    .enum(['development', 'production', 'test'], { message: 'must be development, production or test' })
    .default('development'),
  PORT: integer(3000, 0, 65_535),
  HOST: optionalText.transform((value) => value ?? '127.0.0.1'),
  LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], {
      message: 'must be one of fatal, error, warn, info, debug, trace, silent',
    })
    .default('info'),
  CORS_ORIGINS: origins,
  BODY_LIMIT: bytes(10 * 1024 ** 2),
  REQUEST_TIMEOUT_MS: integer(30_000, 100, 3_600_000),
  METRICS_PORT: optionalText.pipe(integer(0, 1, 65_535)).transform((port) => port || undefined),
  DATABASE_URL: url(['postgres:', 'postgresql:']),
  DIRECT_URL: url(['postgres:', 'postgresql:']),
  DATABASE_POOL_SIZE: integer(20, 2, 500),
  DATABASE_PREPARED_STATEMENTS: boolean,
  EMBEDDED_AUTH_RATE_LIMIT: integer(30, 0, 1_000_000_000),
  DATA_DIR: optionalText.transform((value) => value ?? '.data'),
  MIGRATE_ON_START: boolean,
  LEGACY_ROUTES: boolean,
  WEB: boolean,
  SUPABASE_URL: httpUrl,
  SUPABASE_SECRET_KEY: optionalText,
  SUPABASE_SERVICE_ROLE_KEY: optionalText,
  SUPABASE_PUBLISHABLE_KEY: optionalText,
  SUPABASE_ANON_KEY: optionalText,
  SUPABASE_JWT_SECRET: optionalText.refine((value) => value === undefined || value.length >= 16, {
    message: 'must be at least 16 characters long',
  }),
  SUPABASE_JWT_ISSUER: optionalText,
  REDIS_URL: url(['redis:', 'rediss:']),
  GITHUB_API_URL: httpUrl,
  DEMO_MODEL: boolean,
  THROTTLE_LIMIT: integer(600, 0, 1_000_000_000),
  TRUST_PROXY: optionalText.refine((value) => value === undefined || isProxyList(value), {
    message:
      'must be true, false, a number of hops, or addresses and networks such as 10.0.0.0/8, separated by commas',
  }),
  UPSTREAM_FIRST_BYTE_TIMEOUT_MS: integer(60_000, 50, 3_600_000),
  UPSTREAM_IDLE_TIMEOUT_MS: integer(60_000, 50, 3_600_000),
  UPSTREAM_COOL_DOWN_MS: integer(10_000, 50, 3_600_000),
  UPSTREAM_COOL_DOWN_MAX_MS: integer(300_000, 50, 86_400_000),
  MAX_STREAMS: integer(5_000, 0, 1_000_000),
  MAX_STREAMS_PER_USER: integer(1_000, 0, 1_000_000),
  MAX_EVENT_LOOP_DELAY_MS: integer(1_000, 0, 60_000),
  SHUTDOWN_TIMEOUT_MS: integer(25_000, 0, 3_600_000),
  OTEL_EXPORTER_OTLP_ENDPOINT: httpUrl,
  OTEL_SERVICE_NAME: optionalText.transform((value) => value ?? 'switchboard'),
  OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: boolean,
});

/** The names of the variables that configure one model vendor. */
export interface VendorVariables {
  /** The server's own key. */
  readonly apiKey: string;
  /** An endpoint other than the vendor's. */
  readonly baseUrl: string;
  /** Which of the vendor's APIs to use, if there are several. The first is the default. */
  readonly api?: { readonly name: string; readonly values: readonly [string, ...string[]] };
}

/**
 * The vendors whose variables are read, by id. They are passed in, because modules know the vendors and this layer does
 * not.
 */
export type KnownVendors<Id extends string> = Readonly<Record<Id, { readonly variables: VendorVariables }>>;

/** The settings of one vendor from the environment. */
export interface ProviderConfig {
  /** The server's own key. A key sent by the user overrides it. */
  apiKey?: string;
  /** An endpoint other than the vendor's: a gateway, a local server, a test double. */
  baseUrl?: string;
  /** Which of the vendor's APIs to use, if there are several. */
  api?: string;
}

export type Environment<Id extends string = string> = z.output<typeof environmentSchema> & {
  providers: Readonly<Record<Id, ProviderConfig>>;
};

/**
 * Reads and validates the environment.
 *
 * @throws ConfigurationError naming every invalid variable, never its value (it may be a secret)
 */
export function parseEnvironment<Id extends string>(
  source: Record<string, string | undefined>,
  vendors: KnownVendors<Id>,
): Environment<Id> {
  const present = Object.fromEntries(Object.entries(source).filter(([, value]) => value?.trim()));
  const known = Object.entries<KnownVendors<Id>[Id]>(vendors);
  const environment = environmentSchema.safeParse(present);
  const ofVendors = z.object(
    Object.assign({}, ...known.map(([, { variables }]) => shapeOf(variables))) as VendorShape,
  );
  const values = ofVendors.safeParse(present);
  if (!environment.success || !values.success) {
    const issues = [...(environment.error?.issues ?? []), ...(values.error?.issues ?? [])];
    throw new ConfigurationError(
      issues.map(({ path, message }) => `${path.join('.')} ${message}`).join('; '),
    );
  }
  const providers = known.map(([id, { variables }]): [string, ProviderConfig] => {
    const { apiKey, baseUrl, api } = variables;
    return [
      id,
      { apiKey: values.data[apiKey], baseUrl: values.data[baseUrl], api: api && values.data[api.name] },
    ];
  });
  return { ...environment.data, providers: Object.fromEntries(providers) as Record<Id, ProviderConfig> };
}

/** The names of all variables that the server reads. */
export function variableNames(vendors: KnownVendors<string>): string[] {
  const ofVendors = Object.values(vendors).flatMap(({ variables: { apiKey, baseUrl, api } }) => [
    apiKey,
    baseUrl,
    ...(api ? [api.name] : []),
  ]);
  return [...Object.keys(environmentSchema.shape), ...ofVendors];
}

type VendorShape = Record<string, z.ZodType<string | undefined>>;

function shapeOf({ apiKey, baseUrl, api }: VendorVariables): VendorShape {
  const choice =
    api && z.enum(api.values, { message: `must be ${api.values.join(' or ')}` }).default(api.values[0]);
  return { [apiKey]: optionalText, [baseUrl]: httpUrl, ...(api && choice ? { [api.name]: choice } : {}) };
}

function isUrl(value: string, protocols: string[]): boolean {
  return URL.canParse(value) && protocols.includes(new URL(value).protocol);
}

const NAMED_NETWORKS = ['loopback', 'linklocal', 'uniquelocal'];

/** What Fastify accepts as `trustProxy`. */
function isProxyList(value: string): boolean {
  return /^(?:true|false|\d+)$/.test(value) || value.split(',').every((item) => isNetwork(item.trim()));
}

function isNetwork(value: string): boolean {
  if (NAMED_NETWORKS.includes(value)) return true;
  const [address = '', size, ...rest] = value.split('/');
  if (isIP(address) === 0 || rest.length > 0) return false;
  if (size === undefined) return true;
  if (isIPv4(address) && isIPv4(size)) return true;
  return /^\d+$/.test(size) && Number(size) >= 1 && Number(size) <= (isIPv4(address) ? 32 : 128);
}

/** Also of applications with a scheme of their own (`capacitor://localhost`). */
function originOf(value: string): string | undefined {
  if (value === '*') return value;
  if (!/^[a-z][a-z\d+.-]*:\/\/[\w.:[\]-]+\/?$/i.test(value) || !URL.canParse(value)) return undefined;
  const { protocol, host, origin } = new URL(value);
  return origin === 'null' ? `${protocol}//${host}` : origin;
}
