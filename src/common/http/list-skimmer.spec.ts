import { ListSkimmer } from './list-skimmer.js';

const RULE = { list: 'messages', key: 'role', values: ['user', 'assistant'] };

function skim(text: string, size = Number.POSITIVE_INFINITY) {
  const skimmer = new ListSkimmer(RULE);
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) skimmer.add(bytes.subarray(at, at + size));
  return skimmer;
}

const read = (text: string, size?: number): unknown => JSON.parse(skim(text, size).body.collected.toString());

/** What is kept of a parsed body. */
function expected(text: string): unknown {
  const body = (JSON.parse(text) ?? {}) as Record<string, unknown>;
  const { messages } = body;
  if (!Array.isArray(messages)) return JSON.parse(text);
  const last = messages.findLastIndex((item: { role?: string } | null) =>
    RULE.values.includes(item?.role ?? ''),
  );
  return { ...body, messages: messages.map((item: unknown, index) => (index === last ? item : null)) };
}

const user = (text: string) => ({ id: 'u', role: 'user', parts: [{ type: 'text', text }] });
const assistant = { parts: [{ type: 'x', data: { role: 'user', messages: [1, 2] } }], role: 'assistant' };
const system = { role: 'system', parts: [] };

describe('ListSkimmer', () => {
  it.each([
    { id: 'c', messages: [] },
    { id: 'c', messages: [user('one')] },
    { messages: [user('one'), assistant, user('two')], id: 'c', trigger: 'submit-message' },
    { messages: [user('one'), assistant], messageId: null },
    { messages: [user('a "quoted" \\ \u0001 text, {[]}'), system, 7, null, 'user', [user('x')], {}] },
    { messages: { role: 'user' }, message: { messages: [user('one'), user('two')] } },
    { a: ['messages', [1, 2]], b: { messages: [user('one'), user('two')] }, messages: 'x' },
    { messages: [system, { role: 5 }, { role: ['user'] }, { Role: 'user' }, { x: 'role', y: 'user' }] },
    { messages: [user('grüße 🙂 "\\"'), { role: 'user', parts: [], more: 'ü\\' }], tail: '🙂' },
    {},
    [1, user('x')],
    'messages',
    null,
  ])('keeps the last item that counts, wherever the body is cut: %j', (body) => {
    for (const text of [JSON.stringify(body), JSON.stringify(body, null, 2)]) {
      for (const size of [1, 2, 3, 7, 16, 1_000]) expect(read(text, size)).toEqual(expected(text));
    }
  });

  it('keeps bodies that are not JSON refusable', () => {
    const broken = [
      '{"messages":[{"role":"user"}',
      '{"messages":[}]}',
      '{"messages":[{]]',
      '{"messages":[1,2]',
      '"',
      '{"messages":[{"role":"user',
    ];
    for (const text of broken)
      for (const size of [1, 5, 100]) expect(() => read(text, size)).toThrow(SyntaxError);
  });

  it('does not keep and does not count what it leaves out', () => {
    const skimmer = new ListSkimmer(RULE);
    const picture = JSON.stringify({ role: 'user', parts: [1, 2, 3], url: 'x'.repeat(10_000) });
    skimmer.add(Buffer.from('{"id":"c","messages":['));
    for (let index = 0; index < 100; index++) skimmer.add(Buffer.from(`${picture},`));
    expect(skimmer.length).toBeLessThan(1_000);
    skimmer.add(Buffer.from('{"role":"user","parts":[1]}]}'));
    expect(skimmer.length).toBeLessThan(1_000);
    expect([skimmer.items, skimmer.depth]).toEqual([102, 4]);
  });

  it('takes linear time', () => {
    const text = JSON.stringify({ messages: [user('\\"'.repeat(2_000_000)), user('x')] });
    const since = performance.now();
    expect(read(text, 65_536)).toEqual({ messages: [null, user('x')] });
    expect(performance.now() - since).toBeLessThan(2_000);
  });

  it.each([
    ['strings', '""'],
    ['names', '"ab":"cd" '],
    ['escapes', '"\\\\" '],
    ['roles', '"role":"user" '],
  ])('takes little longer for a chunk of short %s than for one of long texts', (_what, piece) => {
    const SIZE = 65_536;
    const long = Buffer.alloc(SIZE, 'x');
    const short = Buffer.from(piece.repeat(Math.floor(SIZE / piece.length)));
    const timeOf = (open: string, chunk: Buffer) => {
      const skimmer = new ListSkimmer(RULE);
      skimmer.add(Buffer.from(`{"messages":[{${open}`));
      const times = Array.from({ length: 60 }, () => {
        const since = performance.now();
        skimmer.add(chunk);
        return performance.now() - since;
      });
      return Math.min(...times);
    };
    const usual = timeOf('"text":"', long);
    const worst = timeOf('', short);
    expect(worst).toBeLessThan(12 * usual);
  });
});
