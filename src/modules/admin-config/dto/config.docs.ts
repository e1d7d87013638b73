import { applyDecorators } from '@nestjs/common';
import { ApiBody, ApiHeader, ApiOkResponse, ApiParam } from '@nestjs/swagger';
import { PROVIDERS } from '../../models/vendors/vendors.js';
import { agentKey, CONFIG_KEYS, type ConfigKey, jsonSchemaOf } from '../config-schemas.js';

type OpenApiSchema = Extract<Parameters<typeof ApiBody>[0], { schema: unknown }>['schema'];

export const CONFIG_EXAMPLE = {
  activeProvider: 'google',
  titleModels: { google: 'gemini-3.5-flash-lite' },
  imageModels: { google: 'gemini-nano-banana-2.1' },
  compaction: { threshold: 0.7, models: { google: 'gemini-3.5-flash-lite' } },
};

const CHAT_AGENT_EXAMPLE = {
  enabled: true,
  systemPrompt: 'You are a helpful assistant.',
  models: [{ id: 'gemini-3.8-flash', isDefault: true }, { id: 'gemini-4-argon' }],
  fallbackModels: [{ id: 'anthropic/claude-sonnet-5-5' }],
  rateLimit: { hourly: 200, daily: 2_000 },
  budget: { daily: 1.5 },
  parameters: { temperature: 0.7 },
  capabilities: { thinking: true, fileInput: true, googleSearch: true },
  context: { maxInputTokens: 200_000 },
  tools: [],
};

/** One key for each schema that differs in more than the provider's name. */
const SHAPES: ConfigKey[] = [
  'routing_agent',
  ...PROVIDERS.map((provider) => agentKey('chat', provider)),
  agentKey('artifact', PROVIDERS[0]),
  agentKey('git_mcp', PROVIDERS[0]),
  'app_settings',
  'model_catalog',
];

const version = {
  type: 'integer',
  minimum: 1,
  description: 'The version that the change is based on. Returns 409 if it is no longer the latest version.',
};

/** Headers of every response with a configuration. */
export const VERSION_TAG = {
  ETag: { description: 'The version, for `If-Match`.', schema: { type: 'string' as const, example: '"3"' } },
};

/** `:key` of all routes. */
export const ApiConfigKeyParam = () =>
  ApiParam({
    name: 'key',
    enum: CONFIG_KEYS,
    description:
      'The configuration key: an agent with a provider, `routing_agent`, `app_settings` or `model_catalog`.',
  });

/** The optional `If-Match` of every change. */
export const ApiIfMatch = () =>
  ApiHeader({
    name: 'If-Match',
    required: false,
    description:
      'The version that the change is based on, such as `"3"`. Returns 409 if it is not the latest version.',
  });

/** `{configData, version?}`, where `configData` matches one of the schemas. */
export const ApiReplaceConfigBody = () =>
  ApiBody({
    schema: bodyOf({ anyOf: SHAPES.map(openApiSchemaOf) }),
    examples: {
      agent: { summary: 'chat_agent_google', value: { configData: CHAT_AGENT_EXAMPLE } },
      settings: {
        summary: 'app_settings, if it is still at version 3',
        value: { configData: CONFIG_EXAMPLE, version: 3 },
      },
    },
  });

/** `{configData, version?}`, where `configData` is a merge patch, in both content types. */
export const ApiPatchConfigBody = () => {
  const configData = {
    type: 'object',
    additionalProperties: true,
    description:
      'A merge patch (RFC 7396): objects are merged, null removes a value, and arrays are replaced.',
  };
  return ApiBody({
    schema: bodyOf(configData),
    examples: {
      prompt: { summary: 'Change the prompt', value: { configData: { systemPrompt: 'Answer in rhymes.' } } },
      budget: { summary: 'Remove the budget', value: { configData: { budget: null } } },
    },
  });
};

/** A JSON Schema as the response. */
export const ApiConfigSchemaResponse = () =>
  applyDecorators(
    ApiOkResponse({
      description: 'A JSON Schema (2020-12).',
      content: {
        'application/json': {
          schema: { type: 'object', additionalProperties: true },
          example: jsonSchemaOf('app_settings'),
        },
      },
    }),
  );

function openApiSchemaOf(key: ConfigKey): object {
  const { $schema: _dialect, ...schema } = jsonSchemaOf(key);
  return { title: key.replace(`_${PROVIDERS[0]}`, '_*'), ...schema };
}

function bodyOf(configData: object): OpenApiSchema {
  return {
    type: 'object',
    required: ['configData'],
    properties: { configData, version },
    additionalProperties: false,
  };
}
