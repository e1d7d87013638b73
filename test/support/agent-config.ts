import { AdminConfigService } from '../../src/modules/admin-config/admin-config.service.js';
import type { AgentConfig, AnsweringAgent } from '../../src/modules/admin-config/config-schemas.js';
import type { TestApp } from './app.js';
import { eventually } from './chat-app.js';

export const PROVIDERS = ['google', 'openai', 'anthropic'] as const;
export type Provider = (typeof PROVIDERS)[number];

/** Sets fields of an agent's configuration, and waits until the server uses them. */
export async function configureAgent(
  { app, database }: TestApp,
  provider: Provider,
  fields: Partial<AgentConfig>,
  agent: AnsweringAgent = 'chat',
): Promise<void> {
  await database.query(
    `update admin_config set config_data = config_data || $2::jsonb where config_key = $1`,
    [`${agent}_agent_${provider}`, JSON.stringify(fields)],
  );
  const wanted = JSON.stringify(sorted(fields));
  await eventually(async () => {
    const { agents } = await app.get(AdminConfigService).current();
    const now = agents[agent][provider] as Record<string, unknown> | undefined;
    const found = Object.fromEntries(Object.keys(fields).map((name) => [name, now?.[name]]));
    return JSON.stringify(sorted(found)) === wanted;
  });
}

/** PostgreSQL orders the properties of an object in its own way. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(sorted);
  const entries = Object.entries(value).map(([name, member]) => [name, sorted(member)] as const);
  return Object.fromEntries(entries.sort(([left], [right]) => left.localeCompare(right)));
}
