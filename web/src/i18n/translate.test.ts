import { describe, expect, it } from 'vitest';
import { en, type TextKey } from './en';
import { pickLanguage, translator } from './translate';
import { zh } from './zh';

describe('pickLanguage', () => {
  it('prefers the remembered choice, then the browser, then English', () => {
    expect(pickLanguage('zh', ['en-US'])).toBe('zh');
    expect(pickLanguage(null, ['zh-CN', 'en'])).toBe('zh');
    expect(pickLanguage(null, ['fr-FR', 'zh-TW'])).toBe('zh');
    expect(pickLanguage(null, ['fr-FR', 'de'])).toBe('en');
    expect(pickLanguage('xx', [])).toBe('en');
  });
});

describe('texts', () => {
  const placeholders = (text: string) => [...text.matchAll(/\{\w+\}/g)].map(String).sort();

  it.each(Object.keys(en) as TextKey[])('%s has the same placeholders in both languages', (key) => {
    expect(placeholders(zh[key])).toEqual(placeholders(en[key]));
  });

  it('fills in values and leaves unknown placeholders visible', () => {
    expect(translator('en')('room.connecting', { room: 'demo' })).toBe('Connecting to demo…');
    expect(translator('en')('room.connecting')).toContain('{room}');
  });
});
