/** Numbers and times in the language of the browser. */
const integer = new Intl.NumberFormat();
const compact = new Intl.NumberFormat(undefined, { notation: 'compact', maximumFractionDigits: 1 });
const dateTime = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const day = new Intl.DateTimeFormat(undefined, { month: 'short', day: 'numeric' });

export const formatCount = (value: number) =>
  value < 10_000 ? integer.format(value) : compact.format(value);
export const formatTime = (iso: string) => dateTime.format(new Date(iso));
export const formatDay = (iso: string) => day.format(new Date(iso));

/** Small amounts keep two significant digits: $0.0023. */
export function formatCost(usd: number): string {
  const digits = usd === 0 || usd >= 0.1 ? 2 : Math.min(6, 1 - Math.floor(Math.log10(usd)));
  return `$${usd.toFixed(digits)}`;
}

export const AGENT_NAMES: Record<string, string> = {
  auto: 'Automatic',
  chat: 'Chat',
  artifact: 'Documents',
  git_mcp: 'GitHub',
  routing: 'Routing',
};
