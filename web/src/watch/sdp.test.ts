import { describe, expect, it } from 'vitest';
import { withStereo } from './sdp';

describe('withStereo', () => {
  const offer = 'm=audio 9 UDP/TLS/RTP/SAVPF 111 63\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\na=fmtp:63 111/111\r\n';

  it('asks for stereo Opus, once', () => {
    const asked = withStereo(offer);
    expect(asked).toContain('a=fmtp:111 stereo=1;minptime=10;useinbandfec=1\r\na=fmtp:63 111/111');
    expect(withStereo(asked)).toBe(asked);
  });

  it('leaves alone what has no Opus', () => {
    expect(withStereo('v=0\r\n')).toBe('v=0\r\n');
  });
});
