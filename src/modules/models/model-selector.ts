import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4GenerateResult,
} from '@ai-sdk/provider';
import { Inject, Injectable } from '@nestjs/common';
import { agentDisabled, apiKeyMissing, modelNotAllowed } from '../../common/errors/app-error.js';
import { APP_CONFIG, type AppConfig } from '../../config/app-config.js';
import { forPurpose } from '../accounting/run-context.js';
import type { CatalogModel } from '../admin-config/catalog-schema.js';
import { type AgentConfig, ANSWERING_AGENTS, type AnsweringAgent } from '../admin-config/config-schemas.js';
import type { RuntimeConfig } from '../admin-config/runtime-config.js';
import { anyConfig, enabledConfigs, findRequested } from './agent-configs.js';
import { entryOfAnswer } from './answering-model.js';
import type { CallStream } from './call-stream.js';
import type { CallLimits } from './fallback/attempt.js';
import { CoolDowns } from './fallback/cool-downs.js';
import type { Fallback } from './fallback/fallback.js';
import { chainOf, fallbackConfig } from './fallback/chain.js';
import type { ImageTask } from './image-result.js';
import { DEMO_MODEL_ID, DemoModel } from './demo/demo-model.js';
import { LanguageModels } from './language-models.js';
import type { ModelDescriptor } from './call-record.js';
import { ModelCalls } from './model-caller.js';
import { demoOption, describe, type ModelOption, noKey, retiredBecause } from './model-option.js';
import { upstreamFailure } from './upstream-failure.js';
import type { UserKeys } from './user-keys.js';
import { type ModelProvider, type Provider, providerOf, PROVIDERS, VENDORS } from './vendors/vendors.js';

/** A model that may be called now: the configuration allows it, and there is a key. */
export interface SelectedModel {
  /** `provider/model`, as clients write it. */
  id: string;
  provider: ModelProvider;
  /** The vendor's id of the model. */
  modelId: string;
  ownKey: boolean;
  catalog?: CatalogModel;
  agentConfig: AgentConfig;
  /** The thinking setting of the request. If it is absent, the configuration decides. */
  thinking?: boolean;
  /** The models that may answer in its place. Absent if there are none. */
  fallback?: Fallback;
  /** For one of the fallback models: the id of the model that would answer. */
  standsInFor?: string;
  /** One streamed call, with recording, deadlines and retries. */
  stream(params: LanguageModelV4CallOptions, limits?: CallLimits): Promise<CallStream>;
  /** One call that is not streamed, with recording, deadlines and retries. */
  generate(params: LanguageModelV4CallOptions, limits?: CallLimits): Promise<LanguageModelV4GenerateResult>;
  /**
   * The configured image model of the same provider, or else of a provider with a key: the user's own keys first, then
   * the active provider. Undefined if there is none.
   */
  imageModel(): SelectedImageModel | undefined;
}

/** An image model that may be called now. */
export interface SelectedImageModel {
  provider: Provider;
  ownKey: boolean;
  pricing?: CatalogModel['pricing'];
  /** Whether it can change an existing picture. */
  changes: boolean;
  /** One picture in base64, with recording, deadline and retries. @throws AppError with the reason if there is none */
  generate(task: ImageTask): Promise<string>;
}

const DEMO_ID = `demo/${DEMO_MODEL_ID}`;

@Injectable()
export class ModelSelector {
  constructor(
    @Inject(APP_CONFIG) private readonly config: AppConfig<Provider>,
    private readonly models: LanguageModels,
    private readonly calls: ModelCalls,
    private readonly coolDowns: CoolDowns,
  ) {}

  /**
   * Chooses the model of a turn: the requested one, or else the default of the active provider, or else that of a
   * provider with a key.
   *
   * @param standsInFor the model that the requested one answers for, as one of its fallback models
   * @throws AppError `agent_disabled`, `model_not_allowed` or `api_key_missing`
   */
  select(
    agent: AnsweringAgent,
    requested: string | undefined,
    keys: UserKeys,
    config: RuntimeConfig,
    standsInFor?: string,
  ): SelectedModel {
    if (standsInFor !== undefined && standsInFor !== requested) {
      const model = this.select(agent, standsInFor, keys, config, standsInFor);
      return model.fallback?.models.find(({ id }) => id === requested) ?? model;
    }
    const configs = enabledConfigs(agent, config);
    if (configs.length === 0) throw agentDisabled(agent);
    if (requested === DEMO_ID && this.config.demoModel) return this.demo(configs[0]?.[1]);
    const found =
      requested === undefined ? this.findDefault(configs, keys, config) : findRequested(requested, configs);
    if (!found) {
      if (requested !== undefined) throw modelNotAllowed(requested);
      return this.demo(configs[0]?.[1]);
    }
    const { provider, modelId, agentConfig } = found;
    if (!this.hasKey(provider, keys)) throw missingKey(provider);
    const { fallbackModels = [], fallbackForChosen = false } = agentConfig;
    const isChosen = requested !== undefined && standsInFor === undefined;
    const others = isChosen && !fallbackForChosen ? [] : fallbackModels.map(({ id }) => id);
    return this.chain([`${provider}/${modelId}`, ...others], keys, config, (other) =>
      fallbackConfig(agentConfig, provider, other),
    );
  }

