/** JSON in one spelling, so that what is signed can be written again: sorted names, integers only. */
export type Data = string | number | boolean | null | readonly Data[] | { readonly [name: string]: Data | undefined };

export function canonical(data: Data): string {
  if (typeof data === 'number' && !Number.isSafeInteger(data)) throw new Error(`${data} is no integer`);
  if (data === null || typeof data !== 'object') return JSON.stringify(data);
  if (Array.isArray(data)) return `[${data.map(canonical).join(',')}]`;
  const fields = Object.entries(data as Record<string, Data | undefined>)
    .filter((field): field is [string, Data] => field[1] !== undefined)
    // JavaScript compares UTF-16 code units, as RFC 8785 wants.
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${JSON.stringify(name)}:${canonical(value)}`);
  return `{${fields.join(',')}}`;
}
