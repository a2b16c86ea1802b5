import { fromBase64, toBase64 } from './base64';
import type { Receipt } from './receipts';

/**
 * Whether the server's key signed that it took this very statement. The key should come
 * from where the log's key is known: `key` of the receipt is only what the server said.
 */
export async function verifyCountersignature(receipt: Receipt, key: string = receipt.key): Promise<boolean> {
  const split = receipt.countersignature.lastIndexOf('\n\n');
  const text = receipt.countersignature.slice(0, split + 1);
  const signature = signatureOf(receipt.countersignature.slice(split + 2), key);
  const publicKey = publicKeyOf(key);
  if (split < 0 || !signature || !publicKey) return false;
  const bytes = new TextEncoder().encode(text);
  const imported = await crypto.subtle.importKey('raw', publicKey, { name: 'Ed25519' }, false, ['verify']);
  if (!(await crypto.subtle.verify({ name: 'Ed25519' }, imported, signature, bytes))) return false;
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(receipt.statement));
  return (JSON.parse(text) as { receipt?: string }).receipt === toBase64(new Uint8Array(digest));
}

/** `— NAME BASE64`: four bytes that name the key, then the signature (C2SP signed-note). */
function signatureOf(lines: string, key: string): Uint8Array<ArrayBuffer> | undefined {
  const [name, id] = key.split('+');
  for (const line of lines.split('\n')) {
    const [dash, who, base64] = line.split(' ');
    if (dash !== '—' || who !== name || !base64) continue;
    const bytes = fromBase64(base64);
    const hex = [...bytes.slice(0, 4)].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    if (hex === id) return bytes.slice(4);
  }
  return undefined;
}

/** `name+id+base64`: a byte for the algorithm, 1 is Ed25519, then the key. */
function publicKeyOf(key: string): Uint8Array<ArrayBuffer> | undefined {
  const bytes = fromBase64(key.split('+').slice(2).join('+'));
  return bytes[0] === 1 && bytes.length === 33 ? bytes.slice(1) : undefined;
}