  /**
   * The cheap model of the same provider that writes titles, or the answering model if none is configured. Those of the
   * models that may answer in its place may write the title, too.
   */
  selectForTitle(answering: SelectedModel, keys: UserKeys, config: RuntimeConfig): SelectedModel {
    const { provider, agentConfig, fallback } = answering;
    if (provider === 'demo') return this.demo(agentConfig);
    const titleModelOf = (of: Provider, modelId: string) =>
      `${of}/${config.settings.titleModels?.[of] ?? modelId}`;
    const others = (fallback?.models ?? []).flatMap((other) =>
      other.provider === 'demo' ? [] : [titleModelOf(other.provider, other.modelId)],
    );
    return this.chain([titleModelOf(provider, answering.modelId), ...others], keys, config, (other) =>
      fallbackConfig(agentConfig, provider, other),
    );
  }

  /**
   * The cheap model of the same provider that summarizes long chats: the configured one, or else the one that writes
   * titles. Undefined for the demo model, which cannot summarize anything.
   */
  selectForCompaction(
    { provider, modelId, agentConfig }: SelectedModel,
    keys: UserKeys,
    config: RuntimeConfig,
  ): SelectedModel | undefined {
    if (provider === 'demo') return undefined;
    const { compaction, titleModels } = config.settings;
    const id = compaction?.models?.[provider] ?? titleModels?.[provider] ?? modelId;
    return this.selected(provider, id, agentConfig, keys, config);
  }

  /**
   * The first routing model with a key, or else the demo model. Undefined if there is neither. The other routing models may
   * choose in its place.
   */
  selectForRouting(keys: UserKeys, config: RuntimeConfig): SelectedModel | undefined {
    const usable = config.routing.models.filter((id) => {
      const provider = providerOf(id);
      return provider && anyConfig(provider, config) && this.hasKey(provider, keys);
    });
    const [preferred, ...others] = usable;
    if (preferred !== undefined)
      return this.chain([preferred, ...others], keys, config, (provider) => anyConfig(provider, config)!);
    const [first] = ANSWERING_AGENTS.flatMap((agent) => enabledConfigs(agent, config));
    return this.config.demoModel && first ? this.demo(first[1]) : undefined;
  }

  /** All models of all enabled agents, with whether this user could call them now. */
  list(agents: readonly AnsweringAgent[], keys: UserKeys, config: RuntimeConfig): ModelOption[] {
    const options = new Map<string, ModelOption>();
    const chatConfigs = enabledConfigs('chat', config);
    const preferred = chatConfigs.length > 0 ? this.findDefault(chatConfigs, keys, config) : undefined;
    const defaultId = preferred ? `${preferred.provider}/${preferred.modelId}` : DEMO_ID;
    for (const [provider, agentConfig] of agents.flatMap((agent) => enabledConfigs(agent, config))) {
      for (const { id: modelId } of agentConfig.models) {
        const id = `${provider}/${modelId}`;
        const catalog = config.catalog.get(id);
        const reason = this.hasKey(provider, keys) ? retiredBecause(provider, catalog) : noKey(provider);
        options.set(id, {
          ...describe(id, modelId, provider, catalog),
          isDefault: id === defaultId,
          available: reason === undefined,
          ...(reason === undefined ? {} : { reason }),
        });
      }
    }
    if (this.config.demoModel) {
      options.set(DEMO_ID, demoOption(DEMO_ID, defaultId === DEMO_ID));
    }
    return [...options.values()];
  }

  private hasKey(provider: Provider, keys: UserKeys): boolean {
    return Boolean(keys[provider] ?? this.config.providers[provider].apiKey);
  }

  /** Undefined if only the demo model can answer. */
  private findDefault(configs: Array<[Provider, AgentConfig]>, keys: UserKeys, { settings }: RuntimeConfig) {
    const active = configs.find(([provider]) => provider === settings.activeProvider);
    const withKey =
      configs.find(([provider]) => keys[provider]) ??
      configs.find(([provider]) => this.hasKey(provider, keys));
    const usable = active && this.hasKey(active[0], keys) ? active : withKey;
    if (!usable && this.config.demoModel) return undefined;
    const [provider, agentConfig] = usable ?? active ?? configs[0] ?? [];
    const model = agentConfig?.models.find(({ isDefault }) => isDefault) ?? agentConfig?.models[0];
    return provider && agentConfig && model ? { provider, modelId: model.id, agentConfig } : undefined;
  }

