import { useEffect, useState } from 'react';
import { formatDuration } from '../quality/format';

/** Time since this component appeared. */
export function useElapsed(): string {
  const [seconds, setSeconds] = useState(0);
  useEffect(() => {
    const start = Date.now();
    const timer = setInterval(() => setSeconds((Date.now() - start) / 1000), 1000);
    return () => clearInterval(timer);
  }, []);
  return formatDuration(seconds);
}
