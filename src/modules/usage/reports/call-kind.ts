import { END_STATUS } from '../usage-words.js';

/** Calls of one kind; all of them, where nothing is said. */
export interface CallKind {
  agentType?: string;
  /** With its provider or without. */
  model?: string;
  provider?: string;
  status?: string;
}

/**
 * The conditions, in SQL, of calls of one kind: of rows of `usage_logs`, or of rows of rollups, which know of no call that is
 * running.
 *
 * @param add adds a parameter, and says how it is written
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
  // Running calls are few, and have an index of their own.
  else if (status === 'running') conditions.push('response_timestamp is null');
  else conditions.push(`response_timestamp is not null and ${END_STATUS} = ${add(status)}`);
  return conditions;
}
