/** A model for each format in which providers answer. */
export const MODELS = {
  google: 'google/gemini-2.5-flash',
  openai: 'openai/gpt-5-mini',
  /** OpenAI with its older interface, which gateways and local servers use. */
  openaiChat: 'openai/gpt-4o-mini',
  anthropic: 'anthropic/claude-sonnet-4-5',
};
export type Vendor = keyof typeof MODELS;
