// Waiting for conditions. No test sleeps: it says what it waits for and by when.

const POLL_MS = 50;

/** Resolves with the first truthy value of `condition()`; fails after `withinMs`. */
export async function until(what, condition, withinMs = 10_000) {
  const end = performance.now() + withinMs;
  let last;
  for (;;) {
    last = await condition();
    if (last) return last;
    if (performance.now() > end) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** Fails when `promise` has not settled after `withinMs`. */
export async function within(what, promise, withinMs) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${withinMs} ms: ${what}`)), withinMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
