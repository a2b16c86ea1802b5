import type { Addresses, Protocol } from './addresses';

/** Commands that publish with ffmpeg. Pure. */

export type Input = 'test' | 'file';

/** Whoever tries it has no file at hand: a moving picture with a clock, and a tone. */
const INPUT: Record<Input, string> = {
  test: "-re -f lavfi -i 'testsrc2=size=1280x720:rate=30' -f lavfi -i 'sine=frequency=440:sample_rate=48000'",
  file: '-re -stream_loop -1 -i input.mp4',
};

/** A keyframe each two seconds whatever the frame rate is; no B-frames, which WebRTC cannot show. */
const VIDEO =
  "-c:v libx264 -preset veryfast -tune zerolatency -bf 0 -pix_fmt yuv420p -force_key_frames 'expr:gte(t,n_forced*2)' " +
  '-b:v 2500k -maxrate 2500k -bufsize 2500k';

const SOUND = '-c:a aac -ar 48000 -ac 2 -b:a 128k';
const SOUND_WHIP = '-c:a libopus -ar 48000 -ac 2 -b:a 96k';

/** One line for a POSIX shell; PowerShell takes the same quotes. */
export function ffmpegCommand(protocol: Protocol, input: Input, { rtmp, srt, whip }: Addresses): string {
  const start = `ffmpeg ${INPUT[input]} ${VIDEO}`;
  switch (protocol) {
    case 'rtmp':
      return `${start} ${SOUND} -f flv ${quoted(rtmp.url)}`;
    case 'srt':
      return `${start} ${SOUND} -f mpegts ${quoted(srt.url)}`;
    case 'whip':
      return `${start} -profile:v baseline ${SOUND_WHIP} -f whip -authorization ${quoted(whip.token)} ${quoted(whip.url)}`;
  }
}

/** Addresses are encoded and tokens base64url: neither has a quote in it. */
function quoted(text: string): string {
  return `'${text}'`;
}
