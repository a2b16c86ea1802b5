import { describe, expect, it } from 'vitest';
import { encoderClaims } from '../auth/grants';
import { signToken } from '../auth/jwt';
import { addressesOf, masked, openProtocols } from './addresses';

const place = { origin: 'https://live.example', hostname: 'live.example' };

describe('addressesOf', () => {
  it('writes each protocol as its encoders expect it', () => {
    const { rtmp, srt, whip } = addressesOf(place, 'demo', 'a.b.c');
    expect(rtmp.server).toBe('rtmp://live.example:1935/live');
    expect(rtmp.key).toBe('demo?token=a.b.c');
    expect(rtmp.url).toBe('rtmp://live.example:1935/live/demo?token=a.b.c');
    expect(srt.url).toBe('srt://live.example:8890?streamid=#!::r=live/demo,m=publish,token=a.b.c');
    expect(whip).toEqual({ url: 'https://live.example/whip/demo', token: 'a.b.c' });
  });

  it('takes the ports that the server tells', () => {
    const { rtmp, srt } = addressesOf({ ...place, rtmpPort: 2935, srtPort: 9890 }, 'demo', 't');
    expect(rtmp.server).toContain(':2935/');
    expect(srt.url).toContain(':9890?');
    expect(addressesOf({ ...place, rtmpsPort: 1936 }, 'demo', 't').rtmp.url).toBe('rtmps://live.example:1936/live/demo?token=t');
    const plain = { ...place, origin: 'http://live.example', rtmpsPort: 1936 };
    expect(addressesOf(plain, 'demo', 't').rtmp.server).toBe('rtmp://live.example:1935/live');
  });

  it('encodes names that would break an address', () => {
    const { rtmp, srt, whip } = addressesOf(place, 'a b/c?d', 't');
    for (const text of [rtmp.key, srt.url, whip.url]) expect(text).toContain('a%20b%2Fc%3Fd');
    expect(srt.url).toContain('?streamid=%23!::r=live/a%20b');
  });

  it('says when a stream id cannot name a room', async () => {
    const token = (room: string) => signToken(encoderClaims('APIxyzxyzxyz', room, 3600, 1_700_000_000), 's');
    const usual = 'gentle-harbor-123';
    expect(addressesOf(place, usual, await token(usual)).srt.unusable).toBeUndefined();
    expect(addressesOf(place, 'one,two', 't').srt.unusable).toBe('comma');
    const long = '直播'.repeat(20);
    expect(addressesOf(place, long, await token(long)).srt.unusable).toBe('tooLong');
  });
});

describe('openProtocols', () => {
  it('leaves out what the server has closed, not what it does not speak of', () => {
    expect(openProtocols({})).toEqual(['rtmp', 'srt', 'whip']);
    expect(openProtocols({ rtmpPort: 0, srtPort: 8890 })).toEqual(['srt', 'whip']);
  });
});

describe('masked', () => {
  it('hides the token only', () => {
    expect(masked('demo?token=a.b.c', 'a.b.c')).toBe('demo?token=••••••••••••');
    expect(masked('demo', '')).toBe('demo');
  });
});
