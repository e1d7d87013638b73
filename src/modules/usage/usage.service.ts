import { Injectable, Logger } from '@nestjs/common';
import { InstanceLock } from '../../common/database/instance-lock.js';
import type { Statement } from '../../common/database/database.js';
import { retryWhileUnavailable } from '../../common/database/retry.js';
import { toAppError } from '../../common/errors/problem.js';
import { usageWritesWaiting } from '../../common/observability/metrics.js';
import { type FinishedSpan, Tracing } from '../../common/observability/tracing.js';
import { UsageRepository } from './usage.repository.js';
import type { FinishedCall, StartedCall } from './usage.types.js';

interface FinishOptions {
  userId?: string;
  patience?: 'short' | 'long';
}

/** The one writer of `usage_logs`. Failing to account never fails the answer: it is retried, then logged. */
@Injectable()
export class UsageService {
  private readonly logger = new Logger(UsageService.name);

  constructor(
    private readonly repository: UsageRepository,
    private readonly instance: InstanceLock,
    private readonly tracing: Tracing,
  ) {}

  /** Writes the open row of a call that has begun; it says who makes the call, should it never be finished. Never rejects. */
  async start(call: StartedCall): Promise<void> {
    const metadata = { ...call.metadata, instanceId: this.instance.instanceId };
    await this.repository.start({ ...call, metadata }).catch((error: unknown) => {
      this.logger.warn(
        { err: error, callId: call.id },
        'The start of a model call could not be recorded yet.',
      );
    });
  }

  /**
   * Completes the rows of calls, together with the figures of their answer and chat, and with what else belongs to their
   * end: all of it or nothing. While the database is away, or somebody locks one of the rows, it is tried again. When the
   * database refuses it, calls and the rest are stored without each other. Never rejects.
   *
   * @param userId whose work it is; as the calls say when absent
   * @param patience `long` where no request waits for it
   * @returns false when what else belongs to the end could not be stored
   */
  async finish(
    calls: FinishedCall[],
    also: Statement[] = [],
    { userId = calls[0]?.userId, patience = 'short' }: FinishOptions = {},
  ): Promise<boolean> {
    for (const call of calls) this.tracing.record(toSpan(call));
    if (calls.length + also.length === 0) return true;
    usageWritesWaiting.inc(calls.length);
    try {
      return await this.store(calls, also, { userId, patience });
    } finally {
      usageWritesWaiting.dec(calls.length);
    }
  }

  private async store(calls: FinishedCall[], also: Statement[], options: FinishOptions): Promise<boolean> {
    const { userId, patience } = options;
    try {
      await retryWhileUnavailable(() => this.repository.finish(calls, also, userId), patience);
      return true;
    } catch (error) {
      if (calls.length > 0 && also.length > 0 && toAppError(error).status !== 503) {
        this.logger.warn({ err: error }, 'The end of an answer and its calls are stored separately.');
        await this.store(calls, [], options);
        return this.store([], also, options);
      }
      if (calls.length === 0) {
        this.logger.error(
          { err: error },
          'The statements that belong to the end of model calls could not be stored.',
        );
        return false;
      }
      const lost = calls.map(({ id, userId, chatId, model, tokens, cost, metadata }) => ({
        callId: id,
        userId,
        chatId,
        model,
        tokens,
        cost: cost.totalCost,
        callStatus: metadata.status,
      }));
      this.logger.error({ err: error, calls: lost }, 'The end of model calls could not be recorded.');
      return false;
    }
  }
}

/** By OpenTelemetry's names for generative AI. */
function toSpan({
  agentType,
  provider,
  model,
  metadata,
  tokens,
  requestedAt,
  respondedAt,
}: FinishedCall): FinishedSpan {
  return {
    name: `chat ${model}`,
    startedAt: requestedAt,
    endedAt: respondedAt,
    attributes: {
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': provider,
      'gen_ai.request.model': model,
      'gen_ai.usage.input_tokens': tokens.inputTokens,
      'gen_ai.usage.output_tokens': tokens.outputTokens,
      ...(metadata.finishReason ? { 'gen_ai.response.finish_reasons': [metadata.finishReason] } : {}),
      'switchboard.agent': agentType,
      'switchboard.purpose': metadata.purpose,
      'switchboard.request_id': metadata.requestId,
      'switchboard.status': metadata.status,
      'switchboard.time_to_first_token_ms': metadata.timeToFirstTokenMs,
    },
    errorCode: metadata.status === 'error' ? (metadata.errorCode ?? 'error') : undefined,
  };
}
