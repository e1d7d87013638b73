import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { configureAgent } from '../support/agent-config.js';
import { type ChatApp, eventually, startChatApp } from '../support/chat-app.js';
import { Metrics } from '../support/metrics.js';

/** The Grafana dashboard shows all metrics of `/metrics`, with their names, labels and values. */

interface Panel {
  id: number;
  type: string;
  title: string;
  description?: string;
  datasource?: { uid: string };
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: Array<{ refId: string; expr: string; datasource: { uid: string } }>;
  fieldConfig?: { defaults: { unit?: string } };
}

interface Dashboard {
  uid: string;
  panels: Panel[];
  templating: { list: Array<{ name: string; type: string; query: string | { query: string } }> };
}

/** `name{matchers}`: the form in which every query names its series. */
const SELECTOR = /([a-zA-Z_:][\w:]*)\{([^}]*)\}/g;
const MATCHER = /(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"/g;
const GROUPING = /\b(?:by|without)\s*\(([^)]*)\)/g;
/** What may remain of a query without its selectors, groupings, strings and variables. */
const WORDS = new Set(
  'sum max topk rate increase histogram_quantile label_replace label_values vector or'.split(' '),
);
/** Labels that Prometheus adds. */
const ADDED = ['instance', 'job'];

describe('the dashboard', () => {
  let app: ChatApp;
  let dashboard: Dashboard;
  let metrics: Metrics;
  let queries: string[];

  beforeAll(async () => {
    app = await startChatApp();
    const user = await app.createUser();
    const chatId = randomUUID();
    await configureAgent(app, 'google', { fallbackModels: [{ id: 'openai/gpt-4o-mini' }] });
    app.double.enqueue({ fault: { type: 'status', status: 500 } });
    await app.say(user, chatId, 'Hello');
    metrics = await eventually(async () => {
      const now = await Metrics.scrape(app);
      // Routing, the failed call, the answer, the title.
      return now.sum('switchboard_model_calls_total') === 4 && now;
    });
    const url = new URL('../../deploy/grafana/switchboard.json', import.meta.url);
    dashboard = JSON.parse(await readFile(url, 'utf8')) as Dashboard;
    queries = [
      ...dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
      ...dashboard.templating.list.flatMap(({ query, type }) =>
        type !== 'query' || typeof query === 'string' ? [] : inSelectorForm(query.query),
      ),
    ];
  });

  afterAll(() => app.close());

  it('uses only existing metrics, labels and values', () => {
    expect(queries.length).toBeGreaterThan(30);
    const names = metrics.names();
    for (const query of queries) {
      for (const [selector, name = '', matchers = ''] of query.matchAll(SELECTOR)) {
        expect(names).toContain(name);
        const labels = labelsOf(name);
        for (const [, label = '', operator, value = ''] of matchers.matchAll(MATCHER)) {
          expect([selector, [...labels, ...ADDED]]).toEqual([selector, expect.arrayContaining([label])]);
          if (operator !== '=') continue;
          expect([selector, metrics.matching(name, { [label]: value }).length > 0]).toEqual([selector, true]);
        }
      }
    }
  });

  it('only groups by labels that the metrics have', () => {
    for (const query of queries) {
      const made = Array.from(query.matchAll(/,\s*"(\w+)",\s*"\$\{?1\}?/g), ([, label]) => label);
      const names = Array.from(query.matchAll(SELECTOR), ([, name = '']) => name);
      const known = [...names.flatMap(labelsOf), ...ADDED, ...made];
      for (const [, labels = ''] of query.matchAll(GROUPING))
        expect([query, known]).toEqual([
          query,
          expect.arrayContaining(labels.split(',').map((one) => one.trim())),
        ]);
    }
  });

  it('has no name in a query that this test overlooks', () => {
    for (const query of queries) {
      const rest = query
        .replaceAll(SELECTOR, ' ')
        .replaceAll(GROUPING, ' ')
        .replaceAll(/"[^"]*"/g, ' ')
        .replaceAll(/\$\w+/g, ' ');
      for (const [word] of rest.matchAll(/[a-zA-Z_:][\w:]*/g))
        expect([query, word, WORDS.has(word)]).toEqual([query, word, true]);
    }
  });

  it('shows every metric of the server', () => {
    const asked = new Set(
      queries.flatMap((query) => Array.from(query.matchAll(SELECTOR), ([, name]) => name)),
    );
    const own = [...metrics.names()].filter(
      (name) => name.startsWith('switchboard_') && metrics.typeOf(name),
    );
    expect(own.length).toBeGreaterThan(10);
    for (const name of own)
      expect([name, ['', '_bucket', '_count'].some((suffix) => asked.has(name + suffix))]).toEqual([
        name,
        true,
      ]);
  });

  it('describes every panel, with its unit and the selected data source', () => {
    const panels = dashboard.panels.filter(({ type }) => type !== 'row');
    for (const { title, description, fieldConfig, targets = [], datasource } of panels) {
      expect([title, description?.length]).toEqual([title, expect.any(Number)]);
      expect([title, fieldConfig?.defaults.unit]).toEqual([title, expect.any(String)]);
      expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length);
      for (const source of [datasource, ...targets.map((target) => target.datasource)])
        expect([title, source?.uid]).toEqual([title, '${datasource}']);
    }
    const used = new Set(queries.flatMap((query) => query.match(/\$(?!__)\w+/g) ?? []));
    const variables = dashboard.templating.list.map(({ name }) => `$${name}`);
    for (const variable of used) expect(variables).toContain(variable);
  });

  it('has a place for every panel', () => {
    const { panels } = dashboard;
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const taken = new Set<string>();
    for (const { title, gridPos } of panels) {
      expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++) {
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          expect([title, taken.has(`${x} ${y}`)]).toEqual([title, false]);
          taken.add(`${x} ${y}`);
        }
      }
    }
  });

  /** The labels that the series of a metric have. */
  function labelsOf(name: string): string[] {
    return [...new Set(metrics.matching(name).flatMap(({ labels }) => Object.keys(labels)))];
  }

  /** `label_values(metric, label)` in the form of every other query. */
  function inSelectorForm(query: string): string[] {
    const [, metric, matchers = '', label] = /^label_values\((\w+)(?:\{(.*)\})?, (\w+)\)$/.exec(query) ?? [];
    if (!metric || !label) throw new Error(`no query of a variable: ${query}`);
    return [`sum by (${label}) (${metric}{${matchers}})`];
  }
});
