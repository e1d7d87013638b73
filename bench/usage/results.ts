/** One measured quantity: its name, and figures in the order of its section's headings. */
export interface Result {
  cells: [label: string, ...figures: string[]];
  /** Targets for the figures. */
  aims?: Array<{ text: string; holds: boolean }>;
}

export interface Section {
  title: string;
  headings: string[];
  /** What a reader must know to understand them. */
  note?: string;
  results: Result[];
}

export function milliseconds(value: number): string {
  return value >= 10_000 ? `${rounded(value / 1000)} s` : `${rounded(value)} ms`;
}

export function rounded(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2;
  return value.toLocaleString('en-US', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

export function megabytes(bytes: number): string {
  return `${rounded(bytes / 1024 ** 2)} MB`;
}

export function counted(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
