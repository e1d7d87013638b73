import { z } from 'zod';
import {
  DRAWING_PROVIDERS,
  type Provider,
  type ProviderCapability,
  PROVIDERS,
  VENDORS,
} from '../models/vendors/vendors.js';
import { type ModelCatalog, modelCatalogSchema } from './catalog-schema.js';
import { compactionSchema, contextSchema } from './context-schemas.js';
import { count, positive, refuseDuplicates, usd } from './schema-parts.js';

export const AGENT_TYPES = ['routing', 'chat', 'artifact', 'git_mcp'] as const;
/** The same values as in `usage_logs.agent_type`. */
export type AgentType = (typeof AGENT_TYPES)[number];

/** The agents that can answer. Routing only chooses between them. */
export const ANSWERING_AGENTS = ['chat', 'artifact', 'git_mcp'] as const;
export type AnsweringAgent = (typeof ANSWERING_AGENTS)[number];

/** The tools that the artifact agent can be allowed to use. */
export const ARTIFACT_TOOLS = ['createDocument', 'updateDocument', 'requestSuggestions'] as const;

/** How long the choice of an agent may take, in milliseconds. After that, the chat agent answers. */
export const ROUTING_TIMEOUT = 2_000;

/** How long a vendor keeps a prompt, where that can be chosen. */
export const CACHE_LIFETIMES = ['5m', '1h'] as const;
export type CacheLifetime = (typeof CACHE_LIFETIMES)[number];

const systemPrompt = z
  .string()
  .max(100_000)
  .regex(/\S/, 'must not be empty')
  .describe('The instructions at the start of every conversation.');

/** A model id as the vendor names it. `google/…` is accepted if the key already names the provider. */
const modelId = z
  .string()
  .max(200)
  .regex(/^\S*[^\s/]$/, 'must be the id of a model');

/** At most one model for each of these providers. */
const modelOfEach = <Id extends Provider>(providers: readonly Id[]) =>
  z.strictObject(
    Object.fromEntries(providers.map((provider) => [provider, modelId.optional()])) as Record<
      Id,
      z.ZodOptional<typeof modelId>
    >,
  );

/** Whether the provider exists is known from the catalog. */
const fullModelId = z
  .string()
  .max(200)
  .regex(/^[^\s/]+\/\S*[^\s/]$/, 'must be provider/model');

/** Each one that fails delays the answer. */
const MAX_FALLBACKS = 5;

const agentModels = z
  .array(z.strictObject({ id: modelId, isDefault: z.boolean().optional() }))
  .min(1)
  .max(200)
  .superRefine((models, context) => {
    refuseDuplicates(models, ['id'], context);
    const defaults = models.flatMap(({ isDefault }, index) => (isDefault ? [index] : []));
    if (models.length > 0 && defaults.length === 0) {
      context.addIssue({ code: 'custom', message: 'must have a default: one model with isDefault: true' });
    }
    for (const index of defaults.slice(1)) {
      context.addIssue({
        code: 'custom',
        path: [index, 'isDefault'],
        message: 'is already true for another model; only one model can be the default',
      });
    }
  })
  .meta({
    description: "The models that may be used, by the vendor's ids. Exactly one is the default.",
    contains: { required: ['isDefault'], properties: { isDefault: { const: true } } },
    minContains: 1,
    maxContains: 1,
    'x-unique-by': ['id'],
  });

/**
 * What an agent may use in addition to its own tools. The vendor's tools run on the vendor's side, within the answer.
 */
export type Capability = 'thinking' | 'fileInput' | ProviderCapability;

const COMMON_CAPABILITIES: readonly Capability[] = ['thinking', 'fileInput'];

/** Tools of a vendor's models, for the chat agent. The other agents have their own tools. */
const providerCapabilities = (provider: Provider) =>
  Object.keys(VENDORS[provider].tools) as ProviderCapability[];

/** Typed as if all were present. Others are refused, so they are never set. */
const capabilitiesOf = (names: readonly Capability[]) =>
  z
    .strictObject(
      Object.fromEntries(names.map((name) => [name, z.boolean().optional()])) as unknown as Record<
        Capability,
        z.ZodOptional<z.ZodBoolean>
      >,
    )
    .optional()
    .describe(
      'What the agent may use, if the model supports it. `thinking` applies to messages that do not set it; without it, the ' +
        "vendor's default applies. Web search, page fetching and code execution are tools of the vendor, which bills them in " +
        'addition to the tokens.',
    );

