interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

interface Served {
  url: string;
}

const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/;
const VALUE = /^(?:[+-]?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Inf)|NaN)$/i;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"(?:,|$)/y;
const SUFFIXES: Record<string, string[]> = {
  histogram: ['_bucket', '_sum', '_count'],
  summary: ['_sum', '_count'],
};

/** The content of `/metrics` at one moment, parsed as strictly as by Prometheus. */
export class Metrics {
  private readonly types: ReadonlyMap<string, string>;
  readonly samples: readonly Sample[];

  private constructor(types: ReadonlyMap<string, string>, samples: readonly Sample[]) {
    this.types = types;
    this.samples = samples;
  }

  static async scrape({ url }: Served): Promise<Metrics> {
    const response = await fetch(`${url}/metrics`);
    if (!response.ok) throw new Error(`/metrics answered ${response.status}`);
    return Metrics.parse(await response.text());
  }

  /** @throws Error on an invalid line, a duplicate series, or a metric that was not declared */
  static parse(text: string): Metrics {
    const types = new Map<string, string>();
    const samples: Sample[] = [];
    const seen = new Set<string>();
    for (const line of text.split('\n')) {
      const [, declared, type] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? [];
      if (declared && type) types.set(declared, type);
      if (line === '' || /^# (HELP|TYPE) /.test(line)) continue;
      const [, name, labels, value] = SAMPLE.exec(line) ?? [];
      if (!name || !value || !VALUE.test(value)) throw new Error(`no sample: ${line}`);
      const sample = { name, labels: parseLabels(labels ?? ''), value: Number(value) };
      const series = seriesOf(sample);
      if (seen.has(series)) throw new Error(`told twice: ${series}`);
      seen.add(series);
      samples.push(sample);
    }
    const metrics = new Metrics(types, samples);
    const names = metrics.names();
    for (const { name } of samples) if (!names.has(name)) throw new Error(`not declared: ${name}`);
    return metrics;
  }

  /** Every name that a query could use, whether or not it has a series. */
  names(): Set<string> {
    return new Set(
      [...this.types].flatMap(([name, type]) => [
        name,
        ...(SUFFIXES[type] ?? []).map((suffix) => name + suffix),
      ]),
    );
  }

  typeOf(name: string): string | undefined {
    return this.types.get(name);
  }

  /** The sum of all series with this name and these labels. 0 if there are none. */
  sum(name: string, labels: Record<string, string> = {}): number {
    return this.matching(name, labels).reduce((sum, { value }) => sum + value, 0);
  }

  matching(name: string, labels: Record<string, string> = {}): Sample[] {
    return this.samples.filter(
      (sample) =>
        sample.name === name &&
        Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
    );
  }

  /** The values of a label, for any metric. */
  valuesOf(label: string): Set<string> {
    return new Set(this.samples.flatMap(({ labels }) => labels[label] ?? []));
  }

  /** The increase of the series with these names and labels since `before`, summed up. */
  growth(before: Metrics, name: string, labels: Record<string, string> = {}): number {
    return this.sum(name, labels) - before.sum(name, labels);
  }
}

function seriesOf({ name, labels }: Sample): string {
  return `${name} ${JSON.stringify(Object.entries(labels).sort())}`;
}

function parseLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  LABEL.lastIndex = 0;
  while (LABEL.lastIndex < text.length) {
    const [, label, value] = LABEL.exec(text) ?? [];
    if (label === undefined || value === undefined) throw new Error(`no labels: ${text}`);
    labels[label] = value;
  }
  return labels;
}
