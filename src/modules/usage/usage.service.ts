import { Injectable } from '@nestjs/common';
import type { Statement } from '../../common/database/database.js';
import { type FinishedSpan, Tracing } from '../../common/observability/tracing.js';
import { UsageRepository } from './usage.repository.js';
import type { Booking, FinishedCall } from './usage.types.js';

/** What was used, as it is booked and traced. */
@Injectable()
export class UsageService {
  constructor(
    private readonly repository: UsageRepository,
    private readonly tracing: Tracing,
  ) {}

  /** The statement that books calls of one run, and adds them to the figures of their answer and chat. It may be repeated. */
  bookStatement(booking: Booking): Statement {
    return this.repository.booking(booking);
  }

  trace(call: FinishedCall): void {
    this.tracing.record(toSpan(call));
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
