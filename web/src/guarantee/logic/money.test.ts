import { expect, it } from 'vitest';
import { money } from './money';

it.each([
  ['1250.5', 'EUR 1,250.50'],
  ['0', 'EUR 0.00'],
  ['1234567.125', 'EUR 1,234,567.125'],
  ['-3', 'EUR −3.00'],
  ['a lot', 'a lot EUR'],
])('%s', (amount, text) => expect(money(amount, 'EUR', 'en')).toBe(text));

it('writes the currency behind in Chinese', () => expect(money('8000', 'CNY', 'zh')).toBe('8,000.00 CNY'));
