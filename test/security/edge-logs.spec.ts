import { type ChatApp, startChatApp, userMessage } from '../support/chat-app.js';
import { expectProblem } from '../support/expectations.js';

/** The message of the double's OpenAI for a refused key: `Incorrect API key provided: sk-do**le.` */
const QUOTED = 'sk-do**le';

describe('a key that a vendor quotes in its refusal', () => {
  let app: ChatApp;

  beforeAll(async () => {
    app = await startChatApp({ LOG_LEVEL: 'trace' });
  });

  afterAll(() => app.close());

  it.each([
    ['of two characters', 'do', 'sk-[redacted]**le'],
    ['in another case', 'SK-Do**Le', '[redacted]'],
  ])('is not in the log: %s', async (_what, key, redacted) => {
    const user = await app.createUser();
    const before = app.log().length;
    app.double.enqueue({ fault: { type: 'status', status: 401 } });
    const body = { id: 'chat', agent: 'chat', model: 'openai/gpt-4o-mini', message: userMessage('Hello') };
    const response = await app.request('POST', '/api/chat', {
      user,
      body,
      headers: { 'x-openai-api-key': key },
    });
    expect(response.status).toBeGreaterThanOrEqual(400);
    const log = app.log().slice(before);
    expect(log).toContain(`Incorrect API key provided: ${redacted}.`);
    expect(log).not.toContain(QUOTED);
    expect(response.text).not.toContain(QUOTED);
  });

  it('leaves the log readable if it has one letter', async () => {
    const before = app.log().length;
    const response = await app.request('GET', '/api/me', { headers: { authorization: 'Bearer e' } });
    expectProblem(response, 401, 'unauthenticated');
    expect(app.log().slice(before)).toContain('"route":"/api/me"');
  });
});
