import type { QueryRunner } from 'typeorm';

/** A function of the database. Its file in `functions/` has its current definition. Migrations apply it from there. */
export interface SqlFunction {
  signature: string;
  /** The whole `create or replace function …` statement. */
  definition: string;
  /** Roles other than the operator that may call it. Triggers do not need this privilege. */
  executableBy?: string[];
}

export async function createFunctions(runner: QueryRunner, functions: SqlFunction[]): Promise<void> {
  for (const { signature, definition, executableBy = [] } of functions) {
    await runner.query(definition);
    await runner.query(`revoke all on function ${signature} from public`);
    if (executableBy.length > 0) {
      await runner.query(`grant execute on function ${signature} to ${executableBy.join(', ')}`);
    }
  }
}

export async function dropFunctions(runner: QueryRunner, functions: SqlFunction[]): Promise<void> {
  await runner.query(`drop function ${functions.map(({ signature }) => signature).join(', ')}`);
}
