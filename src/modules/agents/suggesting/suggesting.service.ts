import { Injectable } from '@nestjs/common';
import type { Identity } from '../../../common/auth/identity.js';
import type { Page } from '../../../common/http/paging.js';
import { Accounting } from '../../accounting/accounting.service.js';
import { AdminConfigService } from '../../admin-config/admin-config.service.js';
import type { SuggestionDto } from '../../suggestions/dto/suggestion.dto.js';
import type { AdmissionRequest } from '../../rate-limit/admission.types.js';
import { costsWithin, limitsOf } from '../../rate-limit/agent-limits.js';
import { NO_COST } from '../../usage/expected-cost.js';
import { answerOf, readyModel } from '../../models/fallback/fallback.js';
import { ModelSelector } from '../../models/model-selector.js';
import { upstreamFailure } from '../../models/upstream-failure.js';
import type { UserKeys } from '../../models/user-keys.js';
import { SuggestionWriter } from '../tools/suggestion-writer.js';

/** Lets the model of the artifact agent propose edits of a document, outside of any chat. */
@Injectable()
export class SuggestingService {
  constructor(
    private readonly adminConfig: AdminConfigService,
    private readonly accounting: Accounting,
    private readonly models: ModelSelector,
    private readonly writer: SuggestionWriter,
  ) {}

  /** @throws AppError 404 if it is not the user's document; the refusal of a model; the error of the provider */
  async suggest(
    identity: Identity,
    documentId: string,
    instruction: string | undefined,
    keys: UserKeys,
  ): Promise<{ page: Page<SuggestionDto>; headers: Readonly<Record<string, string>> }> {
    const config = await this.adminConfig.current();
    const model = readyModel(this.models.select('artifact', undefined, keys, config));
    const work = await this.writer.read({ identity, model, documentId, instruction });
    const { limits, budget } = limitsOf('artifact', model, config);
    const cost = budget ? this.writer.expectedCost(work) : NO_COST;
    const admission: AdmissionRequest = {
      userId: identity.id,
      agentType: 'artifact',
      limits,
      budget,
      usesOwnKeys: model.ownKey,
      ...costsWithin(budget ?? {}, cost),
    };
    return this.accounting.account(
      { agentType: 'artifact', purpose: 'suggestions' },
      async (run) => {
        const { admission } = run;
        const items = await answerOf(model, { admission }, (asked, attempt) => {
          const askedWork = { ...work, model: asked };
          const make = (room?: number) => this.writer.suggest({ ...askedWork, room });
          if (attempt.isFirst || !admission) return make(asked.ownKey ? undefined : admission?.firstRoom);
          admission.firstCallEnded();
          const costs = () => this.writer.expectedCost(askedWork);
          return admission.reserving({ costs, ownKey: asked.ownKey, what: 'making suggestions', make });
        });
        return { page: { items, nextCursor: null }, headers: admission?.headers ?? {} };
      },
      { admission, failureOf: (error) => upstreamFailure(error, model) },
    );
  }
}
