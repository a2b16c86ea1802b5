import { toBase64 } from './base64';

/** A key that is made for one session, signs, and cannot be taken out of the page. */
export interface SessionKey {
  alg: 'ed25519' | 'p256';
  /** The public key, base64. */
  public: string;
  /** Signature of a text, base64. */
  sign(text: string): Promise<string>;
}

const ED25519 = { name: 'Ed25519' };
const P256 = { name: 'ECDSA', namedCurve: 'P-256' };
const P256_SHA256 = { name: 'ECDSA', hash: 'SHA-256' };

export async function makeKey(subtle: SubtleCrypto = crypto.subtle): Promise<SessionKey> {
  if (!subtle) throw new Error('this page has no WebCrypto: it must be served by https');
  try {
    return await make(subtle, 'ed25519', ED25519, ED25519);
  } catch {
    // Older browsers know no Ed25519.
    return make(subtle, 'p256', P256, P256_SHA256);
  }
}

async function make(
  subtle: SubtleCrypto,
  alg: SessionKey['alg'],
  kind: AlgorithmIdentifier | EcKeyGenParams,
  signing: AlgorithmIdentifier | EcdsaParams,
): Promise<SessionKey> {
  const pair = (await subtle.generateKey(kind, false, ['sign', 'verify'])) as CryptoKeyPair;
  const raw = await subtle.exportKey('raw', pair.publicKey);
  return {
    alg,
    public: toBase64(new Uint8Array(raw)),
    sign: async (text) => {
      const signature = await subtle.sign(signing, pair.privateKey, new TextEncoder().encode(text));
      return toBase64(new Uint8Array(signature));
    },
  };
}
