/**
 * The JSON Schemas of `admin_config` as of the baseline, without their texts. They are a copy on purpose, because a
 * released migration does not change. A later migration applies changes in `config-schemas.ts`. A test compares both.
 */
const flag = { type: 'boolean' };
const count = { type: 'integer', minimum: 0, maximum: 1_000_000_000 };
const positive = { type: 'integer', minimum: 1, maximum: 1_000_000_000 };
const usd = { type: 'number', minimum: 0, maximum: 1_000_000 };
const price = { anyOf: [usd, { type: 'null' }] };
const modelId = { type: 'string', maxLength: 200, pattern: '^\\S*[^\\s/]$' };
const toolNames = (maxItems: number) => ({
  type: 'array',
  maxItems,
  items: { type: 'string', maxLength: 100, pattern: '^[A-Za-z][A-Za-z0-9_-]*$' },
});
const systemPrompt = { type: 'string', maxLength: 100_000, pattern: '\\S' };

/** An object with optional properties besides the required ones, and no other properties. */
const strict = (properties: object, required?: string[]) => ({
  type: 'object',
  properties,
  ...(required ? { required } : {}),
  additionalProperties: false,
});

const agent = (tools: object, more: object = {}, capabilities: string[] = []) =>
  strict(
    {
      enabled: flag,
      systemPrompt,
      models: {
        type: 'array',
        minItems: 1,
        maxItems: 200,
        items: strict({ id: modelId, isDefault: flag }, ['id']),
        contains: { required: ['isDefault'], properties: { isDefault: { const: true } } },
        minContains: 1,
        maxContains: 1,
        'x-unique-by': ['id'],
      },
      fallbackModels: {
        type: 'array',
        maxItems: 5,
        items: strict({ id: { type: 'string', maxLength: 200, pattern: '^[^\\s/]+\\/\\S*[^\\s/]$' } }, [
          'id',
        ]),
        'x-unique-by': ['id'],
      },
      fallbackForChosen: flag,
      rateLimit: strict({ hourly: count, daily: count }, ['hourly', 'daily']),
      budget: strict({ daily: usd, monthly: usd }),
      parameters: strict({
        temperature: { type: 'number', minimum: 0, maximum: 2 },
        topP: { type: 'number', minimum: 0, maximum: 1 },
        topK: positive,
        maxOutputTokens: positive,
      }),
      capabilities: strict(
        Object.fromEntries(['thinking', 'fileInput', ...capabilities].map((name) => [name, flag])),
      ),
      caching: strict({ enabled: flag, ttl: { type: 'string', enum: ['5m', '1h'] } }),
      context: strict({ maxInputTokens: { type: 'integer', minimum: 1_000, maximum: 1_000_000_000 } }),
      tools,
      ...more,
    },
    ['enabled', 'systemPrompt', 'models', 'rateLimit', ...Object.keys(more)],
  );

const noTools = { type: 'array', maxItems: 0, items: { type: 'string' } };

const chatAgents: Record<string, object> = {
  google: agent(noTools, {}, ['googleSearch', 'urlContext', 'codeExecution']),
  openai: agent(noTools, {}, ['webSearch', 'codeExecution']),
  anthropic: agent(noTools, {}, ['webSearch', 'urlContext', 'codeExecution']),
};
const artifactAgent = agent({
  type: 'array',
  maxItems: 100,
  items: { type: 'string', enum: ['createDocument', 'updateDocument', 'requestSuggestions'] },
});
const gitMcpAgent = agent(noTools, {
  mcp: {
    ...strict(
      {
        url: {
          type: 'string',
          maxLength: 2_000,
          pattern: '^https?:\\/\\/[^\\s/?#@]+([/?#]\\S*)?$',
        },
        toolsets: toolNames(100),
        tools: toolNames(200),
        excludeTools: toolNames(200),
        readOnly: flag,
        lockdown: flag,
        maxResultCharacters: { type: 'integer', minimum: 100, maximum: 1_000_000 },
        timeoutMs: { type: 'integer', minimum: 100, maximum: 600_000 },
      },
      ['url', 'toolsets', 'readOnly', 'lockdown'],
    ),
    anyOf: [
      { properties: { toolsets: { minItems: 1 } } },
      { required: ['tools'], properties: { tools: { minItems: 1 } } },
    ],
  },
});

