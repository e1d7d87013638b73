import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load, loadAll } from 'js-yaml';
import { metricsRegistry } from '../../src/common/observability/metrics.js';
import { parseEnvironment, variableNames } from '../../src/config/environment.js';
import { VENDORS } from '../../src/modules/models/vendors/vendors.js';
import { GRACE } from '../../src/shutdown.js';

/** The files of `deploy/` agree with the server and with each other. `deploy/validate.sh` checks their formats. */

const ROOT = join(import.meta.dirname, '../..');
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8');
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- manifests of any kind
type Manifest = any;

const KUBERNETES = 'deploy/kubernetes';
const manifests = readdirSync(join(ROOT, KUBERNETES))
  .filter((name) => name !== 'prometheus-adapter.yaml')
  .flatMap((name) => loadAll(read(`${KUBERNETES}/${name}`)) as Manifest[]);

const find = (kind: string, name = 'switchboard'): Manifest => {
  const found = manifests.find((manifest) => manifest.kind === kind && manifest.metadata?.name === name);
  if (!found) throw new Error(`there is no ${kind} ${name}`);
  return found;
};

describe('the Kubernetes manifests', () => {
  const variables = { ...find('ConfigMap').data, ...find('Secret').stringData } as Record<string, string>;
  const pod = find('Deployment').spec.template.spec;
  const [server] = pod.containers;

  it('configure the server with values that it takes', () => {
    expect(Object.keys(variables).filter((name) => !variableNames(VENDORS).includes(name))).toEqual([]);
    expect(() => parseEnvironment({ NODE_ENV: 'production', ...variables }, VENDORS)).not.toThrow();
  });

  it('let a pod end its answers before it is killed', () => {
    const preStop = Number(server.lifecycle.preStop.exec.command[1]) * 1_000;
    const needed = preStop + Number(variables['SHUTDOWN_TIMEOUT_MS']) + GRACE;
    expect(pod.terminationGracePeriodSeconds * 1_000).toBeGreaterThan(needed);
    expect(find('Deployment').spec.strategy.rollingUpdate.maxUnavailable).toBe(0);
  });

  it('probe routes that exist, on ports that the pod has', () => {
    const paths = Object.keys((JSON.parse(read('openapi.json')) as { paths: object }).paths);
    const ports = server.ports.map(({ name }: { name: string }) => name);
    for (const probe of ['startupProbe', 'livenessProbe', 'readinessProbe']) {
      expect(paths).toContain(server[probe].httpGet.path);
      expect(ports).toContain(server[probe].httpGet.port);
    }
    expect(server.ports).toContainEqual({
      name: 'metrics',
      containerPort: Number(variables['METRICS_PORT']),
    });
  });

  it('scale on a metric that the server has and the adapter names', () => {
    const { metric } = find('HorizontalPodAutoscaler').spec.metrics[0].pods;
    expect(metricsRegistry.getSingleMetric(metric.name)).toBeDefined();
    const adapter = load(read(`${KUBERNETES}/prometheus-adapter.yaml`)) as Manifest;
    const [rule] = adapter.rules.custom;
    expect(rule.name.as).toBe(metric.name);
    expect(rule.seriesQuery).toMatch(new RegExp(`^${metric.name}{`));
  });

  it('select the pods of the server, and only those', () => {
    const { labels } = find('Deployment').spec.template.metadata;
    const others = [find('Job', 'switchboard-migration'), find('Deployment', 'valkey')].map(
      ({ spec }) => spec.template.metadata.labels,
    );
    const selectors = [
      find('Deployment').spec.selector.matchLabels,
      find('Service').spec.selector,
      find('Service', 'switchboard-metrics').spec.selector,
      find('PodDisruptionBudget').spec.selector.matchLabels,
      pod.topologySpreadConstraints[0].labelSelector.matchLabels,
    ] as Array<Record<string, string>>;
    for (const selector of selectors) {
      expect(labels).toMatchObject(selector);
      for (const other of others) expect(other).not.toMatchObject(selector);
    }
  });

  it('let a whole conversation through to the server, and only the server to Valkey', () => {
    const annotations = find('Ingress').metadata.annotations as Record<string, string>;
    const most = Number(/^(\d+)m$/.exec(annotations['nginx.ingress.kubernetes.io/proxy-body-size']!)?.[1]);
    expect(most * 1024 ** 2).toBe(20 * parseEnvironment({}, VENDORS).BODY_LIMIT);
    const { spec } = find('NetworkPolicy', 'valkey');
    expect(find('Deployment', 'valkey').spec.template.metadata.labels).toMatchObject(
      spec.podSelector.matchLabels as object,
    );
    expect(spec.ingress).toHaveLength(1);
    expect(spec.ingress[0].from.map((peer: Manifest) => peer.podSelector.matchLabels)).toEqual([
      find('Deployment').spec.selector.matchLabels,
    ]);
  });

  it('migrate with a command of the image, and list every file', () => {
    const [migration] = find('Job', 'switchboard-migration').spec.template.spec.containers;
    const command = migration.command[1] as string;
    expect(existsSync(join(ROOT, command.replace(/^dist\//, '').replace(/\.js$/, '.ts')))).toBe(true);
    const listed = manifests.find(({ kind }) => kind === 'Kustomization').resources as string[];
    expect(readdirSync(join(ROOT, KUBERNETES)).toSorted()).toEqual(
      [...listed, 'kustomization.yaml', 'prometheus-adapter.yaml'].toSorted(),
    );
  });
});

describe('the Compose files', () => {
  const base = load(read('docker-compose.yml')) as Manifest;
  const instances = load(read('deploy/compose/instances.yml').replace('!reset ', '')) as Manifest;
  const environment = { ...base.services.api.environment, ...instances.services.api.environment };

  it('configure the server with values that it takes', () => {
    expect(Object.keys(environment).filter((name) => !variableNames(VENDORS).includes(name))).toEqual([]);
  });

  it('let an instance and its proxy end their answers before they are killed', () => {
    const seconds = (service: Manifest) => Number(/^(\d+)s$/.exec(service.stop_grace_period)?.[1]);
    const patience = Number(environment.SHUTDOWN_TIMEOUT_MS) + GRACE;
    expect(seconds(instances.services.api) * 1_000).toBeGreaterThan(patience);
    expect(seconds(instances.services.nginx) * 1_000).toBeGreaterThan(patience);
    const alone = parseEnvironment({}, VENDORS).SHUTDOWN_TIMEOUT_MS + GRACE;
    expect(seconds(base.services.api) * 1_000).toBeGreaterThan(alone);
  });

  it('lead the proxy to the instances, and let whole conversations through', () => {
    const settings = read('deploy/compose/nginx.conf');
    const [, name, port] = /set \$api http:\/\/(\w+):(\d+);/.exec(settings) ?? [];
    const { PORT, BODY_LIMIT } = parseEnvironment({}, VENDORS);
    expect(Object.keys(base.services)).toContain(name);
    expect(Number(port)).toBe(PORT);
    const most = Number(/client_max_body_size (\d+)m;/.exec(settings)?.[1]);
    expect(most * 1024 ** 2).toBe(20 * BODY_LIMIT);
  });
});
