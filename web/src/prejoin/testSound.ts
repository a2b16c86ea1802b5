/** Plays a short two-tone chime on a chosen speaker, made here so that no file is loaded. */

type SinkContext = AudioContext & { setSinkId?(id: string): Promise<void> };

export async function playTestSound(speakerId: string | undefined): Promise<void> {
  const context: SinkContext = new AudioContext();
  if (speakerId && context.setSinkId) await context.setSinkId(speakerId).catch(() => undefined);
  for (const [index, frequency] of [523.25, 783.99].entries()) {
    const start = context.currentTime + index * 0.18;
    const tone = new OscillatorNode(context, { frequency });
    const volume = new GainNode(context, { gain: 0 });
    volume.gain.setValueAtTime(0, start);
    volume.gain.linearRampToValueAtTime(0.2, start + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.001, start + 0.45);
    tone.connect(volume).connect(context.destination);
    tone.start(start);
    tone.stop(start + 0.5);
  }
  setTimeout(() => void context.close(), 1200);
}
