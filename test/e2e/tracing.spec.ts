import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type ChatApp, SERVER_KEYS, startChatApp } from '../support/chat-app.js';

interface Span {
  name: string;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: Array<{ key: string; value: { stringValue?: string; intValue?: number } }>;
  status: { code?: number; message?: string };
}

/** An OTLP collector that keeps what it receives. */
async function startCollector(): Promise<{
  server: Server;
  url: string;
  spans: () => Span[];
  text: () => string;
}> {
  const bodies: string[] = [];
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on('data', (piece: Buffer) => pieces.push(piece));
    request.on('end', () => {
      bodies.push(Buffer.concat(pieces).toString('utf8'));
      response
        .writeHead(request.url === '/v1/traces' ? 200 : 404, { 'content-type': 'application/json' })
        .end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    server,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    text: () => bodies.join('\n'),
    spans: () =>
      bodies.flatMap((body) =>
        (
          JSON.parse(body) as { resourceSpans: Array<{ scopeSpans: Array<{ spans: Span[] }> }> }
        ).resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)),
      ),
  };
}

describe('tracing', () => {
  let app: ChatApp;
  let collector: Awaited<ReturnType<typeof startCollector>>;

  beforeAll(async () => {
    collector = await startCollector();
    app = await startChatApp({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
  });

  afterAll(() => collector.server.close());

  it('sends one span per model call, with its figures and without message content', async () => {
    const user = await app.createUser();
    app.double.enqueue({ text: ['Classified answer'], usage: { input: 321, output: 12 } });
    await app.say(user, 'traced', 'A classified question', { headers: { 'x-request-id': 'trace-me' } });
    app.double.enqueue({ fault: { type: 'status', status: 403 } });
    await app.say(user, 'traced', 'Another classified question');
    // The rest is sent when the server ends.
    await app.close();

    const spans = collector.spans().map((span) => ({
      ...span,
      attributes: Object.fromEntries(
        span.attributes.map(({ key, value }) => [key, value.stringValue ?? value.intValue]),
      ),
    }));
    const answer = spans.find(({ attributes }) => attributes['gen_ai.usage.input_tokens'] === 321);
    expect(answer).toMatchObject({
      name: 'chat gemini-2.5-flash',
      attributes: {
        'gen_ai.provider.name': 'google',
        'gen_ai.request.model': 'gemini-2.5-flash',
        'gen_ai.usage.output_tokens': 12,
        'switchboard.agent': 'chat',
        'switchboard.purpose': 'answer',
        'switchboard.request_id': 'trace-me',
        'switchboard.status': 'success',
      },
    });
    expect(BigInt(answer?.endTimeUnixNano ?? 0)).toBeGreaterThanOrEqual(
      BigInt(answer?.startTimeUnixNano ?? 1),
    );
    expect(spans.some(({ attributes }) => attributes['switchboard.purpose'] === 'title')).toBe(true);
    const failed = spans.find(({ status }) => status.code === 2);
    expect(failed?.attributes['error.type']).toBe('api_key_missing');
    for (const secret of ['lassified', user.token, ...Object.values(SERVER_KEYS)]) {
      expect(collector.text()).not.toContain(secret);
    }
  });
});
