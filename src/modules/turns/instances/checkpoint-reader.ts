import { isToolUIPart, type UIMessage, type UIMessageChunk } from 'ai';

type Part = UIMessage['parts'][number];
type TextPart = Extract<Part, { type: 'text' | 'reasoning' }>;

/** The fields of a tool part in all its states. */
interface ToolPart {
  type: string;
  toolCallId: string;
  state: string;
  [field: string]: unknown;
}

/** What was sent of one part. */
interface Read {
  /** The name of the part. It is the id of a text. */
  id: string;
  /** The step that it belongs to. */
  step: number;
  json: string;
  /** Of a text: how much, and whether its end was sent. */
  text?: string;
  isEnded?: boolean;
  /** Of a tool: how far it was, and whether its input, the request for approval and the decision were sent. */
  stage?: number;
  hasInput?: boolean;
  approvalId?: string;
  isDecided?: boolean;
}

/** The states of a call in their order. After these, it has a result. */
const STAGES = ['input-streaming', 'input-available', 'approval-requested', 'approval-responded'];

/** Parts that are stored while the answer is written, and that its readers get at its end if they are still there. */
const NOTES = new Set(['data-draft']);

/** What a client has of an answer: the number of its steps, and the ids of its calls. */
export interface Held {
  heldSteps: number;
  heldCalls: readonly string[];
}

/** A checkpoint does not continue the previous one. */
export class CheckpointConflict extends Error {
  constructor() {
    super('The stored answer is not a continuation of what was sent.');
  }
}

/**
 * Turns the checkpoints of an answer into the chunks of its stream: those that lead from one checkpoint to the next. A
 * client that reads them has the same message as one that reads the chunks of the model.
 */
export class CheckpointReader {
  private readonly read = new Map<string, Read>();
  private step = 0;
  private stepIsOpen = false;
  /** Whether readers know that the last step is over. */
  private stepIsFinished = false;

  /** Whether this checkpoint contains everything that was sent. */
  isContinuedBy(parts: Part[]): boolean {
    return this.isContinued(namesOf(parts, false));
  }

  /** The id under which the text of a part of the last checkpoint was sent. */
  idOf(parts: Part[], part: Part): string | undefined {
    return this.readOf(parts, part)?.id;
  }

  /** The text of a part of the last checkpoint was sent under another id. */
  rename(parts: Part[], part: Part, id: string): void {
    const read = this.readOf(parts, part);
    if (read) read.id = id;
  }

  /** @throws CheckpointConflict if an earlier step has changed */
  next(parts: Part[], hasEnded = false): UIMessageChunk[] {
    const named = namesOf(parts, hasEnded);
    const chunks = this.isContinued(named) ? [] : this.reset(named);
    for (const [name, part] of named) chunks.push(...this.chunksOf(name, part));
    return chunks;
  }

  /** The last step is over. */
  finishStep(): UIMessageChunk[] {
    if (!this.stepIsOpen || this.stepIsFinished) return [];
    this.stepIsFinished = true;
    return [{ type: 'finish-step' }];
  }

  /** Takes everything before the content of a step as sent, because the client has it. @returns the results of the client's calls */
  skipTo({ heldSteps, heldCalls }: Held, parts: Part[]): UIMessageChunk[] {
    const results: UIMessageChunk[] = [];
    for (const [name, part] of namesOf(parts, true)) {
      if (this.step === heldSteps) return results;
      const chunks = this.chunksOf(name, part);
      if (isToolUIPart(part) && heldCalls.includes(part.toolCallId))
        results.push(...chunks.filter(({ type }) => type.startsWith('tool-output-')));
    }
    return results;
  }

  private isContinued(named: Map<string, Part>): boolean {
    return [...this.read].every(([name, read]) => isContinuation(read, named.get(name)));
  }

  private readOf(parts: Part[], part: Part): Read | undefined {
    const [name] = [...namesOf(parts, false)].find(([, named]) => named === part) ?? [];
    return name === undefined ? undefined : this.read.get(name);
  }

  /** The model was asked again for its last step, or its last words were not stored. The step itself stays open. */
  private reset(named: Map<string, Part>): UIMessageChunk[] {
    for (const [name, { step }] of this.read)
      if (step === this.step && !name.startsWith('step-start')) this.read.delete(name);
    if (!this.stepIsOpen || !this.isContinued(named)) throw new CheckpointConflict();
    this.stepIsFinished = false;
    return [{ type: 'reset-step' }];
  }

  private chunksOf(name: string, part: Part): UIMessageChunk[] {
    const json = JSON.stringify(part);
    const read = this.read.get(name);
    if (read?.json === json) return [];
    if (read) {
      read.json = json;
      return this.changes(read, part);
    }
    if (part.type === 'step-start') return this.beginStep(name, json);
    const begun: Read = { id: name, step: this.step, json };
    this.read.set(name, begun);
    if (part.type === 'text' || part.type === 'reasoning') {
      const start = { type: `${part.type}-start`, id: name, ...metadata(part) } as UIMessageChunk;
      return [start, ...this.changes(begun, part)];
    }
    if (isToolUIPart(part)) return this.changes(begun, part);
    return [{ ...part }];
  }

