import type { SelectedModel } from '../models/model-selector.js';
import { planCompaction } from './compaction-plan.js';
import type { MeasuredMessage } from './compaction.repository.js';

const MODEL = { provider: 'openai', modelId: 'gpt-4o-mini' } as unknown as SelectedModel;

/** Messages of about 100 tokens, a question first. */
const messages = (count: number, characters = 400): MeasuredMessage[] =>
  Array.from({ length: count }, (_, index) => ({
    id: `message-${index}`,
    at: new Date(index),
    role: index % 2 === 0 ? 'user' : 'assistant',
    characters,
    bytes: characters,
    files: 0,
  }));
const planned = (list: MeasuredMessage[], limit: number, threshold = 0.7) =>
  planCompaction(list, MODEL, { limit, threshold })?.through.id;

describe('the plan of a compaction', () => {
  it('keeps 30 % of the limit, from a question on', () => {
    expect(planned(messages(80), 10_000)).toBe('message-49');
    expect(planned(messages(81), 10_000)).toBe('message-51');
  });

  it('keeps less if it starts at a lower threshold', () => {
    expect(planned(messages(80), 10_000, 0.2)).toBe('message-69');
  });

  it('keeps the last turn, however long it is', () => {
    const list = messages(40);
    const last = { ...list[39], characters: 80_000, bytes: 80_000 } as MeasuredMessage;
    expect(planned([...list.slice(0, 39), last], 10_000)).toBe('message-37');
  });

  it('keeps a hundred messages at most', () => {
    expect(planned(messages(400, 4), 1_000_000)).toBe('message-299');
  });

  it('counts files by kind and not by size', () => {
    const withFiles = messages(40).map((message, index) => ({ ...message, files: index >= 38 ? 2 : 0 }));
    expect(planned(withFiles, 10_000)).toBe('message-37');
  });

  it.each<[string, MeasuredMessage[], number]>([
    ['there is only one turn', messages(2), 100],
    ['there is no question', messages(2).slice(1), 100],
    ['there is nothing', [], 100],
    ['what it would save is not worth a call', [...messages(2), ...messages(2, 8_000)], 10_000],
  ])('is none when %s', (_name, list, limit) => {
    expect(planned(list, limit)).toBeUndefined();
  });
});
