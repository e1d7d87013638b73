import { variableNames } from './environment.js';
import { describeUnknownVariables } from './unknown-variables.js';
import { VENDORS } from '../modules/models/vendors/vendors.js';

const KNOWN = variableNames(VENDORS);
const describeAll = (names: string[], also: Record<string, string> = {}) =>
  describeUnknownVariables({ ...Object.fromEntries(names.map((name) => [name, 'x'])), ...also }, KNOWN);

describe('variables that are not read', () => {
  it.each([
    ['OPENAI_KEY', 'OPENAI_API_KEY'],
    ['OPENAI_APIKEY', 'OPENAI_API_KEY'],
    ['OPENAI_API_KYE', 'OPENAI_API_KEY'],
    ['openai_api_key', 'OPENAI_API_KEY'],
    ['ANTHROPIC_KEY', 'ANTHROPIC_API_KEY'],
    ['GOOGLE_API_KEY', 'GOOGLE_GENERATIVE_AI_API_KEY'],
    ['GEMINI_API_KEY', 'GOOGLE_GENERATIVE_AI_API_KEY'],
    ['DATABSE_URL', 'DATABASE_URL'],
    ['POSTGRES_URL', 'DATABASE_URL'],
    ['CORS_ORIGIN', 'CORS_ORIGINS'],
    ['SUPBASE_URL', 'SUPABASE_URL'],
    ['SUPABASE_SECRET', 'SUPABASE_SECRET_KEY'],
    ['SUPABASE_SERVICE_KEY', 'SUPABASE_SECRET_KEY'],
    ['NEXT_PUBLIC_SUPABASE_URL', 'SUPABASE_URL'],
    ['LOGLEVEL', 'LOG_LEVEL'],
    ['MIGRATE_ONSTART', 'MIGRATE_ON_START'],
    ['THROTTLE_LIMITS', 'THROTTLE_LIMIT'],
  ])('%s: did you mean %s?', (name, meant) => {
    expect(describeAll([name])).toEqual([`${name} is not read: did you mean ${meant}?`]);
    // It belongs to another program if ours is set as well.
    expect(describeAll([name], { [meant]: 'y' })).toEqual([]);
  });

  it('explains those of earlier setups that have no counterpart', () => {
    expect(describeAll(['AUTH_SECRET'])).toEqual([expect.stringContaining('SUPABASE_JWT_SECRET')]);
  });

  it('is silent about known, empty and unrelated variables', () => {
    const unrelated =
      'PATH HOME HOSTNAME HOSTTYPE SHELL USER LANG TERM PWD OLDPWD TMPDIR TZ CI NODE_OPTIONS NODE_PATH NODE_EXTRA_CA_CERTS NODE_VERSION ' +
      'npm_config_prefix npm_config_loglevel npm_package_name npm_lifecycle_event INIT_CWD PGHOST PGPORT PGUSER PGDATABASE ' +
      'AWS_REGION GITHUB_TOKEN GITHUB_ACTIONS GITHUB_API_TOKEN KUBERNETES_PORT KUBERNETES_SERVICE_HOST VERCEL_URL OTEL_SERVICE_NAME ' +
      'OTEL_EXPORTER_OTLP_HEADERS OTEL_EXPORTER_OTLP_PROTOCOL REDIS_HOST REDIS_PORT DOCKER_HOST SSH_AUTH_SOCK POST ROOT REPORT SUPPORT ' +
      'UV_THREADPOOL_SIZE DEBUG EDITOR PAGER XDG_DATA_DIRS DATADOG';
    expect(describeAll(unrelated.split(' '))).toEqual([]);
    expect(describeAll(KNOWN)).toEqual([]);
    expect(describeUnknownVariables({ OPENAI_KEY: ' ' }, KNOWN)).toEqual([]);
  });
});
