import { startTestApp, type TestApp } from '../support/app.js';

describe('GET /api/me', () => {
  let app: TestApp;

  beforeAll(async () => {
    app = await startTestApp();
  });

  afterAll(() => app.close());

  it('returns the user of the token', async () => {
    const user = await app.createUser({ settings: { theme: 'dark' } });
    const response = await app.request('GET', '/api/me', { user });
    expect(response.status).toBe(200);
    expect(response.body).toEqual({
      id: user.id,
      email: user.email,
      role: 'user',
      isActive: true,
      settings: { theme: 'dark' },
    });
  });
});
