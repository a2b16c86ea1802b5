import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { fromBase64, toBase64 } from './base64';
import { makeKey } from './key';
import { type Receipt, startReceipts } from './receipts';
import type { RoomLike } from './room';
import { verifyCountersignature } from './verify';

class FakeRoom implements RoomLike {
  state = 'disconnected';
  remoteParticipants = new Map();
  frames = 0;
  engine = {
    pcManager: {
      publisher: {
        getStats: async () => {
          this.frames += 30;
          return new Map([['v', { id: 'v', type: 'inbound-rtp', kind: 'video', framesDecoded: this.frames }]]);
        },
      },
    },
  };
  private readonly listeners = new Map<string, () => void>();
  on = (event: string, listener: () => void) => this.listeners.set(event, listener);
  off = (event: string) => this.listeners.delete(event);
  emit = (event: string) => this.listeners.get(event)?.();
}

interface Sent {
  url: string;
  token: string;
  statement: string;
  signature: string;
}

const sent: Sent[] = [];
let answer: () => Response;

beforeEach(() => {
  vi.useFakeTimers({ now: Date.UTC(2026, 5, 1, 0, 0, 30) });
  sent.length = 0;
  answer = () => Response.json({ countersignature: 'note', key: 'key' });
  vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
    const headers = init.headers as Record<string, string>;
    sent.push({ url, token: headers.authorization ?? '', ...JSON.parse(init.body as string) });
    return answer();
  });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** Lets time pass and what is not a timer, such as signing, happen. */
async function pass(ms: number) {
  await vi.advanceTimersByTimeAsync(ms);
  vi.useRealTimers();
  await new Promise((resolve) => setTimeout(resolve, 30));
}

describe('receipts', () => {
  it('are signed at the end of a minute, and kept when the server takes them', async () => {
    const room = new FakeRoom();
    const heard: Receipt[] = [];
    const receipts = startReceipts(room, { url: 'ws://x:7880', token: async () => 'jwt', onReceipt: (r) => heard.push(r) });
    room.emit('connected');
    await pass(32_000);
    expect(heard).toHaveLength(1);
    expect(receipts.kept).toEqual(heard);
    expect(sent[0]).toMatchObject({ url: 'http://x:7880/guarantee/v1/receipts', token: 'Bearer jwt' });
    const said = JSON.parse(sent[0]!.statement);
    const start = Date.UTC(2026, 5, 1, 0, 0, 30);
    expect(said).toMatchObject({ seq: 1, start, end: start + 30_000, join: { ok: true } });
    expect(said.video.all).toBeGreaterThan(25_000);
    expect(said.video.good).toBe(said.video.all);
    const key = await crypto.subtle.importKey('raw', fromBase64(said.key), { name: 'Ed25519' }, false, ['verify']);
    const signature = fromBase64(sent[0]!.signature);
    expect(await crypto.subtle.verify('Ed25519', key, signature, new TextEncoder().encode(sent[0]!.statement))).toBe(true);
    await receipts.stop();
  });

  it('tell of a join that failed, when the room ends', async () => {
    const room = new FakeRoom();
    room.engine = {} as never;
    startReceipts(room, { url: 'https://x/', token: 'jwt' });
    await vi.advanceTimersByTimeAsync(5000);
    room.emit('disconnected');
    await pass(0);
    expect(JSON.parse(sent[0]!.statement)).toMatchObject({ join: { ok: false }, audio: { all: 0 } });
  });

  it('that are refused are an error for the application, and nothing for the call', async () => {
    answer = () => new Response('forged', { status: 400 });
    const errors: Error[] = [];
    const room = new FakeRoom();
    const receipts = startReceipts(room, { url: 'http://x', token: 'jwt', onError: (error) => errors.push(error) });
    room.emit('connected');
    await pass(32_000);
    expect(errors[0]?.message).toContain('400 forged');
    expect(receipts.kept).toEqual([]);
    await receipts.stop();
  });
});

describe('keys', () => {
  it('cannot be exported, and are of P-256 where there is no Ed25519', async () => {
    vi.useRealTimers();
    const { subtle } = crypto;
    const old = {
      generateKey: (kind: { name: string }, extractable: boolean, uses: KeyUsage[]) => {
        expect(extractable).toBe(false);
        if (kind.name === 'Ed25519') throw new Error('unknown');
        return subtle.generateKey(kind as EcKeyGenParams, extractable, uses);
      },
      exportKey: subtle.exportKey.bind(subtle),
      sign: subtle.sign.bind(subtle),
    } as unknown as SubtleCrypto;
    const key = await makeKey(old);
    expect([key.alg, fromBase64(key.public).length, fromBase64(await key.sign('x')).length]).toEqual(['p256', 65, 64]);
  });
});

describe('countersignatures', () => {
  it('hold for one statement and one key', async () => {
    vi.useRealTimers();
    const pair = (await crypto.subtle.generateKey({ name: 'Ed25519' }, true, ['sign', 'verify'])) as CryptoKeyPair;
    const raw = new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey));
    const key = `x/log/receipts+01020304+${toBase64(Uint8Array.of(1, ...raw))}`;
    const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode('said'));
    const text = `${JSON.stringify({ receipt: toBase64(new Uint8Array(digest)) })}\n`;
    const signature = new Uint8Array(await crypto.subtle.sign('Ed25519', pair.privateKey, new TextEncoder().encode(text)));
    const countersignature = `${text}\n— x/log/receipts ${toBase64(Uint8Array.of(1, 2, 3, 4, ...signature))}\n`;
    const receipt = { statement: 'said', signature: '', countersignature, key };
    expect(await verifyCountersignature(receipt)).toBe(true);
    expect(await verifyCountersignature({ ...receipt, statement: 'other' })).toBe(false);
    expect(await verifyCountersignature({ ...receipt, countersignature: countersignature.replace('receipt', 'Receipt') })).toBe(false);
  });
});
