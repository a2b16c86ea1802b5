import { describe, expect, it } from 'vitest';
import { address, parseLinks, plan, troubleOf } from './ways';

describe('address', () => {
  it('escapes room and token', () => {
    expect(address('whep', 'a b')).toBe('/whep/a%20b');
    expect(address('hls', '发布会', 'x+y')).toBe('/hls/%E5%8F%91%E5%B8%83%E4%BC%9A/index.m3u8?token=x%2By');
    expect(address('flv', 'a/b')).toBe('/flv/a%2Fb.flv');
  });
});

describe('troubleOf', () => {
  it('waits where nothing is live, within bounds', () => {
    expect(troubleOf(404, '', '2')).toEqual({ kind: 'idle', retryS: 2 });
    expect(troubleOf(409, '', null)).toEqual({ kind: 'idle', retryS: 3 });
    expect(troubleOf(409, '', '0')).toEqual({ kind: 'idle', retryS: 1 });
    expect(troubleOf(409, '', '86400')).toEqual({ kind: 'idle', retryS: 30 });
  });

  it('tells a refusal from what only this way cannot do', () => {
    expect(troubleOf(403, 'no', null)).toEqual({ kind: 'denied', detail: 'no' });
    expect(troubleOf(406, 'H265', null)).toEqual({ kind: 'unfit', detail: 'H265' });
    expect(troubleOf(502, '', null)).toEqual({ kind: 'unfit', detail: 'HTTP 502' });
  });
});

describe('parseLinks', () => {
  it('finds links by relation', () => {
    const links = parseLinks('</a/sse>; rel="urn:x:sse"; events="active,layers", </a/layer>; rel="urn:x:layer"');
    expect(links.get('urn:x:sse')).toBe('/a/sse');
    expect(links.get('urn:x:layer')).toBe('/a/layer');
    expect(parseLinks(null).size).toBe(0);
  });
});

describe('plan', () => {
  it('tries all, or the one that is asked for', () => {
    expect(plan(null)).toEqual(['whep', 'hls', 'flv']);
    expect(plan('flv')).toEqual(['flv']);
    expect(plan('carrier pigeon')).toHaveLength(3);
  });
});
