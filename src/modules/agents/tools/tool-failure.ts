import type { ToolSet } from 'ai';

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
  const described = ({ execute, ...rest }: ToolSet[string]) => ({
    ...rest,
    execute: async (...call: Parameters<NonNullable<typeof execute>>): Promise<unknown> => {
      try {
        return (await execute?.(...call)) as unknown;
      } catch (error) {
        if (call[1].abortSignal?.aborted) throw error;
        throw new ToolFailure(describe(error), { cause: error });
      }
    },
  });
  return Object.fromEntries(Object.entries(tools).map(([name, tool]) => [name, described(tool)]));
}
