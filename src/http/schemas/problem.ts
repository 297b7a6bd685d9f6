import { z } from 'zod'
import { type ErrorCode, errorCatalogue } from '../../task/errors.ts'
import { endsOfKeys } from '../api-keys.ts'
import { roles } from '../identity.ts'
import { named } from './fields.ts'

/** What an error means for the author, beside the message for the operator. */
export const authorMessageSchema = z
  .string()
  .optional()
  .describe('What it means for the author and what to do, in English or Chinese by Accept-Language')

/** Every error of the API: problem details (RFC 9457) with a code of the catalogue. */
export const problemSchema = named(
  'Problem',
  z.object({
    type: z.string().describe('`urn:quillwork:error:` and the code'),
    title: z.string().describe('What the code means'),
    status: z.int(),
    detail: z.string().describe('What was wrong with this request, and what to do'),
    authorMessage: authorMessageSchema,
    instance: z.string().describe('The path of the request'),
    code: z.string(),
    retryable: z.boolean().describe('Whether the same request may succeed later'),
    errors: z
      .array(
        z.object({
          in: z.enum(['body', 'query', 'path', 'header']),
          pointer: z.string().describe('JSON Pointer (RFC 6901) to the value'),
          code: z.string().optional(),
          detail: z.string(),
        }),
      )
      .optional(),
    version: z.int().optional().describe('With 412: the current version'),
    neededRole: z.enum(roles).optional().describe('With FORBIDDEN: the role from which on it is allowed'),
    ended: z
      .enum(endsOfKeys)
      .optional()
      .describe(
        'With UNAUTHENTICATED: what became of the API key, or the token of the identity provider, that was sent',
      ),
    traceId: z.string(),
  }),
)

/** The body of an error. */
export type Problem = z.output<typeof problemSchema>

/** Codes that any request may get. */
const everywhere: readonly ErrorCode[] = [
  ...(['UNAUTHENTICATED', 'CREDENTIALS_THROTTLED', 'REQUESTS_THROTTLED', 'FORBIDDEN'] as const),
  ...(['HEADERS_TOO_LARGE', 'INTERNAL', 'IDENTITY_PROVIDER_UNAVAILABLE'] as const),
  ...(['ENGINE_STOPPED', 'STORE_FAILED', 'STORE_CLOSED'] as const),
]

/** Codes of every route that takes a JSON body. */
export const bodyProblems = [
  'REQUEST_INVALID',
  'REQUEST_TOO_LARGE',
  'REQUEST_TIMEOUT',
  'MEDIA_TYPE_UNSUPPORTED',
] as const

interface ProblemResponse {
  description: string
  content: { 'application/problem+json': { schema: typeof problemSchema } }
}

/** Returns the error responses of a route, by status, with the codes that it may return. */
export function problems(...codes: ErrorCode[]): Record<number, ProblemResponse> {
  const byStatus = new Map<number, Set<ErrorCode>>()
  for (const code of [...codes, ...everywhere]) {
    const { status } = errorCatalogue[code]
    byStatus.set(status, (byStatus.get(status) ?? new Set()).add(code))
  }
  return Object.fromEntries(
    [...byStatus].map(([status, of]): [number, ProblemResponse] => [
      status,
      { description: [...of].join(', '), content: { 'application/problem+json': { schema: problemSchema } } },
    ]),
  )
}
