import type { FastifyInstance, FastifyRequest } from 'fastify'
import { QuillworkError } from '../task/errors.ts'

/** Tells an address that does not exist from one that exists with another method. Returns the handler for both. */
export function watchRoutes(app: FastifyInstance): (request: FastifyRequest) => QuillworkError {
  const routes = new Map<string, { pattern: RegExp; methods: Set<string> }>()
  app.addHook('onRoute', ({ url, method }) => {
    const route = routes.get(url) ?? { pattern: patternOf(url), methods: new Set<string>() }
    for (const each of [method].flat()) route.methods.add(each)
    routes.set(url, route)
  })
  return request => {
    const path = request.url.split('?', 1)[0] ?? ''
    const methods = [...routes.values()]
      .filter(({ pattern }) => pattern.test(path))
      .flatMap(({ methods }) => [...methods])
    if (methods.length === 0)
      return new QuillworkError(
        'ROUTE_NOT_FOUND',
        'There is no such address; see /v1/openapi.json for those that exist.',
      )
    const allow = [...new Set(methods)].sort().join(', ')
    return new QuillworkError('METHOD_NOT_ALLOWED', `This address takes ${allow}.`, { details: { allow } })
  }
}

/** The router's pattern as a regular expression: `:name`, `:name([^:]+)`, and `::` for a colon. */
function patternOf(url: string): RegExp {
  const source = url
    .replaceAll('.', '\\.')
    .replace(/::|:\w+(\(\[\^:\]\+\))?/g, part => (part === '::' ? ':' : '[^/:]+'))
  return new RegExp(`^${source}$`)
}
