import { Injectable } from '@nestjs/common';
import { apiKeyMissing, invalidField, notFound } from '../../../common/errors/app-error.js';
import { toMoney } from '../../../common/http/money.js';
import { Accounting } from '../../accounting/accounting.service.js';
import { AdminConfigService } from '../../admin-config/admin-config.service.js';
import {
  agentKey,
  ANSWERING_AGENTS,
  type AgentType,
  type ConfigKey,
} from '../../admin-config/config-schemas.js';
import type { RuntimeConfig } from '../../admin-config/runtime-config.js';
import { ModelSelector, type SelectedModel } from '../model-selector.js';
import { callSettings } from '../call-settings.js';
import { upstreamFailure } from '../upstream-failure.js';
import type { UserKeys } from '../user-keys.js';
import { providerOf, PROVIDERS, VENDORS } from '../vendors/vendors.js';
import type { ConfigTestDto } from './dto/config-test.dto.js';

/** What a test calls: a model with the instructions of an agent. */
interface TestSubject {
  agentType: AgentType;
  systemPrompt: string;
  model: SelectedModel;
}

/** Tries a configuration out before users meet it: one call of its default model, with its prompt and parameters. */
@Injectable()
export class ConfigTestService {
  constructor(
    private readonly adminConfig: AdminConfigService,
    private readonly models: ModelSelector,
    private readonly accounting: Accounting,
  ) {}

  /**
   * An agent need not be enabled for it. Tools take no part.
   *
   * @throws AppError 400 when there is no model to call or no key for it, 404 when the agent was deleted, and what the
   * provider failed with
   */
  async run(key: ConfigKey, prompt: string, keys: UserKeys): Promise<ConfigTestDto> {
    const subject = this.subjectOf(key, keys, await this.adminConfig.current());
    const { agentType, model } = subject;
    return this.accounting.account({ agentType, purpose: 'config-test' }, async ({ figures }) => {
      const startedAt = performance.now();
      const output = await this.call(subject, prompt);
      const latencyMs = Math.round(performance.now() - startedAt);
      const { inputTokens, outputTokens, cachedInputTokens, reasoningTokens } = figures.tokens;
      const totalTokens = inputTokens + outputTokens;
      return {
        output,
        latencyMs,
        cost: toMoney(figures.totalCost),
        usage: { inputTokens, outputTokens, totalTokens, cachedInputTokens, reasoningTokens },
        model: model.id,
      };
    });
  }

  private async call({ model, systemPrompt }: TestSubject, prompt: string): Promise<string> {
    try {
      const { content } = await model.generate({
        ...callSettings(model),
        prompt: [
          { role: 'system', content: systemPrompt },
          { role: 'user', content: [{ type: 'text', text: prompt }] },
        ],
      });
      return content.map((part) => (part.type === 'text' ? part.text : '')).join('');
    } catch (error) {
      throw upstreamFailure(error, model);
    }
  }

  private subjectOf(key: ConfigKey, keys: UserKeys, config: RuntimeConfig): TestSubject {
    if (key === 'app_settings' || key === 'model_catalog')
      throw invalidField('key', `${key} is not the configuration of an agent, so it cannot be tested`);
    if (key === 'routing_agent') return this.routingSubject(keys, config);
    for (const agent of ANSWERING_AGENTS) {
      for (const provider of PROVIDERS) {
        const agentConfig = config.agents[agent][provider];
        if (key !== agentKey(agent, provider) || !agentConfig) continue;
        // Nothing but this configuration, so that its default model is what is selected.
        const only = { [provider]: { ...agentConfig, enabled: true } };
        const model = this.models.select(agent, undefined, keys, {
          ...config,
          agents: { ...config.agents, [agent]: only },
        });
        return { agentType: agent, systemPrompt: agentConfig.systemPrompt, model };
      }
    }
    throw notFound(`The configuration ${key}`);
  }

  private routingSubject(keys: UserKeys, config: RuntimeConfig): TestSubject {
    const { models, systemPrompt } = config.routing;
    const provider = models[0] && providerOf(models[0]);
    if (!provider) throw notFound('The configuration routing_agent');
    const model = this.models.selectForRouting(keys, config);
    if (!model) {
      const { name, keyHeader } = VENDORS[provider];
      throw apiKeyMissing(keyHeader, name);
    }
    // Parameters and capabilities of the agents do not count for routing.
    const agentConfig = { ...model.agentConfig, parameters: undefined };
    return { agentType: 'routing', systemPrompt, model: { ...model, agentConfig, thinking: false } };
  }
}
