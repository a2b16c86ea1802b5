import type { Participation } from './grants';
import { encoderClaims, joinClaims, serviceClaims, viewerClaims } from './grants';
import { signToken, type VideoGrant } from './jwt';

/** Where the API key and secret come from, and what is signed with them. */

export interface ApiKeys {
  apiKey: string;
  apiSecret: string;
}

export interface ConsoleConfig {
  version: string;
  dev: boolean;
  apiKey?: string;
  apiSecret?: string;
  /** Where encoders connect; 0: closed. A server that says nothing uses the usual ports. */
  rtmpPort?: number;
  rtmpsPort?: number;
  srtPort?: number;
  srtEncrypted?: boolean;
}

const STORE = 'surecast.keys';

export async function fetchConfig(): Promise<ConsoleConfig> {
  const answer = await fetch('/console/config.json', { cache: 'no-store' });
  if (!answer.ok) throw new Error(`GET /console/config.json: HTTP ${answer.status}`);
  return (await answer.json()) as ConsoleConfig;
}

/** sessionStorage only: the secret goes away with the tab. */
export function storedKeys(): ApiKeys | undefined {
  try {
    const keys = JSON.parse(sessionStorage.getItem(STORE) ?? 'null') as ApiKeys | null;
    return keys?.apiKey && keys.apiSecret ? keys : undefined;
  } catch {
    return undefined;
  }
}

export function storeKeys(keys: ApiKeys | undefined): void {
  if (keys) sessionStorage.setItem(STORE, JSON.stringify(keys));
  else sessionStorage.removeItem(STORE);
}

const nowS = () => Math.floor(Date.now() / 1000);

export function joinToken(keys: ApiKeys, who: Participation): Promise<string> {
  return signToken(joinClaims(keys.apiKey, who, nowS()), keys.apiSecret);
}

/** For whatever encoder publishes to the room. */
export function encoderToken(keys: ApiKeys, room: string, ttlS: number): Promise<string> {
  return signToken(encoderClaims(keys.apiKey, room, ttlS, nowS()), keys.apiSecret);
}

/** For a link by which anybody watches the room. */
export function viewerToken(keys: ApiKeys, room: string, identity: string, ttlS: number): Promise<string> {
  return signToken(viewerClaims(keys.apiKey, { room, identity, ttlS }, nowS()), keys.apiSecret);
}

export function serviceToken(keys: ApiKeys, grant: VideoGrant): Promise<string> {
  return signToken(serviceClaims(keys.apiKey, grant, nowS()), keys.apiSecret);
}
