import { type ChatApp, SERVER_KEYS, startChatApp } from '../support/chat-app.js';
import { type GithubApp, startGithubApp, TOKEN_HEADER } from '../support/github-app.js';
import { type OtlpReceiver, type ReceivedSpan, startOtlpReceiver } from '../support/otlp-receiver.js';

const CALLER = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331' };
const CONTENT = 'OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT';

describe('tracing', () => {
  let receiver: OtlpReceiver;
  let running: Array<{ close(): Promise<void> }>;

  beforeEach(async () => {
    receiver = await startOtlpReceiver();
    running = [];
  });

  afterEach(async () => {
    for (const app of running) await app.close();
    await receiver.close();
  });

  /** What is left is sent when the server ends. */
  async function end(app: { close(): Promise<void> }): Promise<void> {
    running.splice(running.indexOf(app), 1);
    await app.close();
  }

  /** The span and its parents, from the outside to the inside. */
  function pathTo(span: ReceivedSpan): string[] {
    const parent = receiver.spans().find(({ spanId }) => spanId === span.parentSpanId);
    return [...(parent ? pathTo(parent) : []), span.name];
  }
  const find = (matches: (span: ReceivedSpan) => boolean): ReceivedSpan => {
    const found = receiver.spans().find(matches);
    if (!found) throw new Error(`There is no such span in ${receiver.text()}`);
    return found;
  };

  it('follows a request through its turn, model calls and SQL, without any content', async () => {
    const app: ChatApp = await startChatApp({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url });
    running.push(app);
    const user = await app.createUser();
    app.double.enqueue({ text: ['Classified answer'], usage: { input: 321, output: 12 } });
    const traceparent = `00-${CALLER.traceId}-${CALLER.spanId}-01`;
    const headers = { 'x-request-id': 'trace-me', traceparent };
    const { status } = await app.say(user, 'traced', 'A classified question', { headers });
    expect(status).toBe(200);
    app.double.enqueue({ fault: { type: 'status', status: 403 } });
    await app.say(user, 'traced', 'Another classified question');
    await end(app);

    const answer = find(({ attributes }) => attributes['gen_ai.usage.input_tokens'] === 321);
    expect(answer).toMatchObject({
      traceId: CALLER.traceId,
      name: 'chat gemini-2.5-flash',
      kind: 3,
      attributes: {
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': 'gcp.gemini',
        'gen_ai.request.model': 'gemini-2.5-flash',
        'gen_ai.usage.output_tokens': 12,
        'gen_ai.response.finish_reasons': ['stop'],
        'switchboard.agent': 'chat',
        'switchboard.purpose': 'answer',
        'switchboard.request_id': 'trace-me',
        'switchboard.status': 'success',
      },
    });
    expect(pathTo(answer)).toEqual(['POST /api/chat', 'invoke_agent chat', 'chat gemini-2.5-flash']);
    expect(BigInt(answer.endTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(answer.startTimeUnixNano));
    expect(find(({ name }) => name === 'POST /api/chat')).toMatchObject({
      parentSpanId: CALLER.spanId,
      kind: 2,
      attributes: {
        'http.request.method': 'POST',
        'http.route': '/api/chat',
        'http.response.status_code': 200,
      },
    });
    const statements = receiver
      .spans()
      .filter(({ traceId, attributes }) => traceId === CALLER.traceId && attributes['db.system.name']);
    expect(statements.map(pathTo)).toContainEqual(['POST /api/chat', 'INSERT']);
    expect(JSON.stringify(statements)).toContain('"db.query.text":"insert into');
    expect(find(({ attributes }) => attributes['switchboard.purpose'] === 'title').traceId).toBe(
      CALLER.traceId,
    );
    const failed = find(({ status }) => status.code === 2);
    expect(failed.attributes['error.type']).toBe('api_key_missing');

    for (const secret of ['lassified', user.token, ...Object.values(SERVER_KEYS)]) {
      expect(receiver.text()).not.toContain(secret);
    }
    const lines = app.log().split('\n').filter(Boolean);
    const request = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(request).toContainEqual(
      expect.objectContaining({
        msg: 'request',
        requestId: 'trace-me',
        trace_id: CALLER.traceId,
        span_id: find(({ name }) => name === 'POST /api/chat').spanId,
      }),
    );
    expect(request.find(({ msg }) => msg === 'A model call failed.')).toMatchObject({
      trace_id: failed.traceId,
    });
  });

  it('follows the choice of an agent and calls of tools, with their content if that is switched on', async () => {
    const app: GithubApp = await startGithubApp({
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_SERVICE_NAME: 'chat-of-a-team',
      [CONTENT]: 'true',
    });
    running.push(app);
    const user = await app.createUser();
    const repositoryId = await app.connect(user);
    app.double.enqueue(
      { text: ['{"agent":"git_mcp","reason":"It is about code."}'] },
      { when: ({ instructions }) => instructions.includes('You decide which agent') },
    );
    app.mcp.world.files.set('octo-org/hello/README.md', '# A readable file');
    app.script(
      { name: 'get_file_contents', input: { owner: 'octo-org', repo: 'hello', path: 'README.md' } },
      'It greets.',
    );
    const answer = await app.ask(user, crypto.randomUUID(), 'What is in it?', {
      repositoryId,
      body: { agent: undefined },
    });
    expect(answer.text).toBe('It greets.');
    await end(app);

    expect(receiver.text()).toContain('chat-of-a-team');
    const tool = find(({ name }) => name === 'execute_tool get_file_contents');
    expect(tool.attributes).toMatchObject({
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': 'get_file_contents',
      'gen_ai.tool.call.id': expect.any(String),
      'gen_ai.tool.call.arguments': expect.stringContaining('README.md'),
      'gen_ai.tool.call.result': expect.stringContaining('A readable file'),
    });
    expect(pathTo(tool)).toEqual([
      'POST /api/chat',
      'invoke_agent git_mcp',
      'execute_tool get_file_contents',
    ]);
    const routing = find(({ attributes }) => attributes['switchboard.purpose'] === 'routing');
    expect(pathTo(routing)[1]).toBe('invoke_agent routing');
    const last = receiver
      .spans()
      .findLast(({ attributes }) => attributes['switchboard.purpose'] === 'answer')!.attributes;
    expect(JSON.parse(String(last['gen_ai.output.messages']))).toEqual([
      { role: 'assistant', parts: [{ type: 'text', content: 'It greets.' }], finish_reason: 'stop' },
    ]);
    const roles = (JSON.parse(String(last['gen_ai.input.messages'])) as Array<{ role: string }>).map(
      ({ role }) => role,
    );
    expect(roles).toEqual(['system', 'user', 'assistant', 'tool']);
    // Keys and tokens are no content.
    expect(receiver.text()).not.toContain(TOKEN_HEADER['x-github-token']);
  });

  it('sends nothing without a collector, and does not begin spans', async () => {
    const app = await startChatApp();
    running.push(app);
    const user = await app.createUser();
    app.double.enqueue({ text: ['Hello'] });
    await app.say(user, 'untraced', 'Hello');
    await end(app);
    expect(receiver.spans()).toEqual([]);
    expect(app.log()).not.toContain('trace_id');
  });
});
