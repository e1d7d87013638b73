import { withoutUnknownEvents } from './anthropic.js';
import { rewritingEvents } from './server-events.js';

const event = (data: object) => `data: ${JSON.stringify(data)}\n\n`;
const START = event({ type: 'message_start', message: {} });
const PROLOGUE = event({ type: 'new' });

/** Reads a response that arrives in these pieces. */
async function read(pieces: Uint8Array[], rewrite: Parameters<typeof rewritingEvents>[1]): Promise<string> {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece);
      controller.close();
    },
  });
  const send = () =>
    Promise.resolve(new Response(body, { headers: { 'content-type': 'text/event-stream' } }));
  return (await rewritingEvents(send, rewrite)('http://provider')).text();
}

describe('events that are rewritten', () => {
  it('are the same wherever the response is cut', async () => {
    const bytes = Buffer.from(['one', 'zwölf', '日本', ''].map((word) => `data: ${word}\r\n\r\n`).join(''));
    const rewrite = () => (events: string) => ({ events: events.replaceAll('data', 'DATA') });
    const expected = bytes.toString().replaceAll('data', 'DATA');
    for (let at = 1; at < bytes.length; at++)
      expect(await read([bytes.subarray(0, at), bytes.subarray(at)], rewrite)).toBe(expected);
    expect(
      await read(
        [...bytes].map((byte) => Uint8Array.of(byte)),
        rewrite,
      ),
    ).toBe(expected);
  });

  it('pass unchanged after the rewriting is done, also behind half a character', async () => {
    const citation = event({
      type: 'content_block_delta',
      delta: { type: 'citations_delta', citation: 'Zwölf' },
    });
    const bytes = Buffer.from(PROLOGUE + START + citation + event({ type: 'message_stop' }));
    for (let at = PROLOGUE.length; at < bytes.length; at++) {
      const passed = await read([bytes.subarray(0, at), bytes.subarray(at)], () => withoutUnknownEvents);
      expect(passed).toBe(START + citation + event({ type: 'message_stop' }));
    }
  });

  it('keep what is no event before the first one, together with it or apart', async () => {
    const garbage = 'data: {"gar\n\n';
    for (const pieces of [[PROLOGUE + garbage + START], [PROLOGUE, garbage, START]])
      expect(
        await read(
          pieces.map((piece) => Buffer.from(piece)),
          () => withoutUnknownEvents,
        ),
      ).toBe(garbage + START);
  });

  it('may be large: the time grows with the size', async () => {
    const rewrite = () => (events: string) => ({ events });
    const piece = Buffer.from('x'.repeat(16 * 1024));
    const pieces = (count: number) => [...Array<Buffer>(count).fill(piece), Buffer.from('\n\n')];
    await read(pieces(100), rewrite);
    const before = process.cpuUsage();
    const text = await read(pieces(1_000), rewrite);
    const { user, system } = process.cpuUsage(before);
    expect(text).toHaveLength(1_000 * piece.length + 2);
    expect((user + system) / 1_000).toBeLessThan(1_000);
  });
});
