import { describe, expect, it } from 'vitest';
import { decodeToken, signToken, type TokenClaims } from './jwt';

const claims: TokenClaims = {
  iss: 'devkey',
  sub: 'alice-1',
  name: '爱丽丝',
  nbf: 1_700_000_000,
  exp: 1_700_003_600,
  video: { room: 'demo', roomJoin: true, canPublish: true },
};

describe('signToken', () => {
  // Computed with OpenSSL's HMAC, i.e. independently of WebCrypto and of this module.
  it('makes the token any HS256 implementation makes', async () => {
    const token = await signToken(claims, 'secret');
    expect(token.split('.')).toEqual([
      'eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9',
      'eyJpc3MiOiJkZXZrZXkiLCJzdWIiOiJhbGljZS0xIiwibmFtZSI6IueIseS4veS4nSIsIm5iZiI6MTcw' +
        'MDAwMDAwMCwiZXhwIjoxNzAwMDAzNjAwLCJ2aWRlbyI6eyJyb29tIjoiZGVtbyIsInJvb21Kb2luIjp0' +
        'cnVlLCJjYW5QdWJsaXNoIjp0cnVlfX0',
      'KxEjmfhTzVmDKzvedJTkLCrj_MbyxR1eaoBV8aKvRBc',
    ]);
  });

  it('uses the base64url alphabet without padding', async () => {
    const token = await signToken({ ...claims, name: '???>>>~~~' }, 'another secret');
    expect(token).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+$/);
  });
});

describe('decodeToken', () => {
  it('reads back what was signed', async () => {
    expect(decodeToken(await signToken(claims, 'secret'))).toEqual(claims);
  });

  it('answers undefined for what is no token', () => {
    expect(decodeToken('')).toBeUndefined();
    expect(decodeToken('a.b.c')).toBeUndefined();
    expect(decodeToken('a.bnVsbA.c')).toBeUndefined();
  });
});
