import type { UIMessage, UIMessageChunk } from 'ai';
import { messageOf } from '../../../test/support/turns.js';
import { correctingChunks } from './answer-frame.js';
import { CheckpointReader } from './instances/checkpoint-reader.js';

type Parts = UIMessage['parts'];

const step = { type: 'step-start' } as const;
const text = (text: string) => ({ type: 'text', text, state: 'done' }) as const;
const asked = {
  type: 'tool-search',
  toolCallId: 'call-1',
  state: 'input-available',
  input: { query: 'lock' },
} as const;
const made = { ...asked, state: 'output-available', output: ['found'] } as const;

/** The message of a client that has read everything that was written, and then the correction. */
async function read(written: Parts, stored: Parts): Promise<Parts> {
  const chunks: UIMessageChunk[] = [
    { type: 'start', messageId: 'answer' },
    ...new CheckpointReader().next(written),
    ...correctingChunks(written, { parts: stored, status: 'interrupted' }),
    { type: 'message-metadata', messageMetadata: { status: 'interrupted' } },
    { type: 'abort', reason: 'interrupted' },
  ];
  return (await messageOf(chunks)).parts;
}

describe('an answer that another instance has closed', () => {
  it.each<[string, Parts, Parts]>([
    ['loses the words that were not stored', [step, text('Safe and sound.')], [step, text('Safe and ')]],
    [
      'loses a text that was not stored',
      [step, { type: 'reasoning', text: 'Hm.', state: 'done' }, text('Safe')],
      [step, { type: 'reasoning', text: 'Hm.', state: 'done' }],
    ],
    ['keeps its earlier steps', [step, made, step, text('It was found.')], [step, made, step, text('It ')]],
    ['stays as it is if all of it was stored', [step, text('Safe')], [step, text('Safe')]],
  ])('%s', async (_case, written, stored) => {
    expect(await read(written, stored)).toMatchObject(stored);
  });

  it('has no open call, and no step that was not stored', async () => {
    const parts = await read([step, made, step, text('It was found.')], [step, asked]);
    expect(parts).toMatchObject([step, { toolCallId: 'call-1', state: 'output-error' }, step]);
    expect(parts).toHaveLength(3);
  });

  it('keeps what cannot be taken back: a step that was not stored', async () => {
    const written: Parts = [step, text('I look it up.'), step, text('It was found.')];
    expect(await read(written, [step, text('I look')])).toEqual(written);
  });
});
