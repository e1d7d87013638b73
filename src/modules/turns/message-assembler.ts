import { isToolUIPart, type UIMessage, type UIMessageChunk } from 'ai';

type Part = UIMessage['parts'][number];
export type TextLike = Extract<Part, { type: 'text' | 'reasoning' }>;

/** The fields of a tool part in all its states. */
interface ToolPart {
  type: string;
  toolName?: string;
  toolCallId: string;
  state: string;
  [field: string]: unknown;
}

type ToolChunk = Extract<UIMessageChunk, { toolCallId: string }>;

/**
 * Builds the parts of an answer from its chunks, in the same way as the AI SDK's client does from the stream. So a
 * message is the same live and after a reload. A token only appends to a string.
 */
export class MessageAssembler {
  readonly parts: Part[] = [];
  private stepStart = 0;
  private readonly open = new Map<string, TextLike>();
  private readonly tools = new Map<string, ToolPart>();
  private readonly requested = new Set<string>();

  /** Continues an answer that is already stored. */
  restore(parts: Part[]): void {
    this.parts.splice(0, this.parts.length, ...parts);
    for (const part of parts) if (isToolUIPart(part)) this.tools.set(part.toolCallId, part);
  }

  add(chunk: UIMessageChunk): void {
    switch (chunk.type) {
      case 'text-delta':
      case 'reasoning-delta':
        return this.append(chunk);
      case 'text-start':
      case 'reasoning-start':
        return this.begin(chunk);
      case 'text-end':
      case 'reasoning-end':
        return this.complete(chunk);
      case 'source-url':
      case 'source-document':
      case 'file':
      case 'reasoning-file':
      case 'custom':
        this.parts.push({ ...chunk });
        return;
      case 'start-step':
        this.parts.push({ type: 'step-start' });
        this.stepStart = this.parts.length;
        return;
      case 'finish-step':
        this.open.clear();
        return;
      case 'reset-step':
        this.parts.length = this.stepStart;
        this.open.clear();
        return;
      case 'tool-input-delta':
        // The whole input follows when it is complete. Half of a JSON text is useless after a reload.
        return;
      case 'tool-approval-response':
        return this.respondToApproval(chunk);
      default:
        if ('toolCallId' in chunk) this.updateTool(chunk);
        else if (chunk.type.startsWith('data-'))
          this.addData(chunk as Extract<UIMessageChunk, { data: unknown }>);
    }
  }

  /** The calls of this answer that still wait for the user's approval. */
  waitingCalls(): Array<Extract<Part, { state: 'approval-requested' }>> {
    return this.parts.filter(
      (part) =>
        isToolUIPart(part) && part.state === 'approval-requested' && this.requested.has(part.approval.id),
    ) as Array<Extract<Part, { state: 'approval-requested' }>>;
  }

  /** True if there is something that a reader would see. Steps and data about the turn do not count. */
  hasContent(): boolean {
    return this.parts.some(
      (part) =>
        !['step-start', 'data-agent', 'data-refusedFiles'].includes(part.type) &&
        !((part.type === 'text' || part.type === 'reasoning') && part.text === ''),
    );
  }

  /** True if there is more than reasoning and blank text. */
  hasAnswer(): boolean {
    return this.parts.some(({ type, ...part }) =>
      type === 'text'
        ? 'text' in part && part.text.trim() !== ''
        : type !== 'reasoning' && type !== 'step-start' && type !== 'data-agent',
    );
  }

  /** The chunks that end the texts and reasoning that the model did not finish. */
  missingEnds(): UIMessageChunk[] {
    return [...this.open].map(([key, { type }]) => ({ type: `${type}-end`, id: key.slice(type.length + 1) }));
  }

  /** The texts and reasoning that the model has not finished, with the ids of their chunks. */
  openTexts(): Array<{ part: TextLike; id: string }> {
    return [...this.open].map(([key, part]) => ({ part, id: key.slice(part.type.length + 1) }));
  }

  private begin(chunk: Extract<UIMessageChunk, { type: 'text-start' | 'reasoning-start' }>): void {
    const type = chunk.type === 'text-start' ? 'text' : 'reasoning';
    const part = { type, text: '', state: 'streaming', ...metadata(chunk) } as TextLike;
    this.open.set(`${type} ${chunk.id}`, part);
    this.parts.push(part);
  }

  private append(chunk: Extract<UIMessageChunk, { type: 'text-delta' | 'reasoning-delta' }>): void {
    const part = this.open.get(`${chunk.type === 'text-delta' ? 'text' : 'reasoning'} ${chunk.id}`);
    if (!part) return;
    part.text += chunk.delta;
    if (chunk.providerMetadata !== undefined) part.providerMetadata = chunk.providerMetadata;
  }

