/** Runs in the page: lays out the panels of `data` on Grafana's grid, and draws them with uPlot. */
const GAP = 8;
const TITLE = 30;

const column = (data.width - 2 * GAP + GAP) / 24;

function element(parent, tag, className, text) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  parent.append(made);
  return made;
}

function scaled(value, base, units, digits) {
  let power = 0;
  let figure = value;
  while (Math.abs(figure) >= base && power < units.length - 1) {
    figure /= base;
    power++;
  }
  const text = figure.toFixed(digits ?? (Math.abs(figure) >= 100 ? 0 : Math.abs(figure) >= 10 ? 1 : 2));
  return `${text.includes('.') && digits === undefined ? text.replace(/\.?0+$/, '') : text}${units[power]}`;
}

/** Formats the units of the dashboard as Grafana does. */
function format(value, { unit, decimals }) {
  switch (unit) {
    case 'percentunit':
      return `${scaled(value * 100, Infinity, [''], decimals)}%`;
    case 'currencyUSD':
      return `$${scaled(value, 1000, ['', 'K', 'M'], decimals)}`;
    case 's':
      return value !== 0 && Math.abs(value) < 1
        ? scaled(value * 1000, Infinity, [' ms'], decimals)
        : scaled(value, Infinity, [' s'], decimals);
    case 'locale':
      return value.toLocaleString('en-US', { maximumFractionDigits: decimals });
    case 'bytes':
      return scaled(value, 1024, [' B', ' KiB', ' MiB', ' GiB'], decimals);
    default:
      return scaled(value, 1000, ['', ' K', ' Mil'], decimals);
  }
}

/** Distances between grid lines that are easy to read in the unit. */
function stepsOf({ unit, decimals }) {
  if (unit === 'bytes') return Array.from({ length: 45 }, (_, power) => 2 ** power);
  return Array.from({ length: 18 }, (_, power) => power - (decimals === 0 ? 0 : 6)).flatMap((power) =>
    [1, 2, 5].map((digit) => digit * 10 ** power),
  );
}

const faded = (color, percent) =>
  `${color}${Math.round((percent / 100) * 255)
    .toString(16)
    .padStart(2, '0')}`;

function drawSeries(parent, panel, width, height) {
  const sums = panel.times.map(() => 0);
  const columns = panel.series.map(({ values }) =>
    panel.isStacked ? values.map((value, index) => (sums[index] += value ?? 0)) : values,
  );
  const axis = { stroke: '#9fa7b3', font: '11px Inter, DejaVu Sans', ticks: { show: false } };
  const line = { stroke: 'rgba(204,204,220,0.08)', width: 1 };
  const most = Math.max(0, ...columns.flat().filter((value) => value !== null));
  const top = panel.max ?? (most === 0 ? 1 : most * 1.08);
  new uPlot(
    {
      width,
      height,
      padding: [10, 12, 0, 0],
      legend: { show: false },
      cursor: { show: false },
      scales: { x: { time: true }, y: { range: [panel.min ?? 0, top] } },
      axes: [
        {
          ...axis,
          grid: line,
          size: 26,
          space: 70,
          values: (_, ticks) => ticks.map((at) => new Date(at * 1000).toISOString().slice(11, 16)),
        },
        {
          ...axis,
          grid: line,
          size: 62,
          space: 30,
          incrs: stepsOf(panel),
          values: (_, ticks) => ticks.map((value) => format(value, panel)),
        },
      ],
      series: [{}].concat(
        panel.series.map(({ color, fillOpacity = 0, lineWidth = 1, lineStyle }, index) => ({
          stroke: color,
          width: lineWidth,
          fill: fillOpacity === 0 || (panel.isStacked && index > 0) ? undefined : faded(color, fillOpacity),
          dash: lineStyle?.fill === 'dash' ? lineStyle.dash : undefined,
          points: { show: false },
        })),
      ),
      // Stacked series are filled down to the series below.
      bands: panel.isStacked
        ? panel.series
            .map(({ color, fillOpacity = 0 }, index) => ({
              series: [index + 1, index],
              fill: faded(color, fillOpacity),
            }))
            .slice(1)
        : [],
    },
    [panel.times, ...columns],
    parent,
  );
}

function drawStat(parent, panel, width) {
  const { value, color, noValue = 'No data', hasGraph, series } = panel;
  const figure = element(parent, 'div', 'figure', value === undefined ? noValue : format(value, panel));
  figure.style.color = color;
  if (!hasGraph || series.length === 0) return;
  const course = element(parent, 'div', 'course');
  new uPlot(
    {
      width,
      height: 34,
      padding: [2, 0, 0, 0],
      legend: { show: false },
      cursor: { show: false },
      scales: { y: { range: (_, __, most) => [0, Math.max(most, 1)] } },
      axes: [{ show: false }, { show: false }],
      series: [{}, { stroke: faded('#5794f2', 80), fill: faded('#5794f2', 20), points: { show: false } }],
    },
    [panel.times, series[0].values],
    course,
  );
}

const header = element(document.body, 'header');
element(header, 'h1', '', data.title);
for (const { label, value } of data.variables) {
  const variable = element(header, 'span', 'variable');
  element(variable, 'b', '', label);
  variable.append(value);
}
const day = (at) => new Date(at * 1000).toISOString().slice(0, 16).replace('T', ' ');
element(header, 'span', 'range', `${day(data.recording.from)} to ${day(data.recording.to).slice(11)} UTC`);

const main = element(document.body, 'main');
main.style.height = `${data.height}px`;
for (const panel of data.panels) {
  const { x, y, w, h } = panel.gridPos;
  const box = element(main, 'section', panel.type === 'row' ? 'row' : 'panel');
  const width = Math.floor(w * column - GAP);
  const height = h * data.unit - GAP;
  box.style.left = `${GAP + x * column}px`;
  box.style.top = `${y * data.unit}px`;
  box.style.width = `${width}px`;
  box.style.height = `${height}px`;
  if (panel.type === 'row') {
    box.textContent = panel.title;
    continue;
  }
  element(box, 'h2', '', panel.title);
  if (panel.type === 'stat') {
    drawStat(box, panel, width - 2);
    continue;
  }
  const legend = element(box, 'div', 'legend');
  for (const { name, color } of panel.series) {
    const entry = element(legend, 'span');
    element(entry, 'i').style.background = color;
    entry.append(name);
  }
  drawSeries(box, panel, width - 2, height - TITLE - legend.offsetHeight - 14);
}
element(
  document.body,
  'footer',
  '',
  'Drawn from deploy/grafana/switchboard.json and the answers of a Prometheus; not a screenshot of Grafana.',
);
