import type { TestUser } from './app.js';
import { eventually } from './chat-app.js';

/** Waits until all these servers know that the agent's hourly limit is this one, and with it the configuration stored before it. */
export async function untilLimitIs(
  servers: ReadonlyArray<{ url: string }>,
  user: Pick<TestUser, 'headers'>,
  agent: string,
  hourly: number,
): Promise<void> {
  for (const { url } of servers) {
    await eventually(async () => {
      const response = await fetch(`${url}/api/rate-limits`, { headers: user.headers });
      const { items } = (await response.json()) as {
        items: Array<{ agentType: string; limitType: string; limit: number }>;
      };
      return items.some(
        ({ agentType, limitType, limit }) =>
          agentType === agent && limitType === 'hourly' && limit === hourly,
      );
    });
  }
}
