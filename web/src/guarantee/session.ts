import { decodeToken, signToken } from '../auth/jwt';
import type { ApiKeys } from '../auth/credentials';
import { type GuaranteeRole, ROLES } from './logic/roles';

/** Who somebody is on the guarantee's pages, and the token that says so. */

export interface Profile {
  role: GuaranteeRole;
  name: string;
  /** Needed for a customer; empty = all for the others. */
  contracts: string[];
}

export interface GuaranteeClaims {
  iss: string;
  sub: string;
  name: string;
  nbf: number;
  exp: number;
  guarantee: { role: GuaranteeRole; contracts: string[] };
}

const TTL_S = 3600;
/** Clocks of a laptop and a server differ; a token must not be "not yet valid". */
const CLOCK_SLACK_S = 30;
/** Signed anew well before the last one expires. */
export const REUSE_MS = (TTL_S / 2) * 1000;

export function guaranteeClaims(issuer: string, { role, name, contracts }: Profile, nowS: number): GuaranteeClaims {
  return { iss: issuer, sub: name || role, name: name || role, nbf: nowS - CLOCK_SLACK_S, exp: nowS + TTL_S, guarantee: { role, contracts } };
}

export type TokenFault = 'unreadable' | 'expired' | 'noRole';

/** What a token says; only the server can and does check its signature. */
export function readToken(token: string, nowS: number): Profile | TokenFault {
  const claims = decodeToken(token) as Partial<GuaranteeClaims> | undefined;
  if (!claims) return 'unreadable';
  if ((claims.exp ?? 0) <= nowS) return 'expired';
  const role = ROLES.find((each) => each === claims.guarantee?.role);
  if (!role) return 'noRole';
  return { role, name: claims.name ?? claims.sub ?? '', contracts: claims.guarantee?.contracts ?? [] };
}

/** Gives tokens for a profile, each for a while. */
export function tokens(keys: ApiKeys, profile: Profile): () => Promise<string> {
  let last: { token: Promise<string>; at: number } | undefined;
  return () => {
    const now = Date.now();
    if (!last || now - last.at > REUSE_MS) {
      const claims = guaranteeClaims(keys.apiKey, profile, Math.floor(now / 1000));
      last = { token: signToken(claims, keys.apiSecret), at: now };
    }
    return last.token;
  };
}

const TOKEN = 'surecast.guarantee.token';
const PROFILE = 'surecast.guarantee.profile';

/** A token from a link is taken out of the address at once; both go away with the tab. */
export function storedToken(): string | undefined {
  const linked = new URLSearchParams(window.location.hash.replace(/^#/, '')).get('token');
  if (linked) {
    sessionStorage.setItem(TOKEN, linked);
    window.history.replaceState(null, '', window.location.pathname + window.location.search);
  }
  return linked ?? sessionStorage.getItem(TOKEN) ?? undefined;
}

export function storeToken(token: string | undefined): void {
  if (token) sessionStorage.setItem(TOKEN, token);
  else sessionStorage.removeItem(TOKEN);
}

export function storedProfile(): Profile | undefined {
  try {
    const profile = JSON.parse(sessionStorage.getItem(PROFILE) ?? 'null') as Profile | null;
    const known = profile && ROLES.includes(profile.role) && Array.isArray(profile.contracts);
    return known ? profile : undefined;
  } catch {
    return undefined;
  }
}

export function storeProfile(profile: Profile): void {
  sessionStorage.setItem(PROFILE, JSON.stringify(profile));
}
