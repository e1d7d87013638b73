import type { Body } from '../doubles/wire/dialect.js';
import { ASKED_MODELS, AskedVendor, type StoredMessage } from './asked-vendor.js';
import { FILES } from './files.js';
import { Dice, randomHistory } from './random-history.js';

/** `HISTORY_ROUNDS=150` asks more random conversations. */
const ROUNDS = Number(process.env['HISTORY_ROUNDS'] ?? 50);

/** The conversation in a request, in the field that its vendor uses. */
function conversationOf(body: Body): Body[] {
  return (body['contents'] ?? body['messages'] ?? body['input']) as Body[];
}

/** Each part with its role. Consecutive parts of one role are one message, which may grow. */
function flat(messages: Body[]): string[] {
  return messages.flatMap((message) => {
    const { role, content, parts } = message;
    const inner: unknown = parts ?? content;
    if (Array.isArray(inner)) return inner.map((part) => JSON.stringify([role, part]));
    // A single text may have no list around it.
    const text = typeof inner === 'string' && role === 'user' ? { type: 'text', text: inner } : undefined;
    return [JSON.stringify(text ? [role, text] : message)];
  });
}

const say = (words: string) => ({ type: 'text', text: words, state: 'done' });

/** A chat without anything unusual: questions with files, reasoning, calls, an answer of each vendor. */
const CONVERSATION: StoredMessage[] = [
  { id: 'q1', role: 'user', parts: [say('Look.'), FILES['png'], FILES['csv']] },
  {
    id: 'a1',
    role: 'assistant',
    parts: [
      { type: 'step-start' },
      { type: 'reasoning', text: 'Hm.', providerMetadata: { google: { thoughtSignature: 'c2lnbmVk' } } },
      { ...say('A cat.'), providerMetadata: { google: { thoughtSignature: 'c2lnbmVk' } } },
    ],
  },
  { id: 'q2', role: 'user', parts: [say('Write that down.'), { type: 'data-cursor', data: 7 }] },
  {
    id: 'a2',
    role: 'assistant',
    parts: [
      { type: 'step-start' },
      {
        type: 'tool-createDocument',
        toolCallId: 'functions.createDocument:0',
        state: 'output-available',
        input: { title: 'Cat' },
        output: { id: 1 },
      },
      { type: 'step-start' },
      say('Done.'),
    ],
  },
  { id: 'q3', role: 'user', parts: [say('Again.'), FILES['pdf']] },
  {
    id: 'a3',
    role: 'assistant',
    parts: [
      { type: 'step-start' },
      {
        type: 'tool-createDocument',
        toolCallId: 'functions.createDocument:0',
        state: 'output-error',
        rawInput: '{"ti',
        errorText: 'No.',
      },
      { type: 'step-start' },
      say('Sorry.'),
    ],
  },
  { id: 'q4', role: 'user', parts: [say('Thanks.')] },
];

async function bodiesOf(vendor: AskedVendor, messages: readonly StoredMessage[]): Promise<Body[]> {
  for (const [index, message] of messages.entries())
    if (message.role === 'user') await vendor.ask(messages.slice(0, index), message);
  return vendor.exchanges.map(({ body }) => body);
}

describe('the requests of one conversation', () => {
  it.each(ASKED_MODELS)('begin with the same bytes: $provider/$modelId $api', async (asked) => {
    const bodies = await bodiesOf(new AskedVendor(asked), CONVERSATION);
    expect(bodies).toHaveLength(4);
    for (const [index, body] of bodies.slice(1).entries()) {
      const before = JSON.stringify(conversationOf(bodies[index] ?? {}));
      // Everything except the bracket that ends the list.
      expect(JSON.stringify(conversationOf(body)).slice(0, before.length - 1)).toBe(before.slice(0, -1));
      const rest = ({ contents: _1, messages: _2, input: _3, ...settings }: Body) => JSON.stringify(settings);
      expect(rest(body)).toBe(rest(bodies[index] ?? {}));
    }
  });

  it.each(ASKED_MODELS)('are the same if they are made again: $provider/$modelId $api', async (asked) => {
    const [first, second] = [
      await bodiesOf(new AskedVendor(asked), CONVERSATION),
      await bodiesOf(new AskedVendor(asked), CONVERSATION),
    ];
    expect(JSON.stringify(second)).toBe(JSON.stringify(first));
  });

  it.each(ASKED_MODELS)(
    'continue where the previous one ended, whatever they contain: $provider/$modelId $api',
    async (asked) => {
      for (let seed = 1; seed <= ROUNDS; seed++) {
        const dice = new Dice(seed * 7_919);
        const questions: StoredMessage[] = [1, 2, 3].map((number) => ({
          id: `question ${number}`,
          role: 'user',
          parts: [
            say(`Question ${number}.`),
            dice.oneOf([FILES['png'], FILES['csv'], FILES['pdf'], say('And more.')]),
          ],
        }));
        // Messages that this vendor has not got yet may be too large, or may be left out later.
        const answers = questions.map(() => randomHistory(dice).filter(({ role }) => role === 'assistant'));
        const messages = questions.flatMap((question, index) => [question, ...(answers[index] ?? [])]);
        const bodies = await bodiesOf(new AskedVendor(asked), messages);
        expect([seed, bodies.length]).toEqual([seed, 3]);
        for (const [index, body] of bodies.slice(1).entries()) {
          const before = flat(conversationOf(bodies[index] ?? {}));
          expect({ seed, said: flat(conversationOf(body)).slice(0, before.length) }).toEqual({
            seed,
            said: before,
          });
        }
      }
    },
  );
});
