import { useEffect, useMemo, useRef } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

/** What can be plotted: something that was measured at a time. */
interface Sampled {
  atMs: number;
}

export interface Line<S> {
  label: string;
  /** A custom property of the style sheet. */
  color: string;
  value(sample: S): number | null;
}

type Drawn = Pick<Line<never>, 'label' | 'color'>;

interface TimeSeriesProps<S> {
  title: string;
  samples: readonly S[];
  lines: Line<S>[];
  format(value: number): string;
  /** The y axis reaches at least this far: noise near zero must not look like a storm. */
  atLeast?: number;
}

const HEIGHT = 96;
/** Two minutes are in view. */
const WINDOW_S = 120;

export function TimeSeries<S extends Sampled>({ title, samples, lines, format, atLeast = 0 }: TimeSeriesProps<S>) {
  const last = samples.at(-1);
  const data = useMemo(() => toData(samples, lines), [samples, lines]);
  const host = usePlot(data, lines, format, atLeast);
  return (
    <section className="plot">
      <div className="plot-head">
        <h3>{title}</h3>
        <span className="plot-values">
          {lines.map((line) => {
            const value = last ? line.value(last) : null;
            return (
              <span key={line.label}>
                {lines.length > 1 && <i style={{ background: `var(${line.color})` }} />}
                {lines.length > 1 && <small>{line.label}</small>}
                <b>{value === null ? '–' : format(value)}</b>
              </span>
            );
          })}
        </span>
      </div>
      <div ref={host} className="plot-canvas" role="img" aria-label={title} />
    </section>
  );
}

function toData<S extends Sampled>(samples: readonly S[], lines: Line<S>[]): uPlot.AlignedData {
  const times = samples.map((sample) => sample.atMs / 1000);
  return [times, ...lines.map((line) => samples.map((sample) => line.value(sample)))];
}

/** One uPlot for the life of the component; new samples only change its data. */
function usePlot(data: uPlot.AlignedData, lines: Drawn[], format: (v: number) => string, atLeast: number) {
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  const first = useRef({ data, lines, format });
  useEffect(() => {
    const element = host.current;
    if (!element) return;
    const { data: initial, lines: drawn, format: write } = first.current;
    const made = new uPlot(options(element, drawn, write, atLeast), initial, element);
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
    };
  }, [atLeast]);
  useEffect(() => {
    plot.current?.setData(data);
  }, [data]);
  return host;
}

function options(host: HTMLElement, lines: Drawn[], format: (v: number) => string, atLeast: number): uPlot.Options {
  const ink = resolve(host, '--ink-3');
  const grid = { stroke: resolve(host, '--line'), width: 1 };
  const font = '11px system-ui, sans-serif';
  return {
    width: host.clientWidth || 320,
    height: HEIGHT,
    padding: [8, 4, 8, 0],
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { range: (_, min, max) => [Math.max(min, max - WINDOW_S), Math.max(max, min + 10)] },
      y: { range: (_, __, max) => [0, Math.max(atLeast, (max ?? 0) * 1.15) || 1] },
    },
    axes: [
      { show: false },
      {
        stroke: ink,
        grid,
        ticks: { show: false },
        font,
        size: 64,
        splits: (_plot, _axis, _min, max) => [0, max / 2, max].map(tidy),
        values: (_plot, values) => values.map(format),
      },
    ],
    series: [
      {},
      ...lines.map((line) => ({
        label: line.label,
        stroke: resolve(host, line.color),
        width: 1.8,
        points: { show: false },
      })),
    ],
  };
}

/** Axis labels at half and full height, rounded to two digits that people can read. */
function tidy(value: number): number {
  if (value === 0) return 0;
  const step = 10 ** (Math.floor(Math.log10(value)) - 1);
  return Math.floor(value / step) * step;
}

/** A canvas knows no custom properties: the browser computes the colour on an element. */
function resolve(host: HTMLElement, property: string): string {
  const probe = document.createElement('span');
  probe.style.color = `var(${property})`;
  host.append(probe);
  const color = getComputedStyle(probe).color;
  probe.remove();
  return color;
}
