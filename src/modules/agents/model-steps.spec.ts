import type { LanguageModelV4CallOptions } from '@ai-sdk/provider';
import type { RunPart } from '../accounting/accounted-run.js';
import { runContext } from '../accounting/run-context.js';
import type { SelectedModel } from '../models/model-selector.js';
import type { Admission, FurtherCall } from '../rate-limit/admission.js';
import { ModelSteps } from './model-steps.js';

const PRICING = { input: 2, cachedInput: 0.2, cacheWrite: 2.5, cacheWriteHour: 4, output: 0 };
const PROMPT: LanguageModelV4CallOptions['prompt'] = [
  { role: 'system', content: 'Be brief. '.repeat(2_000) },
  { role: 'user', content: [{ type: 'text', text: 'Hello' }] },
];

/** USD that are reserved for the second call of an answer. */
async function reservedFor(provider: string, caching: object): Promise<number> {
  const costs: number[] = [];
  const admission = {
    firstCallEnded: () => undefined,
    reserving: async ({ costs: costsOf, make }: Pick<FurtherCall<void>, 'costs' | 'make'>) => {
      costs.push(Number(costsOf().reservedCost));
      await make();
    },
  } as unknown as Admission;
  const source = { next: () => Promise.resolve(undefined), abandon: () => undefined };
  const model = {
    provider,
    modelId: 'a-model',
    agentConfig: { caching },
    catalog: { capabilities: {}, pricing: PRICING },
    stream: () => Promise.resolve(source),
  } as unknown as SelectedModel;
  const part = { name: { chatId: 'a chat' } } as RunPart;
  await runContext.run({ asker: { userId: 'a user', requestId: 'a request' }, part }, async () => {
    const steps = new ModelSteps(model, admission);
    for (let step = 0; step < 2; step++) {
      const stream = await steps.stream({ prompt: PROMPT, maxOutputTokens: 10 });
      await stream.next();
    }
  });
  expect(costs).toHaveLength(1);
  return costs[0] ?? 0;
}

describe('the reservation of a further step', () => {
  it.each([
    ['anthropic', {}, 1.25],
    ['anthropic', { ttl: '1h' }, 2],
    ['anthropic', { enabled: false }, 1],
    ['openai', {}, 1.25],
    ['google', {}, 1],
  ])('covers a prompt that %s writes to its cache: %j', async (provider, caching, times) => {
    const plain = await reservedFor(provider === 'openai' ? 'google' : provider, { enabled: false });
    expect((await reservedFor(provider, caching)) / plain).toBeCloseTo(times, 2);
  });
});
