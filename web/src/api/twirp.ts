/** The server's Twirp JSON API. */

export class ApiError extends Error {
  constructor(
    readonly method: string,
    readonly status: number,
    readonly code: string,
    detail: string,
  ) {
    super(detail || `HTTP ${status}`);
    this.name = 'ApiError';
  }
}

export async function callTwirp(method: string, body: object, token: string): Promise<unknown> {
  let answer: Response;
  try {
    answer = await fetch(`/twirp/livekit.RoomService/${method}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify(body),
    });
  } catch {
    throw new ApiError(method, 0, 'unreachable', '');
  }
  const text = await answer.text();
  if (!answer.ok) throw refusal(method, answer.status, text);
  return text ? JSON.parse(text) : {};
}

/** Twirp errors are JSON; a proxy in between may answer anything. */
function refusal(method: string, status: number, text: string): ApiError {
  try {
    const { code, msg } = JSON.parse(text) as { code?: string; msg?: string };
    return new ApiError(method, status, code ?? '', msg ?? '');
  } catch {
    return new ApiError(method, status, '', text.slice(0, 120));
  }
}
