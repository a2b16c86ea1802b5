import { describe, expect, it } from 'vitest';
import { addressesOf } from './addresses';
import { ffmpegCommand } from './ffmpeg';

const addresses = addressesOf({ origin: 'https://live.example', hostname: 'live.example' }, 'demo', 'a.b.c');

describe('ffmpegCommand', () => {
  it('publishes without B-frames and with a keyframe each two seconds', () => {
    for (const protocol of ['rtmp', 'srt', 'whip'] as const) {
      const command = ffmpegCommand(protocol, 'test', addresses);
      expect(command).toMatch(/^ffmpeg -re .* -bf 0 /);
      expect(command).toContain("'expr:gte(t,n_forced*2)'");
      expect(command).not.toContain('\n');
    }
  });

  it('keeps the shell away from what is special in an address', () => {
    expect(ffmpegCommand('srt', 'file', addresses)).toContain(`-f mpegts '${addresses.srt.url}'`);
    expect(ffmpegCommand('rtmp', 'file', addresses)).toContain(`-f flv '${addresses.rtmp.url}'`);
  });

  it('speaks Opus by WHIP, and AAC elsewhere', () => {
    expect(ffmpegCommand('whip', 'file', addresses)).toContain("libopus -ar 48000 -ac 2 -b:a 96k -f whip -authorization 'a.b.c'");
    expect(ffmpegCommand('rtmp', 'file', addresses)).toContain('-c:a aac');
  });
});
