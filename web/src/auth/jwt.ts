/** Access tokens: LiveKit JWTs signed with HS256 by the browser's own WebCrypto. */

export interface VideoGrant {
  room?: string;
  roomJoin?: boolean;
  roomList?: boolean;
  roomAdmin?: boolean;
  roomCreate?: boolean;
  canPublish?: boolean;
  canSubscribe?: boolean;
  canPublishData?: boolean;
  canUpdateOwnMetadata?: boolean;
}

export interface TokenClaims {
  iss: string;
  sub?: string;
  /** Left out of invites: guests say their name themselves. */
  name?: string;
  nbf: number;
  exp: number;
  video: VideoGrant;
  attributes?: Record<string, string>;
  roomConfig?: { metadata?: string };
}

/** crypto.subtle exists only in secure contexts: https, or http on localhost. */
export function canSign(): boolean {
  return typeof globalThis.crypto?.subtle !== 'undefined';
}

export async function signToken(claims: object, secret: string): Promise<string> {
  const encoder = new TextEncoder();
  const header = encodeJson({ alg: 'HS256', typ: 'JWT' });
  const signed = `${header}.${encodeJson(claims)}`;
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  const key = await crypto.subtle.importKey('raw', encoder.encode(secret), algorithm, false, ['sign']);
  const mac = await crypto.subtle.sign('HMAC', key, encoder.encode(signed));
  return `${signed}.${base64url(new Uint8Array(mac))}`;
}

/** Reads a token without checking its signature: only the server can and does check it. */
export function decodeToken(token: string): TokenClaims | undefined {
  try {
    const payload = (token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/');
    const bytes = Uint8Array.from(atob(payload), (c) => c.charCodeAt(0));
    const claims = JSON.parse(new TextDecoder().decode(bytes)) as TokenClaims;
    return typeof claims === 'object' && claims !== null ? claims : undefined;
  } catch {
    return undefined;
  }
}

function encodeJson(value: unknown): string {
  return base64url(new TextEncoder().encode(JSON.stringify(value)));
}

function base64url(bytes: Uint8Array): string {
  const binary = Array.from(bytes, (b) => String.fromCharCode(b)).join('');
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
