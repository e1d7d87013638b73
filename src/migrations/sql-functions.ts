import type { QueryRunner } from 'typeorm';

/** A function of the database. Its file in `functions/` has its present definition; migrations apply it from there. */
export interface SqlFunction {
  signature: string;
  /** `create or replace function …`, whole. */
  definition: string;
  /** Roles besides the operator that may call it. Triggers run without that privilege. */
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
