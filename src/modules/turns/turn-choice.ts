import { Injectable } from '@nestjs/common';
import type { Identity } from '../../common/auth/identity.js';
import { AdminConfigService } from '../admin-config/admin-config.service.js';
import { Agents } from '../agents/agents.js';
import { readyModel } from '../models/fallback/fallback.js';
import { ModelSelector } from '../models/model-selector.js';
import type { UserKeys } from '../models/user-keys.js';
import { AdmissionService } from '../rate-limit/admission.service.js';
import { AgentChooser } from './agent-chooser.js';
import { toGoOn } from './tool-approvals.js';
import type { Turn } from './turn.js';
import { TurnAdmission } from './turn-admission.js';
import { assertQuestionFits } from './turn-context.js';
import { TurnOpening } from './turn-opening.js';
import type { Admitting } from './turn-phases.js';

/** What could answer a turn, before anything of it is stored. */
@Injectable()
export class TurnChoice {
  constructor(
    private readonly opening: TurnOpening,
    private readonly adminConfig: AdminConfigService,
    private readonly models: ModelSelector,
    private readonly chooser: AgentChooser,
    private readonly agents: Agents,
    private readonly turnAdmission: TurnAdmission,
    private readonly admissions: AdmissionService,
  ) {}

  /** Finds the agents that could answer. @throws AppError for everything that can be refused before anything is stored */
  async choose(turn: Turn, identity: Identity, keys: UserKeys): Promise<Admitting> {
    const config = await this.adminConfig.current();
    const continued = await this.opening.findBegun(turn, identity);
    const request = continued ? toGoOn(turn.request, continued) : turn.request;
    const candidates = this.chooser.candidates(request, keys, config);
    if (!continued) {
      for (const type of candidates.keys()) await this.agents.get(type).check?.(identity, turn.request);
    }
    const obvious = continued
      ? this.chooser.same(continued.agentType, turn.request, candidates, keys, config)
      : this.chooser.obvious(turn.request, candidates, config);
    assertQuestionFits(turn, candidates, obvious);
    const routing = obvious ? undefined : this.models.selectForRouting(keys, config);
    const router = routing && readyModel(routing);
    return { turn, identity, keys, config, candidates, obvious, router, continued };
  }

  /**
   * Whether a turn could be answered, before another answer is stopped for it. What running answers have reserved does not
   * count, because the stopped one is among them.
   *
   * @throws AppError as the turn itself would
   */
  async check(turn: Turn, identity: Identity, keys: UserKeys): Promise<void> {
    const admitting = await this.choose(turn, identity, keys);
    const { obvious, candidates } = admitting;
    const possible = obvious ? new Map([[obvious.agentType, obvious.model]]) : candidates;
    await this.admissions.assertPossible(await this.turnAdmission.preview(turn, possible, admitting));
  }
}
