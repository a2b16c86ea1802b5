import { useEffect, useState } from 'react';

/** What is signed anew whenever one of `depends` changes: the key, the room, the expiry. */
export function useSigned(sign: () => Promise<string>, depends: readonly unknown[]): string | undefined {
  const [signed, setSigned] = useState<string>();
  useEffect(() => {
    let stale = false;
    setSigned(undefined);
    sign().then(
      (token) => stale || setSigned(token),
      () => undefined,
    );
    return () => {
      stale = true;
    };
  }, depends);
  return signed;
}
