import type { TestDatabase } from './postgres.js';

/** A node of PostgreSQL's plan for a statement. The figures are those of a statement that was run. */
export interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Actual Rows': number;
  'Actual Loops': number;
  'Rows Removed by Filter'?: number;
  'Shared Hit Blocks': number;
  'Shared Read Blocks': number;
  Plans?: PlanNode[];
}

/** @param isRun false for the structure of the plan only, without figures */
export async function planOf(
  database: TestDatabase,
  sql: string,
  parameters?: unknown[],
  { isRun = true }: { isRun?: boolean } = {},
): Promise<PlanNode> {
  const options = isRun ? 'analyze, buffers, format json' : 'format json';
  const [row] = await database.query(`explain (${options}) ${sql}`, parameters);
  return row['QUERY PLAN'][0].Plan as PlanNode;
}

/** A node of a plan, and all nodes below it. */
export const nodesOf = (node: PlanNode): PlanNode[] => [node, ...(node.Plans ?? []).flatMap(nodesOf)];

/** The rows of a table that a plan has read. */
export function rowsReadOf(table: string, plan: PlanNode): number {
  return nodesOf(plan)
    .filter((node) => node['Relation Name'] === table)
    .reduce(
      (sum, node) =>
        sum + (node['Actual Rows'] + (node['Rows Removed by Filter'] ?? 0)) * node['Actual Loops'],
      0,
    );
}
