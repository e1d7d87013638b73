import { z } from 'zod';

/** The share of a model's possible input from which on the older part of a chat is summarized. */
export const COMPACTION_THRESHOLD = 0.7;

/** `context` of an agent. */
export const contextSchema = z
  .strictObject({ maxInputTokens: z.int().min(1_000).max(1_000_000_000).optional() })
  .describe(
    'What a model is sent at most. `maxInputTokens` counts the system prompt, the tools and the conversation; by default, the ' +
      "limit is the model's context window less the longest answer. A lower limit makes long chats cheaper: their older part " +
      'is summarized earlier. At least 1,000.',
  );

/** `compaction` of `app_settings`. @param models at most one model for each provider */
export const compactionSchema = <Models extends z.ZodType>(models: Models) =>
  z
    .strictObject({
      enabled: z.boolean().optional(),
      threshold: z.number().min(0.1).max(0.95).optional(),
      models: models.optional(),
    })
    .describe(
      'Long chats: when a conversation fills this share of the input that its model may get (`threshold`, by default ' +
        `${COMPACTION_THRESHOLD}), its older part is summarized after the answer, by the model in \`models\` of the same ` +
        'provider, by default the one that generates titles. The messages stay as they are. `enabled: false` switches ' +
        'summaries off; the oldest messages are then left out of prompts that would be too long.',
    );
