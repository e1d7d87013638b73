import type { TestApp } from './app.js';
import type { LedgerCall } from './usage-ledger.js';

/** A row of `usage_logs`. Money is in millionths of a dollar, as in the database. */
export interface UsageEntry {
  userId: string;
  chatId: string | null;
  agent: string;
  provider: string;
  model: string;
  input: number;
  output: number;
  total: number;
  inputCost: bigint;
  outputCost: bigint;
  totalCost: bigint;
  isClosed: boolean;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests assert its shape
  metadata: any;
}

/** The sums of an answer, a chat or some rows. */
export interface Sums {
  input: number;
  output: number;
  cost: bigint;
}

interface Tokens {
  input: number;
  cachedRead: number;
  cacheWrite: number;
  imageInput: number;
  output: number;
  reasoning: number;
}

/** `12.345678`, the text of a `numeric(10,6)`, in millionths. */
export const micros = (text: string): bigint => BigInt(text.replace('.', ''));
/** A JSON number in millionths. More than six decimals would be wrong. */
export const microsOf = (value: number): bigint => micros(value.toFixed(6));

/** All rows since this time, of all users. */
export async function usageEntries({ database }: TestApp, since: Date): Promise<UsageEntry[]> {
  const rows = await database.query(
    `select user_id as "userId", chat_id as "chatId", agent_type as agent, provider, model_used as model,
            input_tokens as input, output_tokens as output, total_tokens as total,
            input_cost::text as "inputCost", output_cost::text as "outputCost", total_cost::text as "totalCost",
            response_timestamp is not null as "isClosed", metadata
       from usage_logs where request_timestamp >= $1 order by request_timestamp`,
    [since],
  );
  return rows.map(({ inputCost, outputCost, totalCost, ...row }) => ({
    ...row,
    inputCost: micros(inputCost as string),
    outputCost: micros(outputCost as string),
    totalCost: micros(totalCost as string),
  })) as UsageEntry[];
}

export function sumOf(rows: UsageEntry[]): Sums {
  return {
    input: rows.reduce((sum, { input }) => sum + input, 0),
    output: rows.reduce((sum, { output }) => sum + output, 0),
    cost: rows.reduce((sum, { totalCost }) => sum + totalCost, 0n),
  };
}

export function tokensOfRow({ input, output, metadata }: UsageEntry): Tokens {
  return {
    input,
    cachedRead: metadata.cachedInputTokens,
    cacheWrite: metadata.cacheWriteTokens,
    imageInput: metadata.imageInputTokens ?? 0,
    output,
    reasoning: metadata.reasoningTokens,
  };
}

/** What the provider reported to the client for a completed call. */
export function tokensTold({ kind, request, script }: LedgerCall): Tokens | undefined {
  const { reported } = request;
  if (reported?.ended !== 'complete') return undefined;
  const { input, cachedRead, cacheWrite, output, reasoning } = reported;
  // Only OpenAI reports the image tokens of its input.
  const imageInput = kind === 'image' && request.provider === 'openai' ? (script.imageInput ?? 0) : 0;
  return { input, cachedRead, cacheWrite, imageInput, output, reasoning };
}

/** Ten-thousandths of a dollar per million tokens, as whole numbers. */
interface Rates {
  input: bigint;
  cachedRead: bigint;
  cacheWrite: bigint;
  imageInput: bigint;
  output: bigint;
}

/** The prices of a model, from the longest prompts to the shortest. */
type Prices = Array<Rates & { above: number }>;

interface CatalogPricing {
  input: number;
  cachedInput?: number | null;
  cacheWrite?: number | null;
  imageInput?: number | null;
  output: number;
  tiers?: Array<Partial<CatalogPricing> & { aboveInputTokens: number }>;
}

const units = (price: number) => {
  const scaled = Number((price * 10_000).toFixed(6));
  if (!Number.isInteger(scaled)) throw new Error(`${price} has more places than this test computes with`);
  return BigInt(scaled);
};

const ratesOf = ({ input, cachedInput, cacheWrite, imageInput, output }: CatalogPricing): Rates => ({
  input: units(input),
  cachedRead: units(cachedInput ?? input),
  cacheWrite: units(cacheWrite ?? input),
  imageInput: units(imageInput ?? input),
  output: units(output),
});

/** The prices of the catalog by model. */
export function pricesOf(catalog: {
  models: Array<{ id: string; pricing?: CatalogPricing }>;
}): Map<string, Prices> {
  const entries = catalog.models.flatMap(({ id, pricing }): Array<[string, Prices]> => {
    if (!pricing) return [];
    const { tiers = [], ...base } = pricing;
    const all = [{ aboveInputTokens: -1 }, ...tiers].map(({ aboveInputTokens: above, ...tier }) => ({
      above,
      ...ratesOf({ ...base, ...tier }),
    }));
    return [[id, all.sort((one, other) => other.above - one.above)]];
  });
  return new Map(entries);
}

/**
 * Computed in whole ten-billionths of a dollar, then rounded once, half up, to millionths. A model without a price costs
 * nothing.
 */
export function chargeOf(
  { input, cachedRead, cacheWrite, imageInput, output }: Tokens,
  prices: Prices | undefined,
): Pick<UsageEntry, 'inputCost' | 'outputCost' | 'totalCost'> {
  const rates = prices?.find(({ above }) => input > above);
  if (!rates) return { inputCost: 0n, outputCost: 0n, totalCost: 0n };
  const plain = BigInt(input - cachedRead - cacheWrite - imageInput);
  const read =
    plain * rates.input +
    BigInt(cachedRead) * rates.cachedRead +
    BigInt(cacheWrite) * rates.cacheWrite +
    BigInt(imageInput) * rates.imageInput;
  const written = BigInt(output) * rates.output;
  const rounded = (amount: bigint) => (amount + 5_000n) / 10_000n;
  return { inputCost: rounded(read), outputCost: rounded(written), totalCost: rounded(read + written) };
}