  private beginStep(name: string, json: string): UIMessageChunk[] {
    const chunks = this.finishStep();
    this.stepIsOpen = true;
    this.stepIsFinished = false;
    this.step++;
    this.read.set(name, { id: name, step: this.step, json });
    return [...chunks, { type: 'start-step' }];
  }

  private changes(read: Read, part: Part): UIMessageChunk[] {
    if (part.type === 'text' || part.type === 'reasoning') return textChanges(read, part);
    if (isToolUIPart(part)) return toolChanges(read, part);
    return part.type.startsWith('data-') ? [{ ...part } as UIMessageChunk] : [];
  }
}

/** A name for each part that stays the same in all checkpoints. */
function namesOf(parts: Part[], withNotes: boolean): Map<string, Part> {
  const named = new Map<string, Part>();
  const counts = new Map<string, number>();
  for (const part of parts) {
    if (!withNotes && NOTES.has(part.type)) continue;
    if (isToolUIPart(part)) named.set(`tool ${part.toolCallId}`, part);
    else if ('id' in part && part.type.startsWith('data-')) named.set(`${part.type} ${part.id}`, part);
    else {
      const count = (counts.get(part.type) ?? 0) + 1;
      counts.set(part.type, count);
      named.set(`${part.type}-${count}`, part);
    }
  }
  return named;
}

function isContinuation({ text, json, stage = 0 }: Read, part: Part | undefined): boolean {
  if (!part) return false;
  if (text !== undefined) return (part as TextPart).text.startsWith(text);
  if (isToolUIPart(part)) return stageOf(part) >= stage;
  return part.type.startsWith('data-') || JSON.stringify(part) === json;
}

function stageOf({ state }: { state: string }): number {
  const stage = STAGES.indexOf(state);
  return stage < 0 ? STAGES.length : stage;
}

function textChanges(read: Read, part: TextPart): UIMessageChunk[] {
  const { type, text } = part;
  const { id, text: before = '' } = read;
  const chunks: object[] = [];
  if (text.length > before.length)
    chunks.push({ type: `${type}-delta`, id, delta: text.slice(before.length) });
  read.text = text;
  if (part.state !== 'streaming' && !read.isEnded) {
    read.isEnded = true;
    const { citations } = part as { citations?: unknown };
    chunks.push({
      type: `${type}-end`,
      id,
      ...metadata(part),
      ...(citations === undefined ? {} : { citations }),
    });
  }
  return chunks as UIMessageChunk[];
}

function metadata({ providerMetadata }: { providerMetadata?: unknown }): object {
  return providerMetadata === undefined ? {} : { providerMetadata };
}

/** The states of a tool part, each with the chunks that lead to it. */
function toolChanges(read: Read, part: ToolPart): UIMessageChunk[] {
  const { toolCallId, state, approval, providerExecuted } = part;
  const chunks: object[] = [];
  read.stage = stageOf(part);
  if (state === 'input-streaming') return [{ type: 'tool-input-start', ...callOf(part) } as UIMessageChunk];
  if (state === 'output-error' && part['input'] === undefined) {
    const { rawInput: input, errorText } = part;
    return [{ type: 'tool-input-error', ...callOf(part), input, errorText } as UIMessageChunk];
  }
  if (!read.hasInput) {
    read.hasInput = true;
    chunks.push({ type: 'tool-input-available', ...callOf(part), input: part['input'] });
  }
  const asked = approval as Approval | undefined;
  if (asked && read.approvalId !== asked.id) {
    read.approvalId = asked.id;
    const { id: approvalId, requestReason: reason, isAutomatic, signature, inputSchemaInput } = asked;
    const request = { approvalId, toolCallId, reason, isAutomatic, signature, inputSchemaInput };
    chunks.push(defined({ type: 'tool-approval-request', ...request }));
  }
  if (asked?.approved !== undefined && !read.isDecided) {
    read.isDecided = true;
    const { id: approvalId, approved, reason } = asked;
    chunks.push(defined({ type: 'tool-approval-response', approvalId, approved, reason }));
  }
  const result = defined({
    toolCallId,
    providerExecuted,
    dynamic: part.type === 'dynamic-tool' ? true : undefined,
    toolMetadata: part['toolMetadata'],
    providerMetadata: part['resultProviderMetadata'],
  });
  if (state === 'output-available') {
    const { output, preliminary } = part;
    chunks.push({ type: 'tool-output-available', ...result, ...defined({ preliminary }), output });
  } else if (state === 'output-error')
    chunks.push({ type: 'tool-output-error', ...result, errorText: part['errorText'] });
  else if (state === 'output-denied') chunks.push({ type: 'tool-output-denied', toolCallId });
  return chunks as UIMessageChunk[];
}

interface Approval {
  id: string;
  approved?: boolean;
  reason?: string;
  requestReason?: string;
  isAutomatic?: boolean;
  signature?: string;
  inputSchemaInput?: unknown;
}

function callOf(part: ToolPart): object {
  const isDynamic = part.type === 'dynamic-tool';
  return defined({
    toolCallId: part.toolCallId,
    toolName: isDynamic ? part['toolName'] : part.type.slice('tool-'.length),
    dynamic: isDynamic ? true : undefined,
    providerExecuted: part['providerExecuted'],
    title: part['title'],
    toolMetadata: part['toolMetadata'],
    providerMetadata: part['callProviderMetadata'],
  });
}

function defined(fields: Record<string, unknown>): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
