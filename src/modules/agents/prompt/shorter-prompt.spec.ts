import type { LanguageModelV4Message, LanguageModelV4Prompt } from '@ai-sdk/provider';
import { summaryMessage } from './conversation-summary.js';
import { endsWithQuestion, shorterPrompt } from './shorter-prompt.js';

const MODEL = { provider: 'openai', modelId: 'gpt-4o-mini' } as const;
const WORDS = 'some more words about nothing '.repeat(20);

const user = (text: string): LanguageModelV4Message => ({
  role: 'user',
  content: [{ type: 'text', text: `${text} ${WORDS}` }],
});
const turn = (number: number): LanguageModelV4Message[] => [
  user(`Question ${number}`),
  {
    role: 'assistant',
    content: [{ type: 'tool-call', toolCallId: `call_${number}`, toolName: 'weather', input: {} }],
  },
  {
    role: 'tool',
    content: [
      {
        type: 'tool-result',
        toolCallId: `call_${number}`,
        toolName: 'weather',
        output: { type: 'text', value: WORDS },
      },
    ],
  },
  { role: 'assistant', content: [{ type: 'text', text: `Answer ${number} ${WORDS}` }] },
];
const SYSTEM: LanguageModelV4Message = { role: 'system', content: 'Be brief.' };
const SUMMARY: LanguageModelV4Message = {
  role: 'user',
  content: summaryMessage({ content: 'They talked.', throughId: 'x' }).parts as never,
};
const QUESTION = user('The question');

const firstQuestion = (prompt: LanguageModelV4Prompt | undefined) =>
  /Question (\d+)/.exec(JSON.stringify(prompt))?.[1];

describe('a shorter prompt', () => {
  const turns = Array.from({ length: 10 }, (_, index) => turn(index)).flat();
  const whole = [SYSTEM, SUMMARY, ...turns, QUESTION];

  it.each<[string, string, number]>([
    ['Anthropic', 'prompt is too long: 208310 tokens > 200000 maximum', 2],
    ['Anthropic', 'prompt is too long: 800000 tokens > 200000 maximum', 9],
    [
      'Anthropic, with the answer counted in',
      'input length and `max_tokens` exceed context limit: 178959 + 64000 > 200000, decrease input length or `max_tokens` and try again',
      4,
    ],
    ['Gemini', 'The input token count (2845475) exceeds the maximum number of tokens allowed (1048576).', 8],
    [
      'OpenAI',
      "This model's maximum context length is 128000 tokens. However, your messages resulted in 256412 tokens. Please reduce the length of the messages.",
      6,
    ],
    ['OpenAI, which names no size', 'Your input exceeds the context window of this model.', 6],
    ['a vendor with impossible sizes', 'prompt is too long: 10 tokens > 200000 maximum', 6],
  ])('follows the sizes of %s (%s)', (_name, words, first) => {
    const shorter = shorterPrompt(whole, words, MODEL);
    expect(firstQuestion(shorter)).toBe(String(first));
    expect(shorter).toEqual([SYSTEM, SUMMARY, ...turns.slice(first * 4), QUESTION]);
  });

  it('keeps the question with the steps of its answer', () => {
    const steps = turn(99).slice(1, 3);
    const shorter = shorterPrompt([SYSTEM, ...turns, QUESTION, ...steps], 'too long', MODEL);
    expect(shorter?.slice(-3)).toEqual([QUESTION, ...steps]);
    expect(endsWithQuestion([SYSTEM, QUESTION, ...steps])).toBe(false);
    expect(endsWithQuestion([SYSTEM, ...turns, QUESTION])).toBe(true);
  });

  it('leaves out at least one turn, then the summary, and never the question', () => {
    const words = 'prompt is too long: 200001 tokens > 200000 maximum';
    expect(shorterPrompt([SYSTEM, SUMMARY, ...turn(1), QUESTION], words, MODEL)).toEqual([
      SYSTEM,
      SUMMARY,
      QUESTION,
    ]);
    expect(shorterPrompt([SYSTEM, SUMMARY, QUESTION], words, MODEL)).toEqual([SYSTEM, QUESTION]);
    expect(shorterPrompt([SYSTEM, QUESTION], words, MODEL)).toBeUndefined();
  });
});
