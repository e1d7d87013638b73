import { type Contender, OTHER } from './figures.js';
import { type ServerProcess, startScript, startSwitchboard } from './processes.js';
import type { Seed } from './seed.js';
import { TEST_JWT_SECRET } from '../../test/support/tokens.js';

/** Shared by all measurements: a database, a provider, and how long to measure. */
export interface Stage {
  databaseUrl: string;
  postgresPid: number;
  /** The revision that this one is compared with, if any. It has its own database with the same seed. */
  other?: { root: string; databaseUrl: string };
  /** The double's base URL for Gemini. */
  upstreamUrl: string;
  seed: Seed;
  rounds: number;
  /** Shortens everything for a quick check. The figures are rough. */
  quick: boolean;
  /** How long the soak takes. */
  minutes: number;
  /** Gives Fastify + pg the product's own database connections. */
  tuned: boolean;
  /** Where Switchboard's processes write CPU profiles, if anywhere. */
  profileFolder?: string;
  log(line: string): void;
}

/** Starts one of the servers that are measured. */
export function start(stage: Stage, contender: Contender): Promise<ServerProcess> {
  const { databaseUrl, upstreamUrl } = stage;
  const references = {
    DATABASE_URL: databaseUrl,
    UPSTREAM_URL: upstreamUrl,
    NODE_ENV: 'production',
    TUNED: String(stage.tuned),
  };
  switch (contender) {
    case 'Switchboard':
    case OTHER:
      return startProduct(stage, contender);
    case 'pass-through':
      return startScript({ script: 'bench/reference/pass-through.ts', environment: references });
    case 'Fastify + pg':
      return startScript({ script: 'bench/reference/postgres.ts', environment: references });
  }
}

/** Starts the production build as an operator would, but without a request limit. */
export function startProduct(
  stage: Stage,
  contender: Product = 'Switchboard',
  more: Record<string, string> = {},
) {
  const { upstreamUrl, profileFolder } = stage;
  const environment = {
    DATABASE_URL: databaseOf(stage, contender),
    SUPABASE_JWT_SECRET: TEST_JWT_SECRET,
    GOOGLE_BASE_URL: upstreamUrl,
    GOOGLE_GENERATIVE_AI_API_KEY: 'bench-key',
    THROTTLE_LIMIT: '0',
    LOG_LEVEL: 'warn',
    SHUTDOWN_TIMEOUT_MS: '0',
    ...more,
  };
  return startSwitchboard(
    environment,
    profileFolder === undefined || contender === OTHER
      ? []
      : ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`],
    contender === OTHER ? stage.other?.root : undefined,
  );
}

export type Product = Extract<Contender, 'Switchboard' | typeof OTHER>;

/** The contenders of a measurement: the usual ones, or this revision and the other one. */
export function contendersOf(stage: Stage, usual: readonly Contender[]): readonly Contender[] {
  return stage.other ? productsOf(stage) : usual;
}

/** This revision, and the other one if there is one. */
export function productsOf({ other }: Stage): readonly Product[] {
  return other ? ['Switchboard', OTHER] : ['Switchboard'];
}

export function databaseOf({ databaseUrl, other }: Stage, contender: Contender): string {
  return contender === OTHER && other ? other.databaseUrl : databaseUrl;
}

/** Starts the servers, runs `measure`, and stops them. */
export async function withServers<T>(
  stage: Stage,
  contenders: readonly Contender[],
  measure: (servers: ReadonlyMap<Contender, ServerProcess>) => Promise<T>,
): Promise<T> {
  const servers = new Map<Contender, ServerProcess>();
  try {
    for (const contender of contenders) servers.set(contender, await start(stage, contender));
    return await measure(servers);
  } finally {
    await Promise.all([...servers.values()].map((server) => server.stop()));
  }
}

/** The order of a round. Every other round is reversed, so that no contender is always first. */
export function inTurn<Name extends Contender>(contenders: readonly Name[], round: number): Name[] {
  return round % 2 === 0 ? [...contenders] : [...contenders].reverse();
}

/** Runs the rounds of a measurement: the contenders one after the other, in changing order. */
export async function eachRound<Name extends Contender>(
  stage: Stage,
  contenders: readonly Name[],
  measure: (contender: Name) => Promise<void>,
): Promise<void> {
  for (let round = 0; round < stage.rounds; round++) {
    for (const contender of inTurn(contenders, round)) await measure(contender);
  }
}
