// The JSON API of `signaling`, as in services/protocol/src/http.rs.

import type { About, ApiError, ApiErrorCode, LinkInfo, Meeting } from '../generated/protocol'

/** `offline`: no answer at all; `unexpected`: an answer that is not of this API. */
export type ApiFailureCode = ApiErrorCode | 'offline' | 'unexpected'

export class ApiFailure extends Error {
  override readonly name = 'ApiFailure'

  constructor(
    readonly code: ApiFailureCode,
    detail: string,
    /** Seconds after which trying again makes sense, if it does. */
    readonly retryAfter?: number,
  ) {
    super(detail)
  }
}

const TIMEOUT = 10_000

async function call<T>(path: string, body?: unknown): Promise<T> {
  let response: Response
  try {
    response = await fetch(path, {
      method: body === undefined ? 'GET' : 'POST',
      cache: 'no-store',
      credentials: 'omit',
      signal: AbortSignal.timeout(TIMEOUT),
      ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    })
  } catch (error) {
    throw new ApiFailure('offline', String(error))
  }
  const answer: unknown = await response.json().catch(() => undefined)
  if (response.ok && answer !== undefined) return answer as T
  if (isApiError(answer)) throw new ApiFailure(answer.error, answer.detail, answer.retry_after ?? undefined)
  throw new ApiFailure('unexpected', `${path} answered ${response.status} without a body of this API`)
}

function isApiError(value: unknown): value is ApiError {
  return typeof value === 'object' && value !== null && 'error' in value && 'detail' in value
}

/** Opens a meeting; both secrets belong behind `/join#`. */
export function createMeeting(title: string, hostKey?: string): Promise<Meeting> {
  return call('/api/meetings', hostKey === undefined ? { title } : { title, host_key: hostKey })
}

/** What is behind a link's secret part. */
export function lookUpLink(link: string): Promise<LinkInfo> {
  return call('/api/link', { link })
}

export function about(): Promise<About> {
  return call('/api/about')
}