const routingAgent = strict(
  {
    enabled: flag,
    systemPrompt,
    models: {
      type: 'array',
      minItems: 1,
      maxItems: 200,
      items: strict(
        { id: { type: 'string', maxLength: 200, pattern: '^(google|openai|anthropic)\\/\\S*[^\\s/]$' } },
        ['id'],
      ),
      'x-unique-by': ['id'],
    },
    timeoutMs: { type: 'integer', minimum: 100, maximum: 10_000 },
  },
  ['enabled', 'systemPrompt', 'models'],
);

const provider = { type: 'string', enum: ['google', 'openai', 'anthropic'] };

const appSettings = strict(
  {
    activeProvider: provider,
    titleModels: strict({ google: modelId, openai: modelId, anthropic: modelId }),
    imageModels: strict({ google: modelId, openai: modelId }),
    files: strict(
      {
        maxSize: { type: 'integer', minimum: 1, maximum: 20_971_520 },
        types: {
          type: 'array',
          minItems: 1,
          maxItems: 100,
          items: { type: 'string', maxLength: 200, pattern: '^[a-z]+\\/([a-z0-9.+-]+|\\*)$' },
        },
        moveDataUrlsFrom: { type: 'integer', minimum: 1_024, maximum: 1_000_000_000 },
      },
      ['maxSize', 'types', 'moveDataUrlsFrom'],
    ),
    compaction: strict({
      enabled: flag,
      threshold: { type: 'number', minimum: 0.1, maximum: 0.95 },
      models: strict({ google: modelId, openai: modelId, anthropic: modelId }),
    }),
  },
  ['activeProvider'],
);

const date = {
  type: 'string',
  maxLength: 10,
  pattern: '^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$',
};
const rates = {
  input: usd,
  cachedInput: price,
  cacheWrite: price,
  cacheWriteHour: price,
  imageInput: price,
  audioInput: price,
  cachedAudioInput: price,
  output: usd,
  imageOutput: price,
};
const presentPricing = {
  ...rates,
  tiers: {
    type: 'array',
    maxItems: 20,
    items: strict({ aboveInputTokens: positive, ...rates }, ['aboveInputTokens']),
  },
  fees: strict({ webSearch: usd }),
};

const modelCatalog = strict(
  {
    models: {
      type: 'array',
      minItems: 1,
      maxItems: 1_000,
      items: strict(
        {
          id: modelId,
          provider,
          name: { type: 'string', maxLength: 200, pattern: '\\S' },
          contextWindow: positive,
          maxOutputTokens: positive,
          capabilities: strict({ reasoning: flag, fileInput: flag, tools: flag, imageOutput: flag }),
          pricing: strict(
            {
              ...presentPricing,
              scheduled: {
                type: 'array',
                maxItems: 20,
                items: strict({ from: date, ...presentPricing }, ['from', 'input', 'output']),
              },
            },
            ['input', 'output'],
          ),
          retiresAt: date,
          replacement: modelId,
        },
        ['id', 'provider', 'name', 'pricing'],
      ),
      'x-unique-by': ['provider', 'id'],
    },
  },
  ['models'],
);

/** By `config_key`. */
export const CONFIGURATION_SCHEMAS: Readonly<Record<string, object>> = {
  routing_agent: routingAgent,
  app_settings: appSettings,
  model_catalog: modelCatalog,
  ...Object.fromEntries(
    provider.enum.flatMap((name) => [
      [`chat_agent_${name}`, chatAgents[name] as object],
      [`artifact_agent_${name}`, artifactAgent],
      [`git_mcp_agent_${name}`, gitMcpAgent],
    ]),
  ),
};
