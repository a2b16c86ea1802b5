import { describe, expect, it } from 'vitest';
import { decodeToken, signToken } from '../auth/jwt';
import { guaranteeClaims, type Profile, readToken } from './session';

const NOW_S = 1_790_000_000;
const customer: Profile = { role: 'customer', name: '陈丽', contracts: ['acme'] };
const token = (claims: object) => signToken(claims, 'secret');

describe('tokens', () => {
  it('say the role, the name and the contracts', async () => {
    const signed = await token(guaranteeClaims('devkey', customer, NOW_S));
    expect(readToken(signed, NOW_S)).toEqual(customer);
    expect(decodeToken(signed)).toMatchObject({ iss: 'devkey', guarantee: { role: 'customer', contracts: ['acme'] } });
  });

  it('are not used when they cannot work', async () => {
    expect(readToken('nonsense', NOW_S)).toBe('unreadable');
    expect(readToken(await token(guaranteeClaims('devkey', customer, NOW_S - 9000)), NOW_S)).toBe('expired');
    const forRooms = { iss: 'devkey', exp: NOW_S + 60, video: { roomJoin: true } };
    expect(readToken(await token(forRooms), NOW_S)).toBe('noRole');
    expect(readToken(await token({ ...forRooms, guarantee: { role: 'hook' } }), NOW_S)).toBe('noRole');
  });
});
