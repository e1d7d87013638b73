import { randomUUID } from 'node:crypto';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { type ChatApp, eventually, startBeside, startChatApp } from '../support/chat-app.js';

const sse = (data: object) => `data: ${JSON.stringify(data)}\n\n`;
const ERRORS = {
  google: sse({ error: { code: 503, message: 'The model is overloaded.', status: 'UNAVAILABLE' } }),
  openai: sse({
    type: 'error',
    sequence_number: 0,
    error: { type: 'server_error', code: 'server_error', message: 'The server had an error.', param: null },
  }),
  openaiChat: sse({
    error: { message: 'The server had an error.', type: 'server_error', param: null, code: null },
  }),
  anthropic: sse({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }),
};
const MODELS = {
  google: 'google/gemini-2.5-flash',
  openai: 'openai/gpt-4o-mini',
  openaiChat: 'openai/gpt-4o-mini',
  anthropic: 'anthropic/claude-sonnet-4-5',
};
type Vendor = keyof typeof ERRORS;

/** A provider that sends an error as its first event, and goes on. */
describe('a provider that sends more behind an error', () => {
  const sockets = new Set<Socket>();
  let provider: Server;
  let app: ChatApp;
  let chatApp: ChatApp;
  let tail: string;
  let status: number;

  beforeAll(async () => {
    provider = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => sockets.delete(socket));
      const pump = () => {
        while (tail !== '' && !socket.destroyed && socket.write(tail));
      };
      socket.on('drain', pump);
      socket.once('data', (head) => {
        const path = head.toString().split(' ')[1] ?? '';
        const vendor = (Object.keys(ERRORS) as Vendor[]).find((each) => path.startsWith(`/${each}/`));
        if (status === 200) socket.write('HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n');
        else socket.write(`HTTP/1.1 ${status} What\r\ncontent-type: text/event-stream\r\n\r\n`);
        socket.write(ERRORS[vendor!]);
        pump();
      });
    });
    await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`;
    const environment = {
      GOOGLE_BASE_URL: `${url}/google`,
      OPENAI_BASE_URL: `${url}/openai`,
      ANTHROPIC_BASE_URL: `${url}/anthropic`,
      UPSTREAM_FIRST_BYTE_TIMEOUT_MS: '20000',
    };
    app = await startChatApp(environment);
    chatApp = await startBeside(app, {
      ...environment,
      OPENAI_BASE_URL: `${url}/openaiChat`,
      OPENAI_API: 'chat',
    });
  });

  afterAll(async () => {
    await chatApp?.close();
    await app?.close();
    for (const socket of sockets) socket.destroy();
    provider.close();
  });

  async function ask(vendor: Vendor) {
    const served = vendor === 'openaiChat' ? chatApp : app;
    const user = await app.createUser();
    return served.say(user, randomUUID(), 'Hello', { body: { model: MODELS[vendor], agent: 'chat' } });
  }

  const ALL = Object.keys(ERRORS) as Vendor[];

  it.each<[string, number, string]>([
    ['nothing, and stays connected', 200, ''],
    ['events that nobody knows, without an end', 200, sse({ x: 1 }).repeat(500)],
    ['nothing, after a status that does not exist', 600, ''],
  ])('is asked no further, and its connections are closed: %s', async (_what, code, more) => {
    status = code;
    tail = more;
    const answers = await Promise.all(ALL.map(ask));
    expect(answers.map(({ problem }) => [problem?.status, problem?.code])).toEqual(
      ALL.map(() => [502, 'upstream_error']),
    );
    await eventually(() => Promise.resolve(sockets.size === 0));
  });
});
