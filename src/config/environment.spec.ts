import { fastify } from 'fastify';
import { loadConfig } from './app-config.js';
import { parseEnvironment } from './environment.js';
import { VENDORS } from '../modules/models/vendors/vendors.js';

const BASE = { DATABASE_URL: 'postgres://localhost/db', SUPABASE_JWT_SECRET: 'a-secret-of-sixteen-or-more' };

describe('the environment', () => {
  it.each([
    ['PORT', 'eighty'],
    ['PORT', '70000'],
    ['NODE_ENV', 'staging'],
    ['LOG_LEVEL', 'loud'],
    ['BODY_LIMIT', 'huge'],
    ['REQUEST_TIMEOUT_MS', '5'],
    ['DATABASE_URL', 'mysql://localhost/db'],
    ['SUPABASE_URL', 'example.com'],
    ['SUPABASE_JWT_SECRET', 'short'],
    ['THROTTLE_LIMIT', '-1'],
    ['DEMO_MODEL', 'maybe'],
    ['GOOGLE_BASE_URL', 'ftp://example.com'],
    ['OPENAI_API', 'both'],
    ['METRICS_PORT', '0'],
    ['CORS_ORIGINS', 'foo'],
    ['CORS_ORIGINS', 'https://a.example, foo.example'],
    ['CORS_ORIGINS', 'localhost:5173'],
    ['CORS_ORIGINS', 'https://a.example/path'],
    ['CORS_ORIGINS', 'https://*.a.example'],
    ['CORS_ORIGINS', 'null'],
    ['TRUST_PROXY', 'my-proxy'],
    ['TRUST_PROXY', '0.0.0.0/0'],
    ['TRUST_PROXY', '172.16.0.0/12,'],
    ['TRUST_PROXY', 'fd00::/129'],
  ])('names %s when it is %s, without its value', (name, value) => {
    expect(() => parseEnvironment({ ...BASE, [name]: value }, VENDORS)).toThrow(new RegExp(`^${name} `));
    expect(() => parseEnvironment({ ...BASE, [name]: value }, VENDORS)).not.toThrow(new RegExp(` ${value}`));
  });

  it.each(['true', 'false', '2', 'loopback', '10.0.0.0/8, fd00::/8', '192.0.2.1', '10.0.0.0/255.0.0.0'])(
    'accepts %s as TRUST_PROXY, as Fastify does',
    (value) => {
      const { TRUST_PROXY } = parseEnvironment({ ...BASE, TRUST_PROXY: value }, VENDORS);
      expect(TRUST_PROXY).toBe(value);
      if (!/^(?:true|false|\d+)$/.test(value)) expect(() => fastify({ trustProxy: value })).not.toThrow();
    },
  );

  it('treats empty variables as missing', () => {
    const environment = parseEnvironment({ PORT: '', DATABASE_URL: ' ' }, VENDORS);
    expect(environment.PORT).toBe(3000);
    expect(environment.DATABASE_URL).toBeUndefined();
  });

  it('reads sizes, lists and trailing slashes', () => {
    const config = loadConfig(
      {
        ...BASE,
        BODY_LIMIT: '2mb',
        CORS_ORIGINS: 'https://a.example, https://b.example',
        SUPABASE_URL: 'https://x.supabase.co/',
      },
      VENDORS,
    );
    expect(config.server.bodyLimit).toBe(2 * 1024 ** 2);
    expect(config.server.corsOrigins).toEqual(['https://a.example', 'https://b.example']);
    expect(config.supabase).toMatchObject({
      url: 'https://x.supabase.co',
      issuer: 'https://x.supabase.co/auth/v1',
    });
  });

  it('serves the web client only with what browsers need', () => {
    const publishable = {
      SUPABASE_PUBLISHABLE_KEY: 'sb_publishable_1',
      SUPABASE_URL: 'https://x.supabase.co',
    };
    const webOf = (source: object, options = {}) => loadConfig({ ...BASE, ...source }, VENDORS, options).web;
    expect(webOf(publishable)).toBeUndefined();
    expect(webOf({ ...publishable, WEB: 'true' })).toEqual({
      publishableKey: 'sb_publishable_1',
      supabaseUrl: 'https://x.supabase.co',
      isRequired: true,
    });
    expect(
      webOf({ WEB: 'true', SUPABASE_ANON_KEY: 'eyJ.a.b', SUPABASE_URL: 'https://x.supabase.co' }),
    ).toMatchObject({ publishableKey: 'eyJ.a.b' });
    expect(() => webOf({ WEB: 'true', SUPABASE_URL: 'https://x.supabase.co' })).toThrow(
      /^WEB is true, but SUPABASE_PUBLISHABLE_KEY is not set/,
    );
    expect(() => webOf({ WEB: 'true', SUPABASE_PUBLISHABLE_KEY: 'key' })).toThrow(
      /but SUPABASE_URL is not set/,
    );
    const roleKey = (role: string) =>
      `e.${Buffer.from(JSON.stringify({ iss: 'supabase', role })).toString('base64url')}.s`;
    for (const [variable, key] of [
      ['SUPABASE_PUBLISHABLE_KEY', 'sb_secret_1'],
      ['SUPABASE_ANON_KEY', roleKey('service_role')],
    ] as const) {
      const source = { WEB: 'true', SUPABASE_URL: 'https://x.supabase.co', [variable]: key };
      expect(() => webOf(source)).toThrow(`${variable} is a secret key`);
      expect(webOf({ ...source, [variable]: roleKey('anon') })).toBeDefined();
    }
    // The embedded stack is on the origin of the page.
    expect(webOf(publishable, { embedded: true })).toEqual({
      publishableKey: 'sb_publishable_1',
      supabaseUrl: undefined,
      isRequired: false,
    });
    expect(webOf({ ...publishable, WEB: 'false' }, { embedded: true })).toBeUndefined();
  });

  it('reads origins as browsers send them', () => {
    const { CORS_ORIGINS } = parseEnvironment(
      {
        ...BASE,
        CORS_ORIGINS:
          'https://A.example/, http://localhost:5173, https://b.example:443, capacitor://localhost, *',
      },
      VENDORS,
    );
    expect(CORS_ORIGINS).toEqual([
      'https://a.example',
      'http://localhost:5173',
      'https://b.example',
      'capacitor://localhost',
      '*',
    ]);
  });

  it('refuses one port for two servers', () => {
    expect(() => loadConfig({ ...BASE, PORT: '3000', METRICS_PORT: '3000' }, VENDORS)).toThrow(
      /METRICS_PORT/,
    );
  });

  it('only offers the demo model where it cannot be mistaken for a real one', () => {
    expect(loadConfig(BASE, VENDORS, { embedded: true }).demoModel).toBe(true);
    expect(
      loadConfig({ ...BASE, OPENAI_API_KEY: 'sk-something' }, VENDORS, { embedded: true }).demoModel,
    ).toBe(false);
    expect(loadConfig(BASE, VENDORS).demoModel).toBe(false);
    expect(() => loadConfig({ ...BASE, DEMO_MODEL: 'true', NODE_ENV: 'production' }, VENDORS)).toThrow(
      /DEMO_MODEL/,
    );
  });

  it('requires a way to verify tokens', () => {
    expect(() => loadConfig({ DATABASE_URL: BASE.DATABASE_URL }, VENDORS)).toThrow(
      /SUPABASE_URL or SUPABASE_JWT_SECRET/,
    );
  });
});
