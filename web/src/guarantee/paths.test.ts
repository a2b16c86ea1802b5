import { describe, expect, it } from 'vitest';
import { parsePlace, placePath } from './paths';

describe('parsePlace', () => {
  it('reverses placePath', () => {
    expect(parsePlace(placePath())).toEqual({});
    expect(parsePlace(placePath('acme'))).toEqual({ contract: 'acme', tab: 'overview' });
    expect(parsePlace(placePath('v1', 'verify'))).toEqual({ contract: 'v1', tab: 'verify' });
    expect(parsePlace(placePath('acme.eu', 'tickets', 12))).toEqual({ contract: 'acme.eu', tab: 'tickets', item: 12 });
  });

  it('has nothing for what is no such address', () => {
    for (const path of ['/guarantee/acme', '/guarantee/c', '/guarantee/c/acme/nope', '/guarantee/c/a%2Fb', '/guarantee/c/acme/tickets/x', '/guarantee/c/acme/tickets/1/2']) {
      expect(parsePlace(path), path).toBeUndefined();
    }
  });
});
