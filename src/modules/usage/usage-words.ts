/**
 * The words of usage, in SQL and in TypeScript: what is measured, how a call ended, and how what was booked adds up. The
 * functions of the database use the same ones, so they stand in the folder of the migrations, which imports nothing.
 */
export {
  CHAT_TOTALS,
  COST_MEASURES,
  END_STATUS,
  MEASURES,
  MESSAGE_FIGURES,
  TOKEN_MEASURES,
} from '../../migrations/usage-statements.js';

/** What some calls of models have used. */
export interface Used {
  tokens: { inputTokens: number; outputTokens: number };
}

/** Whether anything was used: then whoever asked has had their turn, however it ended. */
export function isUsed({ tokens }: Used): boolean {
  return tokens.inputTokens + tokens.outputTokens > 0;
}