const agentShape = (capabilities: readonly Capability[] = []) => ({
  enabled: z.boolean(),
  systemPrompt,
  models: agentModels,
  fallbackModels: z
    .array(z.strictObject({ id: fullModelId }))
    .max(MAX_FALLBACKS)
    .superRefine((models, context) => refuseDuplicates(models, ['id'], context))
    .optional()
    .meta({
      description:
        'The models that answer if the default model fails before its first token (429, 5xx, no connection, timeout), in this ' +
        'order, as `provider/model`. They may be of other providers, which then get the conversation. They use this ' +
        'configuration: its prompt, parameters, tools, limits and budget. A model without a key, beyond the budget, or that ' +
        "does not take the files of the question is skipped. The server's key is used if the user has sent none for the " +
        'provider. A model that failed cools down: until then, answers start with the next one. Refusals, invalid requests and ' +
        'refused keys do not fall back, and neither does an answer that has begun. If all fail, the error is that of the first.',
      'x-unique-by': ['id'],
    }),
  fallbackForChosen: z
    .boolean()
    .optional()
    .describe(
      'Whether `fallbackModels` also answer for a model that the request names. By default, such a request gets an answer of ' +
        'that model, or its error. Set it if your client names a model in every request.',
    ),
  rateLimit: z
    .strictObject({ hourly: count, daily: count })
    .describe('Requests per user. Changes take effect with the next request.'),
  budget: z
    .strictObject({ daily: usd.optional(), monthly: usd.optional() })
    .optional()
    .describe(
      "USD that each user may spend with the server's keys. Calls with a user's own key are not counted. If omitted, there is no budget.",
    ),
  parameters: z
    .strictObject({
      temperature: z.number().min(0).max(2).optional(),
      topP: z.number().min(0).max(1).optional(),
      topK: positive.optional(),
      maxOutputTokens: positive.optional(),
    })
    .optional()
    .describe(
      'Sent with every model call, if the model supports them. `maxOutputTokens` limits the answer. Reasoning tokens come on top.',
    ),
  capabilities: capabilitiesOf([...COMMON_CAPABILITIES, ...capabilities]),
  caching: z
    .strictObject({
      enabled: z.boolean().optional(),
      ttl: z.enum(CACHE_LIFETIMES).optional(),
    })
    .optional()
    .describe(
      "The vendor's prompt cache, which makes the next question of a chat cheaper and its answer faster. On by default. " +
        '`ttl` is how long Anthropic keeps a prompt after its last use, by default `5m`; an hour costs more to write. The ' +
        'other vendors decide that themselves. `enabled: false` asks for no caching; what a vendor caches unasked stays.',
    ),
  context: contextSchema.optional(),
});

const noTools = z
  .array(z.string())
  .max(0)
  .optional()
  .describe('Only the artifact agent has tools to choose from.');

const toolName = z
  .string()
  .max(100)
  .regex(/^[A-Za-z][A-Za-z0-9_-]*$/, 'must be the name of a tool');

