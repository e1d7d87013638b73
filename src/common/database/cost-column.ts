import type { ValueTransformer } from 'typeorm';

/** Reads `numeric` costs (which the driver hands over as strings) as numbers of USD. */
export const COST_COLUMN: ValueTransformer = {
  from: (value: string | null) => (value === null ? null : Number(value)),
  to: (value: number | null | undefined) => value,
};
