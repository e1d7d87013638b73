import { AdmissionService } from '../../rate-limit/admission.service.js';
import { expectedWithin, limitingConfig } from '../../rate-limit/agent-limits.js';
import { Injectable } from '@nestjs/common';
import type { Identity } from '../../../common/auth/identity.js';
import type { Page } from '../../../common/http/paging.js';
import { AdminConfigService } from '../../admin-config/admin-config.service.js';
import type { SuggestionDto } from '../../suggestions/dto/suggestion.dto.js';
import { UsageTally, withUsage } from '../../usage/usage-context.js';
import { UsageService } from '../../usage/usage.service.js';
import { ModelSelector } from '../../models/model-selector.js';
import { upstreamFailure } from '../../models/upstream-failure.js';
import type { UserKeys } from '../../models/user-keys.js';
import { SuggestionWriter } from '../tools/suggestion-writer.js';

/** Lets the artifact agent's model propose edits of a document, outside of any chat. */
@Injectable()
export class SuggestingService {
  constructor(
    private readonly adminConfig: AdminConfigService,
    private readonly admissions: AdmissionService,
    private readonly models: ModelSelector,
    private readonly writer: SuggestionWriter,
    private readonly usage: UsageService,
  ) {}

  /** @throws AppError 404 when it is not an own document, what refuses a model, and what the provider failed with */
  async suggest(
    identity: Identity,
    documentId: string,
    instruction: string | undefined,
    keys: UserKeys,
  ): Promise<{ page: Page<SuggestionDto>; headers: Readonly<Record<string, string>> }> {
    const config = await this.adminConfig.current();
    const model = this.models.select('artifact', undefined, keys, config);
    const { rateLimit: limits, budget } = limitingConfig('artifact', config) ?? model.agentConfig;
    const admission = await this.admissions.admit({
      userId: identity.id,
      agentType: 'artifact',
      limits,
      budget,
      expectedCost: expectedWithin(budget, Number(this.writer.expectedCost(model))),
    });
    const tally = new UsageTally((calls) => this.usage.finish(calls));
    try {
      const items = await withUsage({ agentType: 'artifact', ownKey: model.ownKey, tally }, () =>
        this.writer.suggest({ identity, model, documentId, instruction }),
      );
      return { page: { items, nextCursor: null }, headers: admission.headers };
    } catch (error) {
      const failure = upstreamFailure(error, model);
      if (failure.status < 500 && tally.tokens.inputTokens === 0) await admission.giveBack();
      throw failure;
    } finally {
      // Who reads the usage after the answer finds the call there.
      await this.usage.finish(tally.take(), admission.settlement(tally.totalCost));
    }
  }
}