const mcpSchema = z
  .strictObject({
    url: z
      .string()
      .max(2_000)
      .regex(/^https?:\/\/[^\s/?#@]+([/?#]\S*)?$/, 'must be an http(s) URL without credentials')
      .describe('The MCP server, over streamable HTTP.'),
    toolsets: z.array(toolName).max(100),
    tools: z.array(toolName).max(200).optional().describe('Single tools in addition to the toolsets.'),
    excludeTools: z.array(toolName).max(200).optional(),
    readOnly: z.boolean().describe('If false, users can approve writes in the chat.'),
    lockdown: z.boolean(),
    maxResultCharacters: z.int().min(100).max(1_000_000).optional(),
    timeoutMs: z.int().min(100).max(600_000).optional(),
  })
  .superRefine(({ toolsets, tools = [] }, context) => {
    // Without any, the server would offer its own default, which is more than was allowed.
    if (toolsets.length + tools.length === 0) {
      context.addIssue({
        code: 'custom',
        path: ['toolsets'],
        message: 'or tools must list the allowed tools',
      });
    }
  })
  .meta({
    anyOf: [
      { properties: { toolsets: { minItems: 1 } } },
      { required: ['tools'], properties: { tools: { minItems: 1 } } },
    ],
  });
/** The URL of the git_mcp agent's tools, and the tools that it may use. */
export type McpConfig = z.output<typeof mcpSchema>;

const AGENT_SCHEMAS = {
  chat: (provider: Provider) =>
    z.strictObject({ ...agentShape(providerCapabilities(provider)), tools: noTools }),
  artifact: () =>
    z.strictObject({ ...agentShape(), tools: z.array(z.enum(ARTIFACT_TOOLS)).max(100).optional() }),
  git_mcp: () => z.strictObject({ ...agentShape(), tools: noTools, mcp: mcpSchema }),
};

/** Configuration of one answering agent with one provider. Only git_mcp has `mcp`. */
export type AgentConfig = Omit<z.output<ReturnType<(typeof AGENT_SCHEMAS)['chat']>>, 'tools'> & {
  tools?: string[];
  mcp?: McpConfig;
};

const routingSchema = z.strictObject({
  enabled: z.boolean(),
  systemPrompt,
  models: z
    .array(
      z.strictObject({
        id: z
          .string()
          .max(200)
          .regex(new RegExp(`^(${PROVIDERS.join('|')})/\\S*[^\\s/]$`), 'must be provider/model'),
      }),
    )
    .min(1)
    .max(200)
    .superRefine((models, context) => refuseDuplicates(models, ['id'], context))
    .meta({
      description:
        'The first model with a configured key chooses the agent. If it fails, the next one with a key is asked.',
      'x-unique-by': ['id'],
    }),
  timeoutMs: z
    .int()
    .min(100)
    .max(10_000)
    .default(ROUTING_TIMEOUT)
    .describe('After this time, the chat agent answers.'),
});
/** Configuration of the agent that chooses which agent answers. */
export type RoutingConfig = z.output<typeof routingSchema>;

/** Bytes of one file at most. A turn has the file in memory several times: as bytes, as Base64 and in requests to vendors. */
export const MAX_FILE_SIZE = 20 * 1024 ** 2;

const filesSchema = z.strictObject({
  maxSize: z.int().min(1).max(MAX_FILE_SIZE).describe('Bytes of one file.'),
  types: z
    .array(
      z
        .string()
        .max(200)
        .regex(/^[a-z]+\/([a-z0-9.+-]+|\*)$/, 'must be a media type such as image/png or text/*'),
    )
    .min(1)
    .max(100)
    .describe('The media types that users may upload.'),
  moveDataUrlsFrom: z
    .int()
    .min(1_024)
    .max(1_000_000_000)
    .describe('A file that comes inside of a message is moved to storage from this size on, in bytes.'),
});
/** What users may upload. */
export type FileSettings = z.output<typeof filesSchema>;

const appSettingsSchema = z.strictObject({
  activeProvider: z
    .enum(PROVIDERS)
    .describe('The provider with the default model, which answers if the client does not name one.'),
  titleModels: modelOfEach(PROVIDERS)
    .optional()
    .describe('The inexpensive models that generate chat titles.'),
  imageModels: modelOfEach(DRAWING_PROVIDERS)
    .optional()
    .describe(
      'The models that generate images. The model of the answering provider is used, or else one with a key. If none is ' +
        'configured, image generation is off.',
    ),
  files: filesSchema
    .optional()
    .describe('Files of users, where the server has Supabase Storage. Without it, the defaults hold.'),
  compaction: compactionSchema(modelOfEach(PROVIDERS)).optional(),
});
export type AppSettings = z.output<typeof appSettingsSchema>;

export type AgentKey = `${AnsweringAgent}_agent_${Provider}`;

/** The type of each key of `admin_config`. */
export type ConfigData = {
  routing_agent: RoutingConfig;
  app_settings: AppSettings;
  model_catalog: ModelCatalog;
} & Record<AgentKey, AgentConfig>;

export type ConfigKey = keyof ConfigData;

export const agentKey = (agent: AnsweringAgent, provider: Provider): AgentKey => `${agent}_agent_${provider}`;

/**
 * The schema of each key. Validation, types, JSON Schema and OpenAPI are derived from it, and the database has a copy.
 */
export const CONFIG_SCHEMAS = {
  routing_agent: routingSchema,
  app_settings: appSettingsSchema,
  model_catalog: modelCatalogSchema,
  ...Object.fromEntries(
    ANSWERING_AGENTS.flatMap((agent) =>
      PROVIDERS.map((provider) => [agentKey(agent, provider), AGENT_SCHEMAS[agent](provider)]),
    ),
  ),
} as unknown as { readonly [Key in ConfigKey]: z.ZodType<ConfigData[Key]> };

export const CONFIG_KEYS = Object.keys(CONFIG_SCHEMAS).sort() as ConfigKey[];

/** The JSON Schema (2020-12) for `configData` of a key. */
export function jsonSchemaOf(key: ConfigKey): Record<string, unknown> {
  return z.toJSONSchema(CONFIG_SCHEMAS[key], { io: 'input' });
}
