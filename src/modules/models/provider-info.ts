/** How a provider is called in texts, and in which header its users' keys travel. */
export const PROVIDER_INFO: Record<string, { name: string; header: string | undefined } | undefined> = {
  google: { name: 'Google', header: 'x-google-api-key' },
  openai: { name: 'OpenAI', header: 'x-openai-api-key' },
  anthropic: { name: 'Anthropic', header: 'x-anthropic-api-key' },
  demo: { name: 'The demo model', header: undefined },
};
