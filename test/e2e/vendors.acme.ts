import { APICallError, type LanguageModelV4 } from '@ai-sdk/provider';
import { anthropic } from '../../src/modules/models/vendors/anthropic.js';
import { google } from '../../src/modules/models/vendors/google.js';
import { openai } from '../../src/modules/models/vendors/openai.js';
import type { Connection, Vendor } from '../../src/modules/models/vendors/vendor.js';

/** A vendor with servers like Google's, which quotes keys when it refuses them. */
export const acme: Vendor = {
  ...google,
  id: 'acme',
  name: 'Acme',
  keyHeader: 'x-acme-key',
  variables: {
    apiKey: 'ACME_SECRET',
    baseUrl: 'ACME_ENDPOINT',
    api: { name: 'ACME_DIALECT', values: ['plain', 'fancy'] },
  },
  connect: (connection) => {
    const client = google.connect(connection);
    return { language: (id) => (id === 'acme-closed' ? refusing(id, connection) : client.language(id)) };
  },
  tools: { telepathy: { type: 'provider', id: 'acme.telepathy', name: 'telepathy', args: {} } },
  models: ['acme-open', 'acme-closed'].map((id) => ({
    id,
    name: id,
    contextWindow: 1_000,
    maxOutputTokens: 100,
    reasoning: false,
    pricing: { input: 1, cachedInput: null, cacheWrite: null, output: 2 },
  })),
  defaultModel: 'acme-open',
  titleModel: 'acme-open',
  images: undefined,
};

function refusing(modelId: string, { apiKey }: Connection): LanguageModelV4 {
  const refuse = () =>
    Promise.reject(
      new APICallError({
        message: `Acme does not know ${apiKey}`,
        url: 'https://acme.example',
        requestBodyValues: {},
        statusCode: 401,
      }),
    );
  return {
    specificationVersion: 'v4',
    provider: 'acme',
    modelId,
    supportedUrls: {},
    doGenerate: refuse,
    doStream: refuse,
  };
}

/** The list of the application under test. Nothing else in it knows about the vendor. */
export const VENDOR_LIST = [google, openai, anthropic, acme];
