import type { Participation } from './grants';
import { joinClaims, serviceClaims } from './grants';
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

export function serviceToken(keys: ApiKeys, grant: VideoGrant): Promise<string> {
  return signToken(serviceClaims(keys.apiKey, grant, nowS()), keys.apiSecret);
}
