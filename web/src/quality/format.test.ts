import { expect, it } from 'vitest';
import { formatBitrate, formatDuration, formatMs, formatPercent, layerOf } from './format';

it('writes numbers the way people read them', () => {
  expect(formatBitrate(820.4)).toBe('820 kbit/s');
  expect(formatBitrate(2500)).toBe('2.5 Mbit/s');
  expect(formatMs(84.6)).toBe('85 ms');
  expect(formatMs(1234)).toBe('1.23 s');
  expect(formatPercent(null)).toBe('–');
  expect(formatPercent(0)).toBe('0 %');
  expect(formatPercent(1.26)).toBe('1.3 %');
  expect(formatDuration(65)).toBe('1:05');
  expect(formatDuration(3725)).toBe('1:02:05');
});

it('tells simulcast layers by their height', () => {
  expect(layerOf(720, 720)).toBe('f');
  expect(layerOf(360, 720)).toBe('h');
  expect(layerOf(180, 720)).toBe('q');
  expect(layerOf(undefined, 720)).toBe('–');
});
