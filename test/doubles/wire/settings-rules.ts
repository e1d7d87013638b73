import type { Body } from './dialect.js';

/* Call settings that the real services refuse, by model. Each function returns the service's message, or nothing. */

export function googleSettingsProblem(body: Body, model: string): string | undefined {
  const config = body['generationConfig']?.thinkingConfig as Body | undefined;
  if (!config) return undefined;
  if (config['thinkingLevel'] !== undefined && !/^gemini-[34]/.test(model))
    return 'Thinking level is not supported for this model.';
  if (config['thinkingLevel'] === 'minimal' && /^gemini-(?:4|3\.[78]-flash$|3.*pro)/.test(model))
    return 'Thinking level MINIMAL is not supported for this model.';
  if (config['thinkingBudget'] === 0 && /gemini-2\.5-pro|gemini-[34]/.test(model))
    return 'Budget 0 is invalid. This model only works in thinking mode.';
  return undefined;
}

/** @param effort from `reasoning.effort` or `reasoning_effort` */
export function openaiSettingsProblem(body: Body, effort: string | undefined): string | undefined {
  const model = String(body['model']);
  const efforts = openaiEfforts(model);
  if (Array.isArray(body['tools']) && body['tools'].length === 0)
    return "Invalid 'tools': empty array. Expected an array with minimum length 1, but got an empty array instead.";
  if (body['top_k'] !== undefined) return "Unknown parameter: 'top_k'.";
  if (!efforts) {
    return effort === undefined && !body['reasoning']
      ? undefined
      : "Unsupported parameter: 'reasoning.effort' is not supported with this model.";
  }
  if (effort !== undefined && !efforts.includes(effort)) {
    return `Unsupported value: '${effort}' is not supported with the '${model}' model. Supported values are: ${efforts.map((value) => `'${value}'`).join(', ')}.`;
  }
  const sampling = ['temperature', 'top_p'].find((name) => body[name] !== undefined);
  if (sampling && effort !== 'none')
    return `Unsupported parameter: '${sampling}' is not supported with this model.`;
  const searches = (body['tools'] as Body[] | undefined)?.some(({ type }) => type === 'web_search');
  return searches && effort === 'minimal'
    ? "The following tools cannot be used with reasoning.effort 'minimal': web_search."
    : undefined;
}

/** Undefined for models without reasoning. */
function openaiEfforts(model: string): string[] | undefined {
  if (/^gpt-5-pro/.test(model)) return ['high'];
  if (/^gpt-5\.\d/.test(model)) return ['none', 'low', 'medium', 'high'];
  if (/^gpt-6(?:\.1)?-(?:terra|luna)|^gpt-6-sol/.test(model))
    return ['none', 'low', 'medium', 'high', 'xhigh', 'max'];
  if (model.startsWith('gpt-6')) return ['low', 'medium', 'high', 'xhigh', 'max'];
  if (model.startsWith('gpt-5')) return ['minimal', 'low', 'medium', 'high'];
  return /^o\d/.test(model) ? ['low', 'medium', 'high'] : undefined;
}

export function anthropicSettingsProblem(body: Body): string | undefined {
  const { model, temperature, top_p, top_k, max_tokens, thinking } = body;
  const most = /claude-(?:sonnet|opus|haiku)-4-5/.test(String(model)) ? 64_000 : Infinity;
  if (max_tokens > most) {
    return `max_tokens: ${max_tokens} > ${most}, which is the maximum allowed number of output tokens for ${model}`;
  }
  if (thinking?.type === 'enabled' || thinking?.type === 'adaptive') {
    if (temperature !== undefined && temperature !== 1)
      return '`temperature` may only be set to 1 when thinking is enabled or in adaptive mode.';
    if (top_k !== undefined) return '`top_k` must be unset when thinking is enabled or in adaptive mode.';
  }
  if (thinking?.type === 'disabled' && /(?:opus|sonnet)-5-5|fable-5/.test(String(model)))
    return 'thinking: `disabled` is not supported on this model';
  if (thinking?.type === 'enabled' && /-5-\d$/.test(String(model)))
    return 'thinking: `enabled` is not supported on this model; use `adaptive`';
  if (thinking?.type === 'between_tools' && !/sonnet-5-5/.test(String(model)))
    return "thinking: Input tag 'between_tools' found using 'type' does not match any of the expected tags";
  if (thinking?.type === 'adaptive' && /-4-5/.test(String(model)))
    return 'adaptive thinking is not supported on this model';
  return temperature !== undefined && top_p !== undefined
    ? '`temperature` and `top_p` cannot both be specified for this model. Please use only one.'
    : undefined;
}

/** Tools that need a beta header. */
const BETAS: Record<string, string> = {
  web_fetch_20250910: 'web-fetch-2025-09-10',
  code_execution_20250825: 'code-execution-2025-08-25',
};

/** @param betas the header `anthropic-beta` */
export function anthropicToolProblem(body: Body, betas: string): string | undefined {
  for (const [index, { type }] of ((body['tools'] ?? []) as Body[]).entries()) {
    const beta = BETAS[String(type)];
    if (beta && !betas.includes(beta)) {
      return `tools.${index}: Input tag '${type}' found using 'type' does not match any of the expected tags`;
    }
  }
  return undefined;
}
