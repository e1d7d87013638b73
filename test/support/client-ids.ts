import { v5 } from 'uuid';
import type { TestApp, TestUser } from './app.js';

/** The stored id for an id that a client of this user chooses. For a message, in the namespace of its chat. */
export async function storedId(
  { database }: Pick<TestApp, 'database'>,
  user: Pick<TestUser, 'id'>,
  clientId: string,
  chatId?: string,
): Promise<string> {
  const [row] = await database.query('select switchboard.id_namespace($1) as namespace', [user.id]);
  const namespace = String(row.namespace);
  return v5(clientId, chatId === undefined ? namespace : v5(chatId, namespace));
}
