import type { UIMessage } from 'ai';
import type { AppError } from '../../common/errors/app-error.js';
import { summaryMessage } from '../agents/prompt/conversation-summary.js';
import type { SelectedModel } from '../models/model-selector.js';
import { inputLimit } from './context-limit.js';
import { assertFits, fitted } from './conversation-fit.js';

const WORDS = 'some more words about nothing '.repeat(16);

const modelWith = (catalog: object, agentConfig: object = {}, provider = 'openai') =>
  ({
    id: `${provider}/a-model`,
    provider,
    modelId: 'a-model',
    catalog: { capabilities: {}, ...catalog },
    agentConfig: { systemPrompt: 'Be brief.', ...agentConfig },
  }) as unknown as SelectedModel;
const message = (id: string, role: 'user' | 'assistant'): UIMessage => ({
  id,
  role,
  parts: [{ type: 'text', text: `${id} ${WORDS}` }],
});
const conversation = (turns: number): UIMessage[] => [
  ...Array.from({ length: turns }, (_, index) => [
    message(`question-${index}`, 'user'),
    message(`answer-${index}`, 'assistant'),
  ]).flat(),
  message('question', 'user'),
];
const idsOf = (history: UIMessage[]) => history.map(({ id }) => id);

describe('the limit of the input', () => {
  it.each<[string, object, object, number]>([
    ['the window less the longest answer', { contextWindow: 200_000, maxOutputTokens: 64_000 }, {}, 136_000],
    [
      'the window less the configured answer',
      { contextWindow: 200_000, maxOutputTokens: 64_000 },
      { parameters: { maxOutputTokens: 1_000 } },
      199_000,
    ],
    ['half of a window that is all answer', { contextWindow: 8_000, maxOutputTokens: 8_000 }, {}, 4_000],
    [
      'the lower limit of the configuration',
      { contextWindow: 200_000, maxOutputTokens: 64_000 },
      { context: { maxInputTokens: 5_000 } },
      5_000,
    ],
    [
      'never more than the window, whatever is configured',
      { contextWindow: 200_000, maxOutputTokens: 64_000 },
      { context: { maxInputTokens: 900_000 } },
      136_000,
    ],
    ['that of a usual model if the catalog has none', {}, {}, 120_000],
  ])('is %s', (_name, catalog, agentConfig, limit) => {
    expect(inputLimit(modelWith(catalog, agentConfig))).toBe(limit);
  });

  it('does not exist for the demo model', () => {
    expect(inputLimit(modelWith({}, {}, 'demo'))).toBe(Infinity);
  });
});

describe('a conversation', () => {
  const model = modelWith({}, { context: { maxInputTokens: 2_000 } });

  it('stays as it is as long as it fits', () => {
    const history = conversation(5);
    expect(fitted(history, model)).toEqual({ history, isShortened: false });
  });

  it('loses whole turns, the oldest first', () => {
    const history = conversation(40);
    const { history: shown, isShortened } = fitted(history, model);
    expect(isShortened).toBe(true);
    expect(shown[0]?.id).toMatch(/^question-/);
    expect(idsOf(shown)).toEqual(idsOf(history).slice(-shown.length));
    expect(shown.length).toBeGreaterThan(15);
    expect(shown.length).toBeLessThan(24);
  });

  it('keeps its summary, unless the question needs the space', () => {
    const summary = summaryMessage({ content: 'They talked.', throughId: 'x' });
    const shown = fitted([summary, ...conversation(40)], model).history;
    expect(shown[0]).toBe(summary);
    const long: UIMessage = { ...message('long', 'user'), parts: [{ type: 'text', text: WORDS.repeat(24) }] };
    expect(idsOf(fitted([summary, long], model).history)).toEqual(['long']);
  });

  it('is as long as the vendor has said, and its new part is estimated', () => {
    const history = conversation(5);
    const known = { messageId: 'answer-4', model: model.id, summarizedThrough: null };
    expect(fitted(history, model, { known: { ...known, tokens: 1_000 } }).isShortened).toBe(false);
    const shortened = fitted(history, model, { known: { ...known, tokens: 2_500 } });
    expect(shortened.isShortened).toBe(true);
    expect(shortened.history.length).toBeGreaterThan(3);
    // What is known of another conversation, of another model or with another summary says nothing.
    for (const other of [{ messageId: 'x' }, { model: 'google/x' }, { summarizedThrough: 'x' }])
      expect(fitted(history, model, { known: { ...known, ...other, tokens: 2_500 } }).isShortened).toBe(
        false,
      );
  });

  it('leaves space for what else is in the prompt', () => {
    const history = conversation(8);
    expect(fitted(history, model).isShortened).toBe(false);
    expect(fitted(history, model, { extraTokens: 1_000 }).isShortened).toBe(true);
  });

  it('keeps an answer that is continued', () => {
    const history = [...conversation(40), message('continued', 'assistant')];
    expect(idsOf(fitted(history, model).history).slice(-2)).toEqual(['question', 'continued']);
  });

  it('is refused if its question alone is too long, and not if that is uncertain', () => {
    const of = (length: number): UIMessage[] => [
      { ...message('long', 'user'), parts: [{ type: 'text', text: WORDS.repeat(length) }] },
    ];
    const refusal = (work: () => unknown) => {
      try {
        work();
        return undefined;
      } catch (error) {
        return (error as AppError).status;
      }
    };
    expect(refusal(() => fitted(of(24), model))).toBeUndefined();
    expect(refusal(() => fitted(of(60), model))).toBe(413);
    expect(refusal(() => assertFits(of(24)[0] as UIMessage, [model]))).toBeUndefined();
    expect(refusal(() => assertFits(of(60)[0] as UIMessage, [model]))).toBe(413);
    // Another model that could answer takes it.
    const larger = modelWith({ contextWindow: 128_000 });
    expect(refusal(() => assertFits(of(60)[0] as UIMessage, [model, larger]))).toBeUndefined();
  });
});
