// Audio worklet: root mean square of every 20 ms of sound, at 48 kHz.

const WINDOW = 960;

class Loudness extends AudioWorkletProcessor {
  #sum = 0;
  #count = 0;

  process([input]) {
    const samples = input[0];
    // A source that is silent because nothing arrives still takes its time.
    for (let i = 0; i < 128; i += 1) {
      const value = samples ? samples[i] : 0;
      this.#sum += value * value;
      this.#count += 1;
      if (this.#count === WINDOW) {
        this.port.postMessage(Math.sqrt(this.#sum / WINDOW));
        this.#sum = 0;
        this.#count = 0;
      }
    }
    return true;
  }
}

registerProcessor('loudness', Loudness);
