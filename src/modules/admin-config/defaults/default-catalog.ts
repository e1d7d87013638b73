import { PROVIDERS, VENDORS } from '../../models/vendors/vendors.js';

const ANSWERING_CATALOG = PROVIDERS.flatMap((provider) =>
  VENDORS[provider].models.map(({ id, name, contextWindow, maxOutputTokens, reasoning, pricing }) => ({
    id,
    provider,
    name,
    contextWindow,
    maxOutputTokens,
    capabilities: { reasoning, fileInput: true, tools: true, imageOutput: false },
    pricing,
  })),
);

const IMAGE_CATALOG = PROVIDERS.flatMap((provider) => {
  const { images } = VENDORS[provider];
  if (!images) return [];
  const capabilities = { reasoning: false, fileInput: true, tools: false, imageOutput: true };
  return [{ ...images.model, provider, capabilities }];
});

/** The models of a new installation. */
export const DEFAULT_CATALOG = { models: [...ANSWERING_CATALOG, ...IMAGE_CATALOG] };
