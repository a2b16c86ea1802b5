import { describe, expect, it } from 'vitest';
import { showCommand, tilePath } from './leaves';

describe('tilePath', () => {
  it('names full tiles by their number and the last one by its width, too', () => {
    expect(tilePath(0, 70_000)).toBe('/log/tile/entries/000');
    expect(tilePath(255, 70_000)).toBe('/log/tile/entries/000');
    expect(tilePath(69_999, 70_000)).toBe('/log/tile/entries/273.p/112');
    expect(tilePath(256 * 1_234_067, 256 * 1_234_068)).toBe('/log/tile/entries/x001/x234/067');
    expect(tilePath(3, 5)).toBe('/log/tile/entries/000.p/5');
  });

  it('has none for what the log does not have', () => {
    expect(tilePath(5, 5)).toBeUndefined();
    expect(tilePath(-1, 5)).toBeUndefined();
    expect(tilePath(0, 0)).toBeUndefined();
  });
});

it('gives the command that proves a leaf', () => {
  expect(showCommand('https://a.example', 7)).toBe('surecast evidence show --log https://a.example/log/ 7');
});
