import { describe, expect, it } from 'vitest';
import { joinClaims, joinGrant, makeIdentity, roleOfToken, serviceClaims, tokenProblem } from './grants';

const now = 1_700_000_000;
const who = { kind: 'show', room: 'demo', role: 'audience', identity: 'bob-1', name: 'Bob' } as const;

describe('joinGrant', () => {
  it('lets the audience watch and chat, not publish', () => {
    const grant = joinGrant('demo', 'audience');
    expect(grant).toMatchObject({ roomJoin: true, canPublish: false, canPublishData: true });
    expect(grant.roomAdmin).toBeUndefined();
  });

  it('makes only the host an admin of the room', () => {
    expect(joinGrant('demo', 'host').roomAdmin).toBe(true);
    expect(joinGrant('demo', 'cohost').roomAdmin).toBeUndefined();
    expect(joinGrant('demo', 'cohost').canPublish).toBe(true);
  });
});

describe('claims', () => {
  it('expire after six hours and tolerate clock differences', () => {
    const claims = joinClaims('key', who, now);
    expect(claims.exp - now).toBe(6 * 3600);
    expect(claims.nbf).toBeLessThan(now);
    expect(claims.roomConfig?.metadata).toBe('{"kind":"show"}');
  });

  it('carry no identity when they only call the API', () => {
    expect(serviceClaims('key', { roomList: true }, now).sub).toBeUndefined();
  });
});

describe('roleOfToken', () => {
  it('follows the rights, not the wording', () => {
    const claims = joinClaims('key', who, now);
    expect(roleOfToken('show', claims)).toBe('audience');
    const forged = { ...claims, attributes: { role: 'host' } };
    expect(roleOfToken('show', forged)).toBe('audience');
    expect(roleOfToken('show', joinClaims('key', { ...who, role: 'cohost' }, now))).toBe('cohost');
    expect(roleOfToken('voice', joinClaims('key', { ...who, kind: 'voice', role: 'host' }, now))).toBe('host');
  });
});

describe('tokenProblem', () => {
  it('names what is wrong with a link before the server is asked', () => {
    const claims = joinClaims('key', who, now);
    expect(tokenProblem(claims, 'demo', now)).toBeUndefined();
    expect(tokenProblem(claims, 'other', now)).toBe('otherRoom');
    expect(tokenProblem(claims, 'demo', now + 7 * 3600)).toBe('expired');
    expect(tokenProblem(serviceClaims('key', { roomList: true }, now), 'demo', now)).toBe('noJoin');
    expect(tokenProblem(undefined, 'demo', now)).toBe('unreadable');
  });
});

describe('makeIdentity', () => {
  it('keeps letters of any script and never comes out empty', () => {
    expect(makeIdentity('Alice B.', 'x1')).toBe('alice-b-x1');
    expect(makeIdentity('小明', 'x1')).toBe('小明-x1');
    expect(makeIdentity('!!!', 'x1')).toBe('guest-x1');
  });
});
