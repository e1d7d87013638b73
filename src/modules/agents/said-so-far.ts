import type {
  LanguageModelV4Message,
  LanguageModelV4StreamPart,
  SharedV4ProviderMetadata,
} from '@ai-sdk/provider';

type Content = Extract<LanguageModelV4Message, { role: 'assistant' }>['content'];
type Words = Extract<Content[number], { type: 'text' | 'reasoning' }>;

/** Collects what a model has said, to send it back after a pause. */
export class SaidSoFar {
  readonly content: Content = [];
  private readonly open = new Map<string, Words>();

  add(part: LanguageModelV4StreamPart): void {
    switch (part.type) {
      case 'text-start':
      case 'reasoning-start': {
        const words: Words = { type: part.type === 'text-start' ? 'text' : 'reasoning', text: '' };
        note(words, part.providerMetadata);
        this.open.set(`${words.type} ${part.id}`, words);
        this.content.push(words);
        return;
      }
      case 'text-delta':
      case 'reasoning-delta':
      case 'text-end':
      case 'reasoning-end': {
        const words = this.open.get(`${part.type.startsWith('text') ? 'text' : 'reasoning'} ${part.id}`);
        if (!words) return;
        if ('delta' in part) words.text += part.delta;
        note(words, part.providerMetadata);
        return;
      }
      case 'tool-call': {
        const { type, toolCallId, toolName, input, providerExecuted, providerMetadata } = part;
        const call = { type, toolCallId, toolName, input: parsed(input), providerExecuted };
        this.content.push({ ...call, providerOptions: providerMetadata });
        return;
      }
      case 'tool-result': {
        const { type, toolCallId, toolName, result: value, isError, providerMetadata } = part;
        if (part.preliminary) return;
        const output = { type: isError ? ('error-json' as const) : ('json' as const), value };
        this.content.push({ type, toolCallId, toolName, output, providerOptions: providerMetadata });
      }
    }
  }
}

/** Signatures come with the last delta, and citations come with the end. */
function note(words: Words, metadata: SharedV4ProviderMetadata | undefined): void {
  for (const [vendor, notes] of Object.entries(metadata ?? {}))
    words.providerOptions = {
      ...words.providerOptions,
      [vendor]: { ...words.providerOptions?.[vendor], ...notes },
    };
}

function parsed(input: string): unknown {
  try {
    return input.trim() === '' ? {} : (JSON.parse(input) as unknown);
  } catch {
    return input;
  }
}