  private selected(
    provider: Provider,
    modelId: string,
    agentConfig: AgentConfig,
    keys: UserKeys,
    config: RuntimeConfig,
  ): SelectedModel {
    const id = `${provider}/${modelId}`;
    const catalog = config.catalog.get(id);
    const ownKey = keys[provider] !== undefined;
    return {
      id,
      provider,
      modelId,
      ownKey,
      catalog,
      agentConfig,
      ...this.callable(() => this.models.create(provider, modelId, keys[provider]), {
        ...descriptorOf(provider, modelId, config),
        ownKey,
      }),
      imageModel: () => this.imageModel(provider, keys, config),
    };
  }

  /** The first of these models, with the others that may answer in its place and that have a key. */
  private chain(
    [first, ...others]: [string, ...string[]],
    keys: UserKeys,
    config: RuntimeConfig,
    configOf: (provider: Provider) => AgentConfig,
  ): SelectedModel {
    const select = (id: string, provider: Provider) =>
      this.selected(provider, id.slice(provider.length + 1), configOf(provider), keys, config);
    const models = [...new Set(others)].flatMap((id) => {
      const provider = providerOf(id);
      return provider && id !== first && this.hasKey(provider, keys) ? [select(id, provider)] : [];
    });
    const model = select(first, providerOf(first)!);
    return chainOf([model, ...models], keys, this.coolDowns, this.config.upstream.firstByteTimeout);
  }

  private imageModel(
    preferred: Provider,
    keys: UserKeys,
    config: RuntimeConfig,
  ): SelectedImageModel | undefined {
    const { settings } = config;
    const imageModels: Partial<Record<Provider, string>> = settings.imageModels ?? {};
    const own = PROVIDERS.filter((provider) => keys[provider] !== undefined);
    for (const provider of new Set([preferred, ...own, settings.activeProvider, ...PROVIDERS])) {
      const id = imageModels[provider];
      if (id === undefined || !this.hasKey(provider, keys)) continue;
      const model = this.models.createImage(provider, id, keys[provider]);
      if (!model) continue;
      const ownKey = keys[provider] !== undefined;
      const descriptor = { ...descriptorOf(provider, id, config), ownKey };
      return {
        provider,
        ownKey,
        pricing: descriptor.pricing,
        changes: model.supportsFileInputs === true,
        generate: async (task) => {
          try {
            return await forPurpose('image', () => this.calls.generateImage(model, descriptor, task));
          } catch (error) {
            if (task.abortSignal.aborted) throw error;
            throw upstreamFailure(error, { provider, ownKey });
          }
        },
      };
    }
    return undefined;
  }

  private demo(agentConfig: AgentConfig | undefined): SelectedModel {
    if (!agentConfig) throw modelNotAllowed(DEMO_ID);
    return {
      id: DEMO_ID,
      provider: 'demo',
      modelId: DEMO_MODEL_ID,
      ownKey: false,
      agentConfig,
      ...this.callable(() => new DemoModel(), { provider: 'demo', id: DEMO_MODEL_ID, ownKey: false }),
      imageModel: () => undefined,
    };
  }

  /** The client is created with the first call, because most models that could be called are not. */
  private callable(
    create: () => LanguageModelV4,
    descriptor: ModelDescriptor,
  ): Pick<SelectedModel, 'stream' | 'generate'> {
    let created: LanguageModelV4 | undefined;
    const model = () => (created ??= create());
    return {
      stream: (params, limits) => this.calls.stream(model(), descriptor, params, limits),
      generate: (params, limits) => this.calls.generate(model(), descriptor, params, limits),
    };
  }
}

/** Uses the current prices. They do not change while a call is running. */
function descriptorOf(
  provider: Provider,
  id: string,
  { catalog, catalogVersion }: RuntimeConfig,
): Omit<ModelDescriptor, 'ownKey'> {
  return {
    provider,
    id,
    pricing: catalog.get(`${provider}/${id}`)?.pricing,
    priceVersion: catalogVersion,
    pricingOf: (answeredBy) => entryOfAnswer(provider, answeredBy, catalog)?.pricing,
  };
}

function missingKey(provider: Provider) {
  const { name, keyHeader } = VENDORS[provider];
  return apiKeyMissing(keyHeader, name);
}
