import { AppError } from '../../common/errors/app-error.js';
import { checkFields } from './send-fields.js';

const SENT = { id: 'a-chat', messages: [], trigger: 'submit-message', messageId: 'm1' };

function problemsOf(body: Record<string, unknown>): string[] {
  try {
    checkFields(body);
    return [];
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    expect([error.status, error.code]).toEqual([400, 'validation_failed']);
    return (error.errors ?? []).map(({ path, message }) => `${path} ${message}`);
  }
}

describe('the fields of POST /api/chat', () => {
  it.each([
    ['agnet', 'agent'],
    ['agents', 'agent'],
    ['Agent', 'agent'],
    ['agentType', 'agent'],
    ['modle', 'model'],
    ['modelId', 'model'],
    ['mesage', 'message'],
    ['mesages', 'messages'],
    ['messsages', 'messages'],
    ['message_id', 'messageId'],
    ['messageID', 'messageId'],
    ['visibilty', 'visibility'],
    ['document_id', 'documentId'],
    ['documentid', 'documentId'],
    ['repositroyId', 'repositoryId'],
    ['thinkng', 'thinking'],
    ['triger', 'trigger'],
  ])('%s: did you mean %s?', (name, meant) => {
    expect(problemsOf({ ...SENT, [name]: 'chat' })).toEqual([
      `${name} is not a field: did you mean ${meant}?`,
    ]);
  });

  it('names all of them at once', () => {
    expect(problemsOf({ ...SENT, agnet: 'chat', modle: 'x' })).toHaveLength(2);
  });

  it('lets through what the AI SDK sends, and what clients add for themselves', () => {
    const own = {
      userId: 1,
      sessionId: 's',
      temperature: 0.5,
      locale: 'en',
      timezone: 'UTC',
      data: {},
      metadata: {},
      system: 'Be brief',
      callSettings: {},
      config: {},
      search: true,
      webSearch: false,
      team: 'a',
      project: 'p',
      title: 't',
      agency: 'a',
      thread: 't',
      documents: [],
      type: 'x',
      context: {},
      constructor: 1,
      selectedChatModel: 'chat-model',
    };
    expect(problemsOf({ ...SENT, ...own })).toEqual([]);
    expect(problemsOf({ ...SENT, agent: 'chat', agentType: 'mine' })).toEqual([]);
  });

  it('refuses tools, which it does not take from clients', () => {
    const refused = ['tools cannot be sent: the tools belong to the agents, see the field agent'];
    expect(problemsOf({ ...SENT, tools: { weather: { description: 'Weather' } } })).toEqual(refused);
    expect(problemsOf({ ...SENT, tools: [{ type: 'function' }] })).toEqual(refused);
    expect(problemsOf({ ...SENT, tools: 'all' })).toEqual(refused);
    // Some chat interfaces always send the field.
    expect(problemsOf({ ...SENT, tools: {} })).toEqual([]);
  });

  it('takes no time for long names', () => {
    const since = performance.now();
    expect(problemsOf({ ...SENT, ['x'.repeat(1_000_000)]: 1 })).toEqual([]);
    expect(performance.now() - since).toBeLessThan(500);
  });
});
