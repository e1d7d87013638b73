import { Injectable } from '@nestjs/common';
import type { Identity } from '../../common/auth/identity.js';
import type { AccountedRun } from '../accounting/accounted-run.js';
import { Accounting } from '../accounting/accounting.service.js';
import type { AnsweringAgent } from '../admin-config/config-schemas.js';
import type { RuntimeConfig } from '../admin-config/runtime-config.js';
import { expectedCostOfCall } from '../models/call-cost.js';
import type { SelectedModel } from '../models/model-selector.js';
import { estimatePromptTokens, estimateTextTokens } from '../models/prompt-tokens.js';
import { costsWithin, limitsOf } from '../rate-limit/agent-limits.js';
import { NOT_COUNTED } from '../rate-limit/admission.types.js';
import type { ExpectedCost } from '../usage/expected-cost.js';
import {
  type Claim,
  CompactionRepository,
  type Position,
  type WrittenMessage,
} from './compaction.repository.js';
import { BYTES_PER_TOKEN, inputLimit } from './context-limit.js';
import { summaryCall, Summarizer, UnusableSummaryError } from './summarizer.js';
import { type Line, toLine } from './transcript.js';

/** Long parts are summarized piece by piece. A model overlooks more in a longer piece. In tokens. */
const MOST_AT_ONCE = 100_000;
const LEAST_AT_ONCE = 500;
const MESSAGES_AT_ONCE = 500;
/** The pieces of one compaction. The next one goes on from there. */
const MOST_PIECES = 12;
/** The instructions of the call, and the space that estimates need. */
const OVERHEAD = 1_000;
const MARGIN = 0.8;

/** The share of the model's limit that a summary may take. */
const SUMMARY_SHARE = 0.1;
const SHORTEST_SUMMARY = 400;
const LONGEST_SUMMARY = 2_500;

/** `canceled`: the chat was deleted, or one of the messages was changed. */
export type Outcome = 'stored' | 'canceled' | 'failed';

export interface WritingTask {
  identity: Identity;
  config: RuntimeConfig;
  agentType: AnsweringAgent;
  claim: Claim;
  /** The model that summarizes. */
  model: SelectedModel;
  /** The model that the summary is for, and the tokens that it may be sent. */
  reader: SelectedModel;
  limit: number;
  /** The tokens of its next prompt without the summary. */
  contextTokens: number;
  signal: AbortSignal;
}

/** The messages of one call, and the summary that they extend. */
interface Piece {
  summary: string;
  lines: Line[];
  /** The tokens of both. */
  tokens: number;
  through: Position;
  isLast: boolean;
}

/** Writes the summary of a claimed chat: one accounted run of one or more calls. */
@Injectable()
export class CompactionWriter {
  constructor(
    private readonly repository: CompactionRepository,
    private readonly accounting: Accounting,
    private readonly summarizer: Summarizer,
  ) {}

  /** @throws UnusableSummaryError, the error of the provider, or AppError 429 if the budget is spent */
  async write(task: WritingTask): Promise<Outcome> {
    const { identity, config, agentType, claim, model } = task;
    const first = await this.next(task);
    if (!first) return 'canceled';
    const { budget } = limitsOf(agentType, model, config);
    const cost = this.costOf(first, task);
    const admission = budget && {
      userId: identity.id,
      agentType,
      limits: NOT_COUNTED,
      budget,
      usesOwnKeys: model.ownKey,
      ...costsWithin(budget, cost),
    };
    return this.accounting.account(
      { agentType, purpose: 'compaction', chatId: claim.chatId },
      (run) => this.writePieces(first, task, run),
      { admission },
    );
  }