  private complete(chunk: Extract<UIMessageChunk, { type: 'text-end' | 'reasoning-end' }>): void {
    const key = `${chunk.type === 'text-end' ? 'text' : 'reasoning'} ${chunk.id}`;
    const part = this.open.get(key);
    if (!part) return;
    this.open.delete(key);
    part.state = 'done';
    if (chunk.providerMetadata !== undefined) part.providerMetadata = chunk.providerMetadata;
    if (part.type === 'text' && chunk.type === 'text-end' && chunk.citations)
      part.citations = chunk.citations;
  }

  private updateTool(chunk: ToolChunk): void {
    const part = this.toolPart(chunk);
    if (!part) return;
    switch (chunk.type) {
      case 'tool-input-start':
        Object.assign(part, { state: 'input-streaming', input: undefined }, callFields(chunk));
        return;
      case 'tool-input-available':
        Object.assign(part, { state: 'input-available', input: chunk.input }, callFields(chunk));
        return;
      case 'tool-input-error':
        Object.assign(
          part,
          { state: 'output-error', rawInput: chunk.input, errorText: chunk.errorText },
          callFields(chunk),
        );
        return;
      case 'tool-output-available':
        Object.assign(
          part,
          { state: 'output-available', output: chunk.output, preliminary: chunk.preliminary },
          resultFields(chunk),
        );
        return;
      case 'tool-output-error':
        Object.assign(part, { state: 'output-error', errorText: chunk.errorText }, resultFields(chunk));
        return;
      case 'tool-output-denied':
        part.state = 'output-denied';
        return;
      case 'tool-approval-request': {
        this.requested.add(chunk.approvalId);
        const { approvalId: id, isAutomatic, signature, reason: requestReason, inputSchemaInput } = chunk;
        Object.assign(part, {
          state: 'approval-requested',
          approval: defined({ id, isAutomatic, signature, requestReason, inputSchemaInput }),
        });
      }
    }
  }

  private respondToApproval({
    approvalId,
    approved,
    reason,
  }: Extract<UIMessageChunk, { type: 'tool-approval-response' }>): void {
    for (const part of this.tools.values()) {
      const approval = part['approval'] as { id?: string } | undefined;
      if (approval?.id === approvalId) {
        Object.assign(part, { state: 'approval-responded', approval: { ...approval, approved, reason } });
      }
    }
  }

  private toolPart(chunk: ToolChunk): ToolPart | undefined {
    const known = this.tools.get(chunk.toolCallId);
    if (known || !('toolName' in chunk)) return known;
    const { toolName, toolCallId } = chunk;
    const part: ToolPart = chunk.dynamic
      ? { type: 'dynamic-tool', toolName, toolCallId, state: 'input-streaming' }
      : { type: `tool-${toolName}`, toolCallId, state: 'input-streaming' };
    this.tools.set(toolCallId, part);
    this.parts.push(part as unknown as Part);
    return part;
  }

  /** A data part that is not in the stream. Without data, the part is removed. */
  note({ type, id, data }: { type: `data-${string}`; id: string; data?: unknown }): void {
    if (data !== undefined) return this.addData({ type, id, data });
    const known = this.findData(type, id);
    if (known) this.parts.splice(this.parts.indexOf(known), 1);
  }

  private findData(type: string, id: string): Part | undefined {
    return this.parts.find((part) => part.type === type && 'id' in part && part.id === id);
  }

  private addData({ type, id, data, transient }: Extract<UIMessageChunk, { data: unknown }>): void {
    if (transient) return;
    const known = id === undefined ? undefined : this.findData(type, id);
    if (known) (known as { data: unknown }).data = data;
    else this.parts.push({ type, ...(id === undefined ? {} : { id }), data });
  }
}

function metadata({ providerMetadata }: { providerMetadata?: unknown }): object {
  return providerMetadata === undefined ? {} : { providerMetadata };
}

type CallChunk = Extract<
  UIMessageChunk,
  { type: 'tool-input-start' | 'tool-input-available' | 'tool-input-error' }
>;

function callFields({ providerExecuted, title, toolMetadata, providerMetadata }: CallChunk): object {
  return defined({ providerExecuted, title, toolMetadata, callProviderMetadata: providerMetadata });
}

type ResultChunk = Extract<UIMessageChunk, { type: 'tool-output-available' | 'tool-output-error' }>;

function resultFields({ providerExecuted, toolMetadata, providerMetadata }: ResultChunk): object {
  return defined({ providerExecuted, toolMetadata, resultProviderMetadata: providerMetadata });
}

function defined(fields: Record<string, unknown>): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
