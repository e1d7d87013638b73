import { toMoney } from '../../../common/http/money.js';
import type { UsageFiguresDto } from './dto/usage-figures.dto.js';

/** Sums as PostgreSQL returns them. */
export interface FiguresRow {
  calls: string;
  errors: string;
  inputTokens: string;
  outputTokens: string;
  totalTokens: string;
  inputCost: string;
  outputCost: string;
  totalCost: string;
  ownKeyCalls: string;
  ownKeyCost: string;
  unpricedCalls: string;
}

const NOTHING: UsageFiguresDto = {
  calls: 0,
  errors: 0,
  inputTokens: 0,
  outputTokens: 0,
  totalTokens: 0,
  inputCost: 0,
  outputCost: 0,
  totalCost: 0,
  ownKeyCalls: 0,
  ownKeyCost: 0,
  unpricedCalls: 0,
};

/** The sums of a row, or zeros if there was nothing to sum. */
export function toFigures(row: FiguresRow | undefined): UsageFiguresDto {
  if (!row) return { ...NOTHING };
  return {
    calls: Number(row.calls),
    errors: Number(row.errors),
    inputTokens: Number(row.inputTokens),
    outputTokens: Number(row.outputTokens),
    totalTokens: Number(row.totalTokens),
    inputCost: toMoney(row.inputCost),
    outputCost: toMoney(row.outputCost),
    totalCost: toMoney(row.totalCost),
    ownKeyCalls: Number(row.ownKeyCalls),
    ownKeyCost: toMoney(row.ownKeyCost),
    unpricedCalls: Number(row.unpricedCalls),
  };
}