  private async writePieces(first: Piece, task: WritingTask, run: AccountedRun): Promise<Outcome> {
    run.patience = 'long';
    let piece: Piece | undefined = first;
    for (let pieces = 0; piece && pieces < MOST_PIECES; pieces++) {
      const current: Piece = piece;
      if (pieces === 1) run.admission?.firstCallEnded();
      const make = () =>
        this.summarizer.summarize({ ...this.callOf(current, task), signal: task.signal }, task.model);
      const content: string =
        pieces === 0 || !run.admission
          ? await make()
          : await run.admission.reserving({
              costs: () => this.costOf(current, task),
              ownKey: task.model.ownKey,
              what: 'a longer summary',
              make,
            });
      const tokens = estimateTextTokens(content, task.reader);
      if (tokens >= current.tokens)
        throw new UnusableSummaryError('The summary is longer than what it replaces.');
      const summary = {
        content,
        tokens,
        through: current.through,
        contextTokens: task.contextTokens + tokens,
        model: task.model.id,
      };
      if (!(await this.repository.store(task.identity.id, task.claim, summary))) return 'canceled';
      if (current.isLast) return 'stored';
      piece = await this.next(task);
    }
    return piece ? 'stored' : 'canceled';
  }

  /** Undefined if a message is no longer there. */
  private async next(task: WritingTask): Promise<Piece | undefined> {
    const { identity, claim, model, reader } = task;
    const { chatId, through } = claim;
    const before = await this.repository.findSummary(identity, chatId);
    const summaryTokens = before?.tokens ?? 0;
    const most = atOnce(model, summaryTokens, task);
    const messages = await this.repository.read(identity, chatId, {
      after: before && { at: before.throughAt, id: before.throughId },
      through,
      limit: MESSAGES_AT_ONCE,
      bytes: most * BYTES_PER_TOKEN,
    });
    const lines = messages.map((message) => toLine(message));
    const sizes = lines.map((line) => estimateTextTokens(JSON.stringify(line), reader));
    const count = fitting(messages, sizes, most, through.id);
    const last = messages[count - 1];
    if (!last) return undefined;
    return {
      summary: before?.content ?? '',
      lines: lines.slice(0, count).filter(({ text }) => text !== ''),
      tokens: summaryTokens + sizes.slice(0, count).reduce((sum, size) => sum + size, 0),
      through: { at: last.at, id: last.id },
      isLast: last.id === through.id,
    };
  }

  private callOf({ summary, lines }: Piece, { limit }: WritingTask) {
    return { summary, messages: lines, maxTokens: longestSummary(limit) };
  }

  private costOf(piece: Piece, task: WritingTask): ExpectedCost {
    const { prompt, maxOutputTokens } = summaryCall(this.callOf(piece, task));
    const { model } = task;
    return expectedCostOfCall(model, {
      promptTokens: estimatePromptTokens({ prompt }, model),
      maxOutputTokens,
    });
  }
}

function longestSummary(limit: number): number {
  return Math.round(Math.min(Math.max(limit * SUMMARY_SHARE, SHORTEST_SUMMARY), LONGEST_SUMMARY));
}

/** The tokens of messages that the model can summarize in one call. */
function atOnce(model: SelectedModel, summaryTokens: number, { limit }: WritingTask): number {
  // The configured limit is for answers. A summary is what makes it possible.
  const { context: _context, parameters: _parameters, ...agentConfig } = model.agentConfig;
  const most = inputLimit({ ...model, agentConfig }) - OVERHEAD - summaryTokens - longestSummary(limit);
  return Math.max(Math.min(Math.floor(most * MARGIN), MOST_AT_ONCE), LEAST_AT_ONCE);
}

/** How many of these messages to summarize in one call: as many as fit, up to a question if possible, but at least one. */
function fitting(
  messages: readonly WrittenMessage[],
  sizes: readonly number[],
  most: number,
  lastId: string,
): number {
  let tokens = 0;
  let count = 0;
  for (const size of sizes) {
    tokens += size;
    if (tokens > most && count > 0) break;
    count++;
  }
  if (count === messages.length && messages[count - 1]?.id === lastId) return count;
  const beforeQuestion = messages
    .slice(0, count + 1)
    .findLastIndex(({ role }, index) => index > 0 && role === 'user');
  return beforeQuestion > 0 ? beforeQuestion : count;
}
