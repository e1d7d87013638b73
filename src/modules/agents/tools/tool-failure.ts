import type { Attributes } from '@opentelemetry/api';
import type { ToolSet } from 'ai';
import { activeSpan, capturesContent, inSpan } from '../../../common/observability/spans.js';

/** A failed tool, in the words that the user reads. Without a name, so that these words are all that the model is told. */
export class ToolFailure extends Error {
  override readonly name = '';
}

/**
 * Tools that fail in described words. The model is told the same in the next step as in later questions, where they come from
 * the stored answer: only then does a later request begin with the bytes of this one. And it is told nothing that an error
 * says about the server.
 */
export function withDescribedFailures(tools: ToolSet, describe: (error: unknown) => string): ToolSet {
  const described = (name: string, { execute, ...rest }: ToolSet[string]) => ({
    ...rest,
    execute: async (...call: Parameters<NonNullable<typeof execute>>): Promise<unknown> => {
      try {
        return await traced(name, call, async () => (await execute?.(...call)) as unknown);
      } catch (error) {
        if (call[1].abortSignal?.aborted) throw error;
        throw new ToolFailure(describe(error), { cause: error });
      }
    },
  });
  return Object.fromEntries(Object.entries(tools).map(([name, tool]) => [name, described(name, tool)]));
}

/** Runs a tool in a span, in the words of OpenTelemetry's conventions for generative AI. */
function traced(
  name: string,
  [input, { toolCallId }]: [input: unknown, options: { toolCallId: string }, ...rest: unknown[]],
  work: () => Promise<unknown>,
): Promise<unknown> {
  const attributes: Attributes = {
    'gen_ai.operation.name': 'execute_tool',
    'gen_ai.tool.name': name,
    'gen_ai.tool.type': 'function',
    'gen_ai.tool.call.id': toolCallId,
  };
  if (capturesContent()) attributes['gen_ai.tool.call.arguments'] = JSON.stringify(input);
  return inSpan(`execute_tool ${name}`, { attributes }, async () => {
    const result = await work();
    if (capturesContent())
      activeSpan()?.setAttribute('gen_ai.tool.call.result', JSON.stringify(result) ?? '');
    return result;
  });
}
