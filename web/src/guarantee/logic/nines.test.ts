import { describe, expect, it } from 'vitest';
import { percentText, reaches, splitNines, units } from './nines';

describe('splitNines', () => {
  it.each([
    ['99.9823%', '99.9', '823', 3],
    ['99.9982%', '99.99', '82', 4],
    ['99.9%', '99.9', '0', 3],
    ['99%', '99', '.00', 2],
    ['98.5%', '9', '8.50', 1],
    ['90.25%', '9', '0.25', 1],
    ['7.5%', '', '7.50', 0],
    ['100%', '100', '', Infinity],
  ])('%s', (percent, nines, rest, count) => expect(splitNines(percent)).toEqual({ nines, rest, count }));

  it('never rounds up, and is silent where nothing was measured', () => {
    expect(percentText('99.99999999%')).toBe('99.9999 %');
    expect(splitNines(null)).toBeUndefined();
    expect(splitNines('a lot')).toBeUndefined();
    expect(percentText(null)).toBe('–');
  });
});

describe('reaches', () => {
  it('compares all digits', () => {
    expect(units('99.99307%')).toBe(99_993_070);
    expect(reaches('99.899999%', '99.9%')).toBe(false);
    expect(reaches('99.9%', '99.90%')).toBe(true);
    expect(reaches('100%', '99.999%')).toBe(true);
    expect(reaches(null, '99.9%')).toBe(true);
  });
});
