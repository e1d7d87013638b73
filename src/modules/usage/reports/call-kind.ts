import { END_STATUS } from '../usage-words.js';

/** Calls of one kind; all of them, where nothing is said. */
export interface CallKind {
  agentType?: string;
  /** With or without its provider. */
  model?: string;
  provider?: string;
  status?: string;
}

/**
 * The SQL conditions for calls of one kind: for rows of `usage_logs`, or for rows of rollups, which have no running
 * calls.
 *
 * @param add adds a parameter and returns its placeholder
 */
export function conditionsOfKind(
  { agentType, model, provider, status }: CallKind,
  add: (value: unknown) => string,
  of: 'logs' | 'rollups',
): string[] {
  const conditions: string[] = [];
  if (agentType !== undefined) conditions.push(`agent_type = ${add(agentType)}`);
  if (provider !== undefined) conditions.push(`provider = ${add(provider)}`);
  if (model !== undefined) {
    const name = `${add(model)}::text`;
    conditions.push(`(model_used = ${name} or provider || '/' || model_used = ${name})`);
  }
  if (status === undefined) return conditions;
  if (of === 'rollups') conditions.push(`status = ${add(status)}`);
  // There are few running calls, and they have their own index.
  else if (status === 'running') conditions.push('response_timestamp is null');
  else conditions.push(`response_timestamp is not null and ${END_STATUS} = ${add(status)}`);
  return conditions;
}
