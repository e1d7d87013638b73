import type { DataSource } from 'typeorm';
import type { Identity } from '../auth/identity.js';
import { Database } from './database.js';

/** A connection that answers each statement in turn: with rows, or with an error of this code. */
function databaseAnswering(codes: Array<string | undefined>): Database {
  const client = {
    query: async () => {
      const code = codes.shift();
      if (code === undefined) return Promise.resolve({ rows: [] });
      return Promise.reject(Object.assign(new Error(`failed with ${code}`), { code }));
    },
    release: () => undefined,
  };
  const pool = { connect: () => Promise.resolve(client), idleCount: 1, totalCount: 1, options: { max: 8 } };
  return new Database({ driver: { master: pool } } as unknown as DataSource);
}

const identity = {
  id: 'a-user',
  role: 'user',
  email: 'a@example.com',
  isActive: true,
} as unknown as Identity;

it('tells the first failure of a read, not that its transaction has failed before', async () => {
  const database = databaseAnswering([undefined, '57014', '25P02', undefined]);
  await expect(
    database.readAsUser(identity, (statements) => statements.query('select')),
  ).rejects.toMatchObject({
    code: '57014',
  });
});

it('tells the failure of the work of a read if all statements have succeeded', async () => {
  const database = databaseAnswering([]);
  const work = async () => Promise.reject(new Error('not found'));
  await expect(database.readAsUser(identity, work)).rejects.toThrow('not found');
});
