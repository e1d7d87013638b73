import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Dashboard, drawnPanel } from './panels.js';
import { startPrometheus } from './prometheus.js';
import type { Recording } from './recording.js';

const DASHBOARD = new URL('../../deploy/grafana/switchboard.json', import.meta.url);
const WIDTH = 1_440;
/** Pixels: one unit of Grafana's grid with the gap below it, and the space above and below the panels. */
const UNIT = 38;
const AROUND = 110;

/** Draws every panel of the dashboard from its own queries, in a page that Chromium captures as an image. */
export async function draw(where: string, picture: string): Promise<void> {
  const folder = resolve(where);
  const dashboard = JSON.parse(readFileSync(DASHBOARD, 'utf8')) as Dashboard;
  const recording = JSON.parse(readFileSync(join(folder, 'recording.json'), 'utf8')) as Recording;
  const prometheus = await startPrometheus(folder);
  const panels = [];
  try {
    for (const panel of dashboard.panels) {
      panels.push(await drawnPanel(panel, dashboard, recording, prometheus));
    }
  } finally {
    await prometheus.stop();
  }
  const { title, templating } = dashboard;
  const variables = templating.list.map(({ name, label }) => ({
    label,
    value: name === 'datasource' ? 'Prometheus' : 'All',
  }));
  const units = Math.max(...panels.map(({ gridPos: { y, h } }) => y + h));
  const data = { title, variables, recording, panels, width: WIDTH, unit: UNIT, height: units * UNIT };

  const temporary = mkdtempSync(join(tmpdir(), 'dashboard-'));
  try {
    const page = join(temporary, 'page.html');
    writeFileSync(page, html(data));
    const size = `${WIDTH},${data.height + AROUND}`;
    execFileSync(
      'chromium',
      [
        '--headless',
        '--no-sandbox',
        '--hide-scrollbars',
        '--disable-gpu',
        `--user-data-dir=${join(temporary, 'profile')}`,
        `--window-size=${size}`,
        `--screenshot=${resolve(picture)}`,
        `file://${page}`,
      ],
      { stdio: 'ignore', timeout: 60_000, env: { ...process.env, TZ: 'UTC' } },
    );
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

function html(data: unknown): string {
  const { resolve: find } = createRequire(import.meta.url);
  const folder = find('uplot').replace(/dist[\\/].*$/, 'dist');
  const read = (path: string | URL) => readFileSync(path, 'utf8');
  return `<!doctype html><meta charset="utf-8">
<style>${read(join(folder, 'uPlot.min.css'))}</style>
<style>${read(new URL('page.css', import.meta.url))}</style>
<body></body>
<script>${read(join(folder, 'uPlot.iife.min.js'))}</script>
<script>const data = ${JSON.stringify(data).replaceAll('<', '\\u003c')};</script>
<script>${read(new URL('page.js', import.meta.url))}</script>`;
}
