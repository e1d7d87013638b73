import { Injectable, Logger } from '@nestjs/common';
import { InstanceLock } from '../../common/database/instance-lock.js';
import type { Statement } from '../../common/database/database.js';
import { retryWhileUnavailable } from '../../common/database/retry.js';
import { usageWritesWaiting } from '../../common/observability/metrics.js';
import { type FinishedSpan, Tracing } from '../../common/observability/tracing.js';
import { UsageRepository } from './usage.repository.js';
import type { FinishedCall, StartedCall } from './usage.types.js';

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
   * end: all of it or nothing. Never rejects.
   *
   * @returns false when it could not be stored; the log has the figures then
   */
  async finish(calls: FinishedCall[], also: Statement[] = []): Promise<boolean> {
    for (const call of calls) this.tracing.record(toSpan(call));
    if (calls.length + also.length === 0) return true;
    usageWritesWaiting.inc(calls.length);
    try {
      await retryWhileUnavailable(() => this.repository.finish(calls, also));
      return true;
    } catch (error) {
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
    } finally {
      usageWritesWaiting.dec(calls.length);
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
