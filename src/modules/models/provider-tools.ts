import type { LanguageModelV4ProviderTool } from '@ai-sdk/provider';
import type { AppConfig, Provider } from '../../config/app-config.js';
import type { Capability } from '../admin-config/config-schemas.js';
import type { SelectedModel } from './model-selector.js';

/** Searches and pages of one answer: each is paid beside its tokens. */
const MAX_USES = 5;

type ProviderTools = Partial<Record<Capability, LanguageModelV4ProviderTool>>;

/** What each vendor does on its own side, by the capability that allows it, under the names that the vendor uses. */
const PROVIDER_TOOLS: Record<Provider, ProviderTools> = {
  google: {
    googleSearch: tool('google.google_search', 'google_search'),
    urlContext: tool('google.url_context', 'url_context'),
    codeExecution: tool('google.code_execution', 'code_execution'),
  },
  openai: {
    webSearch: tool('openai.web_search', 'web_search'),
    codeExecution: tool('openai.code_interpreter', 'code_interpreter'),
  },
  anthropic: {
    webSearch: tool('anthropic.web_search_20250305', 'web_search', { maxUses: MAX_USES }),
    urlContext: tool('anthropic.web_fetch_20250910', 'web_fetch', { maxUses: MAX_USES }),
    codeExecution: tool('anthropic.code_execution_20250825', 'code_execution'),
  },
};

/** The tools of the vendor that the configuration switches on; undefined when there are none. */
export function providerToolsFor(
  { provider, agentConfig: { capabilities }, catalog }: SelectedModel,
  { openaiApi }: Pick<AppConfig, 'openaiApi'>,
): LanguageModelV4ProviderTool[] | undefined {
  // OpenAI has them in its newer API only.
  if (provider === 'openai' && openaiApi === 'chat') return undefined;
  if (provider === 'demo' || !capabilities || catalog?.capabilities['tools'] === false) return undefined;
  const allowed = Object.entries(PROVIDER_TOOLS[provider]).filter(
    ([name]) => capabilities[name as Capability],
  );
  return allowed.length > 0 ? allowed.map(([, providerTool]) => providerTool) : undefined;
}

function tool(
  id: LanguageModelV4ProviderTool['id'],
  name: string,
  args: Record<string, unknown> = {},
): LanguageModelV4ProviderTool {
  return { type: 'provider', id, name, args };
}
