import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { LoginThrottle } from '../../src/embedded/login-throttle.js';
import { EmbeddedServer, PASSWORD } from '../support/embedded-server.js';
import { eachSideBySide } from '../support/side-by-side.js';

/** A third of the default, because checking passwords takes long. */
const LIMIT = 10;

describe('signing in at the embedded stack', () => {
  describe('without limits', () => {
    let stack: EmbeddedServer;

    beforeAll(async () => {
      stack = await EmbeddedServer.start();
    });
    afterAll(() => stack?.stop());

    it('responds the same to a wrong password and to an unknown address', async () => {
      await stack.signUp('known@example.com');
      await stack.query(
        `insert into auth.users (id, email) values (gen_random_uuid(), 'unconfirmed@example.com')`,
      );
      const answers = await Promise.all(
        ['known@example.com', 'unknown@example.com', 'unconfirmed@example.com'].map((email) =>
          stack.signIn(email, 'wrong-password'),
        ),
      );
      for (const { status, body } of answers) {
        expect([status, body]).toEqual([
          400,
          { code: 400, error_code: 'invalid_credentials', msg: 'Invalid login credentials' },
        ]);
      }
    });

    it('takes as long for an unknown address as for a known one', async () => {
      await stack.signUp('timed@example.com');
      await stack.query(
        `insert into auth.users (id, email, email_confirmed_at) values (gen_random_uuid(), 'without@example.com', now())`,
      );
      const [known, unknown, without] = await medians(
        (email) => stack.signIn(email, 'wrong-password'),
        ['timed@example.com', 'nobody@example.com', 'without@example.com'],
      );
      expect(unknown / known).toBeGreaterThan(0.6);
      expect(unknown / known).toBeLessThan(1.7);
      expect(without / known).toBeGreaterThan(0.6);
    });

    // Their responses are sent at the same multiple of a time, so four concurrent requests are equally fast.
    eachSideBySide(
      'does not tell by %s who has an account',
      [['recover'], ['otp'], ['magiclink'], ['resend']],
      async (path: string) => {
        await stack.signUp(`${path}@example.com`);
        const body = (email: string) => ({ email, create_user: false, type: 'signup' });
        // A repeated mail is for an account that waits for its confirmation.
        await stack.query(
          `insert into auth.users (id, email, confirmation_sent_at) values (gen_random_uuid(), $1, now())`,
          [`waiting-${path}@example.com`],
        );
        const emails = [`${path}@example.com`, `waiting-${path}@example.com`, `nobody-${path}@example.com`];
        const answers = await Promise.all(emails.map((email) => stack.auth(path, body(email))));
        expect(answers.map(({ status, body }) => [status, body])).toEqual(emails.map(() => [200, {}]));
        const [known, , unknown] = await medians((email) => stack.auth(path, body(email)), emails, 5);
        expect(unknown / known).toBeGreaterThan(0.6);
        expect(unknown / known).toBeLessThan(1.7);
      },
    );

    it('does not let users set their own role, rights or id', async () => {
      const ada = await stack.signUp('ada@example.com');
      const { body } = await stack.auth('signup', {
        email: 'eve@example.com',
        password: PASSWORD,
        id: ada.id,
        role: 'service_role',
        aud: 'admin',
        app_metadata: { role: 'admin' },
        raw_app_meta_data: { role: 'admin' },
        data: { role: 'admin', app_metadata: { role: 'admin' }, sub: ada.id, email: 'ada@example.com' },
      });
      expect(body.user.id).not.toBe(ada.id);
      const update = await stack.request('PUT', '/auth/v1/user', {
        token: body.access_token,
        body: {
          id: ada.id,
          role: 'service_role',
          app_metadata: { role: 'admin' },
          raw_app_meta_data: { role: 'admin' },
          email_confirm: true,
          banned_until: null,
          data: { role: 'admin' },
        },
      });
      expect(update.body.id).toBe(body.user.id);
      const rows = await stack.query<{ role: string; aud: string; app: string }>(
        `select role, aud, raw_app_meta_data->>'role' as app from auth.users where id = $1`,
        [body.user.id],
      );
      expect(rows).toEqual([{ role: 'authenticated', aud: 'authenticated', app: 'user' }]);
      const again = await stack.signIn('eve@example.com');
      const claims = JSON.parse(
        Buffer.from(again.body.access_token.split('.')[1], 'base64url').toString('utf8'),
      ) as { sub: string; role: string; app_metadata: { role: string } };
      expect(claims).toMatchObject({
        sub: body.user.id,
        role: 'authenticated',
        app_metadata: { role: 'user' },
      });
    });

    it('shows the administration to no user token', async () => {
      const { accessToken, id } = await stack.signUp('curious@example.com');
      for (const [method, path, body] of [
        ['GET', '/auth/v1/admin/users', undefined],
        ['POST', '/auth/v1/admin/users', { email: 'made@example.com', password: PASSWORD }],
        ['PUT', `/auth/v1/admin/users/${id}`, { app_metadata: { role: 'admin' } }],
        ['DELETE', `/auth/v1/admin/users/${id}`, undefined],
      ] as const) {
        for (const key of [stack.secrets.publishableKey, 'sb_secret_wrong', null]) {
          const { status } = await stack.request(method, path, { key, token: accessToken, body });
          expect([method, status]).toEqual([method, 401]);
        }
      }
    });

    it('signs out banned users, and users who do not know a new password', async () => {
      const admin = (id: string, body: object) =>
        stack.request('PUT', `/auth/v1/admin/users/${id}`, { key: stack.secrets.secretKey, body });
      const banned = await stack.signUp('banned@example.com');
      expect((await admin(banned.id, { ban_duration: '24h' })).status).toBe(200);
      expect((await stack.signIn(banned.email)).body.error_code).toBe('user_banned');
      expect((await stack.refresh(banned.refreshToken)).body.error_code).toBe('user_banned');
      expect((await admin(banned.id, { ban_duration: 'for ever' })).status).toBe(400);

      const thief = await stack.signUp('changed@example.com');
      const owner = (await stack.signIn(thief.email)).body as { access_token: string; refresh_token: string };
      const change = await stack.request('PUT', '/auth/v1/user', {
        token: owner.access_token,
        body: { password: 'another-password' },
      });
      expect(change.status).toBe(200);
      expect((await stack.refresh(thief.refreshToken)).status).toBe(400);
      expect((await stack.refresh(owner.refresh_token)).status).toBe(200);
      expect((await stack.signIn(thief.email)).status).toBe(400);
      expect((await stack.signIn(thief.email, 'another-password')).status).toBe(200);
    });

    it('makes one account of many concurrent sign-ups with one address', async () => {
      const body = { email: 'raced@example.com', password: PASSWORD };
      const answers = await Promise.all(Array.from({ length: 6 }, () => stack.auth('signup', body)));
      expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 422, 422, 422, 422, 422]);
      const links = await Promise.all(
        Array.from({ length: 6 }, () => stack.auth('magiclink', { email: 'raced-link@example.com' })),
      );
      expect(links.map(({ status }) => status)).toEqual(Array(6).fill(200));
    });

    it('refuses passwords that would be truncated, and unlimited metadata', async () => {
      expect(
        (await stack.auth('signup', { email: 'long@example.com', password: '\u00e4'.repeat(40) })).status,
      ).toBe(400);
      const { accessToken } = await stack.signUp('metadata@example.com');
      const put = (data: object) =>
        stack.request('PUT', '/auth/v1/user', { token: accessToken, body: { data } });
      expect((await put({ a: 'x'.repeat(40_000) })).status).toBe(200);
      expect((await put({ b: 'x'.repeat(40_000) })).status).toBe(400);
      expect((await put({ a: null, b: 'x' })).status).toBe(200);
    });
  });

  describe('with limits', () => {
    let stack: EmbeddedServer;

    beforeAll(async () => {
      stack = await EmbeddedServer.start({
        EMBEDDED_AUTH_RATE_LIMIT: String(LIMIT),
        TRUST_PROXY: 'loopback',
      });
      await stack.signUp('victim@example.com');
    });
    afterAll(() => stack?.stop());

    const from = (address: string) => ({ 'x-forwarded-for': address });

    it.each([
      [
        'wrong passwords',
        LIMIT,
        '192.0.2.1',
        (n: number, headers: Record<string, string>) =>
          stack.signIn(`u${n}@example.com`, 'wrong-password', headers),
      ],
      [
        'wrong codes',
        LIMIT,
        '192.0.2.2',
        (n: number, headers: Record<string, string>) =>
          stack.auth('verify', { type: 'recovery', token: '123456', email: `u${n}@example.com` }, headers),
      ],
      [
        'mails',
        LIMIT,
        '192.0.2.3',
        (n: number, headers: Record<string, string>) =>
          stack.auth('recover', { email: `u${n}@example.com` }, headers),
      ],
      [
        'refused sign-ups',
        LIMIT,
        '192.0.2.4',
        (_n: number, headers: Record<string, string>) =>
          stack.auth('signup', { email: 'victim@example.com', password: PASSWORD }, headers),
      ],
      [
        'unknown refresh tokens',
        5 * LIMIT,
        '192.0.2.5',
        (n: number, headers: Record<string, string>) =>
          stack.auth('token?grant_type=refresh_token', { refresh_token: `t${n}` }, headers),
      ],
    ])('stops %s from one address, concurrent or sequential', async (_name, limit, address, attempt) => {
      const statuses = await Promise.all(
        Array.from({ length: limit + 20 }, async (_, n) => (await attempt(n, from(address))).status),
      );
      const refused = statuses.filter((status) => status === 429).length;
      expect(refused).toBeGreaterThanOrEqual(15);
      expect(refused).toBeLessThanOrEqual(20);
      const { status, headers, body } = await attempt(0, from(address));
      expect(status).toBe(429);
      expect(body).toEqual({ code: 429, error_code: 'over_request_rate_limit', msg: expect.any(String) });
      expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
      expect((await attempt(1_000, from('198.51.100.9'))).status).not.toBe(429);
    });

    it('stops guesses at one account from many addresses', async () => {
      const { email } = await stack.signUp(`guessed-${Date.now()}@example.com`);
      const statuses: number[] = [];
      for (let n = 0; n < 2 * LIMIT + 15; n += 1) {
        const spelling = n % 2 === 0 ? email : email.toUpperCase();
        statuses.push((await stack.signIn(spelling, 'wrong-password', from(`203.0.113.${n}`))).status);
      }
      expect(statuses.slice(0, 2 * LIMIT - 1)).toEqual(Array(2 * LIMIT - 1).fill(400));
      expect(statuses.filter((status) => status === 429).length).toBeGreaterThanOrEqual(8);
    });
  });

  it('does not let a caller choose its own address', async () => {
    const stack = await EmbeddedServer.start({ EMBEDDED_AUTH_RATE_LIMIT: '3' });
    try {
      const statuses: number[] = [];
      for (let n = 0; n < 6; n += 1) {
        const headers = {
          'x-forwarded-for': `203.0.113.${n}`,
          'x-real-ip': `203.0.113.${n}`,
          forwarded: `for=203.0.113.${n}`,
        };
        statuses.push((await stack.signIn(`u${n}@example.com`, 'wrong-password', headers)).status);
      }
      expect(statuses).toEqual([400, 400, 400, 429, 429, 429]);
    } finally {
      await stack.stop();
    }
  });

  it('admits many users with correct passwords, and restores attempts in time', () => {
    let now = 0;
    const throttle = new LoginThrottle(30, () => now);
    const attempt = (name: string) => throttle.take('signIn', 'address', name);
    for (let n = 0; n < 250; n += 1) {
      const result = attempt('192.0.2.1');
      if ('retryAfter' in result) throw new Error(`refused after ${n}`);
      result.succeeded();
    }
    for (let n = 0; n < 30; n += 1) attempt('192.0.2.2');
    expect(attempt('192.0.2.2')).toEqual({ retryAfter: 10 });
    now += 10_000;
    expect(attempt('192.0.2.2')).not.toHaveProperty('retryAfter');
    expect(attempt('192.0.2.2')).toHaveProperty('retryAfter');
    // All addresses of a network that one caller may have count as one.
    for (let n = 0; n < 30; n += 1) attempt(`2001:db8:1:2::${n.toString(16)}`);
    expect(attempt('2001:db8:1:2:ffff::1')).toHaveProperty('retryAfter');
    expect(attempt('2001:db8:1:3::1')).not.toHaveProperty('retryAfter');
    for (let n = 0; n < 30; n += 1) attempt(`127.0.0.${n}`);
    expect(attempt('::ffff:127.9.9.9')).toHaveProperty('retryAfter');
  });

  it('remembers a limited number of addresses', () => {
    const throttle = new LoginThrottle(30);
    for (let n = 0; n < 50_000; n += 1) throttle.take('signIn', 'account', `u${n}@example.com`);
    expect((throttle as unknown as { buckets: Map<string, unknown> }).buckets.size).toBeLessThanOrEqual(
      20_000,
    );
  });

  it('hashes passwords off the event loop', async () => {
    const script = `
      import { createRequire } from 'node:module';
      // As the library itself finds it.
      const require = createRequire(import.meta.resolve('@supabase/lite'));
      const bcrypt = (await import(require.resolve('bcryptjs'))).default;
      const hash = await bcrypt.hash('password', 10);
      const before = process.threadCpuUsage();
      const found = await Promise.all(Array.from({ length: 8 }, () => bcrypt.compare('password', hash)));
      const { user, system } = process.threadCpuUsage(before);
      console.log(JSON.stringify({ found, busy: (user + system) / 1e3 }));`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
    const { found, busy } = JSON.parse(stdout) as { found: boolean[]; busy: number };
    expect(found).toEqual(Array(8).fill(true));
    // Milliseconds of the event loop's own thread for all eight. In JavaScript, each one takes longer.
    expect(busy).toBeLessThan(50);
  });

  /** The median time of each case, in milliseconds. The cases take turns, so a busy machine slows all of them. */
  async function medians(
    attempt: (email: string) => Promise<unknown>,
    emails: string[],
    rounds = 15,
  ): Promise<[number, number, number]> {
    const times = emails.map(() => [] as number[]);
    for (let round = 0; round < rounds; round += 1) {
      for (const [index, email] of emails.entries()) {
        const start = performance.now();
        await attempt(email);
        times[index]?.push(performance.now() - start);
      }
    }
    return times.map((list) => list.toSorted((a, b) => a - b)[list.length >> 1] ?? 0) as [
      number,
      number,
      number,
    ];
  }
});
