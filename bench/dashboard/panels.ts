import { type Prometheus, SCRAPE_INTERVAL, type Series } from './prometheus.js';
import type { Recording } from './recording.js';

/** The parts of Grafana's dashboard model that are needed here. */
export interface Dashboard {
  title: string;
  panels: Panel[];
  templating: { list: Array<{ name: string; label: string; allValue?: string }> };
}

interface Panel {
  type: 'row' | 'stat' | 'timeseries';
  title: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: Array<{ expr: string; legendFormat?: string; instant?: boolean }>;
  fieldConfig?: {
    defaults: {
      unit?: string;
      decimals?: number;
      min?: number;
      max?: number;
      noValue?: string;
      thresholds?: { steps: Array<{ color: string; value: number | null }> };
      custom?: Appearance & { stacking?: { mode: string } };
    };
    overrides: Array<{ matcher: { id: string; options: string }; properties: Property[] }>;
  };
  options?: { colorMode?: string; graphMode?: string };
}

interface Property {
  id: string;
  value: unknown;
}

interface Appearance {
  fillOpacity?: number;
  lineWidth?: number;
  lineStyle?: { fill: string; dash?: number[] };
}

/** A panel with everything that the page needs to draw it. */
export interface DrawnPanel extends Pick<Panel, 'type' | 'title' | 'gridPos'> {
  unit: string;
  decimals?: number;
  min?: number;
  max?: number;
  isStacked: boolean;
  times: number[];
  series: DrawnSeries[];
  /** For a stat panel: the value, its color, and whether a sparkline is drawn behind it. */
  value?: number;
  noValue?: string;
  color?: string;
  hasGraph: boolean;
}

export interface DrawnSeries extends Appearance {
  name: string;
  color: string;
  values: Array<number | null>;
}

/** Grafana's named colors on a dark background. */
const COLORS: Record<string, string> = {
  text: '#ccccdc',
  green: '#73bf69',
  'dark-green': '#37872d',
  yellow: '#fade2a',
  'semi-dark-yellow': '#f2cc0c',
  'light-blue': '#8ab8ff',
  blue: '#5794f2',
  orange: '#ff9830',
  'semi-dark-orange': '#ff780a',
  red: '#f2495c',
  purple: '#b877d9',
};

/** The first colors of Grafana's classic palette. */
const PALETTE = [
  'green',
  'semi-dark-yellow',
  'light-blue',
  'semi-dark-orange',
  'red',
  'blue',
  'purple',
  'dark-green',
  'yellow',
].map((name) => COLORS[name]!);

/** Queries the data of a panel as Grafana does. */
export async function drawnPanel(
  { type, title, gridPos, targets = [], fieldConfig, options }: Panel,
  { templating }: Dashboard,
  recording: Recording,
  prometheus: Prometheus,
): Promise<DrawnPanel> {
  const { defaults, overrides } = fieldConfig ?? { defaults: {}, overrides: [] };
  const from = Math.ceil(recording.from / SCRAPE_INTERVAL) * SCRAPE_INTERVAL;
  const to = Math.floor(recording.to / SCRAPE_INTERVAL) * SCRAPE_INTERVAL;
  const times = Array.from(
    { length: (to - from) / SCRAPE_INTERVAL + 1 },
    (_, step) => from + step * SCRAPE_INTERVAL,
  );
  const series: DrawnSeries[] = [];
  for (const { expr, legendFormat = '', instant } of targets) {
    const query = filledIn(expr, templating.list, to - from);
    const found = instant
      ? await prometheus.instant(query, to)
      : await prometheus.range(query, from, to, SCRAPE_INTERVAL);
    for (const one of found) {
      const name = legendFormat.replaceAll(/\{\{(\w+)\}\}/g, (_, label: string) => one.labels[label] ?? '');
      const color = PALETTE[series.length % PALETTE.length]!;
      const appearance = { ...defaults.custom, ...overridden(name, overrides) };
      series.push({ color, ...appearance, name, values: instant ? last(one) : along(times, one) });
    }
  }
  const { unit = 'short', decimals, min, max, noValue, custom, thresholds } = defaults;
  const value = series[0]?.values.findLast((figure) => figure !== null) ?? undefined;
  const step = thresholds?.steps.findLast((one) => one.value === null || (value ?? 0) >= one.value);
  return {
    type,
    title,
    gridPos,
    unit,
    decimals,
    min,
    max,
    isStacked: custom?.stacking?.mode === 'normal',
    times,
    series,
    value,
    noValue,
    color: COLORS[options?.colorMode === 'none' ? 'text' : (step?.color ?? 'text')],
    hasGraph: options?.graphMode === 'area',
  };
}

/** The query with `All` selected everywhere. `$__rate_interval` is computed as in Grafana: at least four scrapes. */
function filledIn(expr: string, variables: Dashboard['templating']['list'], range: number): string {
  let query = expr
    .replaceAll('$__rate_interval', `${4 * SCRAPE_INTERVAL}s`)
    .replaceAll('$__range', `${range}s`);
  for (const { name, allValue } of variables) query = query.replaceAll(`$${name}`, allValue ?? '.*');
  return query;
}

function overridden(
  name: string,
  overrides: Array<{ matcher: { id: string; options: string }; properties: Property[] }>,
): Appearance & { color?: string } {
  const result: Record<string, unknown> = {};
  for (const { matcher, properties } of overrides) {
    if (matcher.id !== 'byName' || matcher.options !== name) continue;
    for (const { id, value } of properties) {
      if (id === 'color') result['color'] = COLORS[(value as { fixedColor: string }).fixedColor];
      else result[id.replace('custom.', '')] = value;
    }
  }
  return result;
}

function last({ values }: Series): Array<number | null> {
  return values.slice(-1).map(([, value]) => figure(value));
}

function along(times: number[], { values }: Series): Array<number | null> {
  const at = new Map(values);
  return times.map((time) => figure(at.get(time)));
}

/** A quantile without samples is not a number. */
function figure(value: number | undefined): number | null {
  return value === undefined || !Number.isFinite(value) ? null : value;
}
