import type { ValueTransformer } from 'typeorm';

/** Reads `numeric` costs as numbers in USD. The driver returns them as strings. */
export const COST_COLUMN: ValueTransformer = {
  from: (value: string | null) => (value === null ? null : Number(value)),
  to: (value: number | null | undefined) => value,
};
