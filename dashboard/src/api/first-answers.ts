/** What the first view leaves for the program that takes its place. */
interface FirstView {
  /** The answers that it has asked for, by their address without the origin. */
  readonly answers: Map<string, Promise<Response>>
}

declare global {
  /** Set where a first view is drawn. */
  var quillworkFirstView: FirstView | undefined
}

/** Returns whether a page stands there already, drawn before the program was loaded. */
export function isFirstViewDrawn(): boolean {
  return globalThis.quillworkFirstView !== undefined
}

/** Returns whether the first view has asked for the answer to a request. */
export function isAnswered({ method, url }: Request): boolean {
  return method === 'GET' && globalThis.quillworkFirstView?.answers.has(placeOf(url)) === true
}

/** Returns the answer of the first view to a request, once; undefined where there is none, or no good one. */
export async function takeAnswer(request: Request): Promise<Response | undefined> {
  if (!isAnswered(request)) return undefined
  const answers = globalThis.quillworkFirstView?.answers
  const answer = answers?.get(placeOf(request.url))
  answers?.delete(placeOf(request.url))
  const response = await answer?.catch(() => undefined)
  return response?.ok === true ? response : undefined
}

/** Forgets the answers: from now on they may be older than an event that was not heard. */
export function dropAnswers(): void {
  globalThis.quillworkFirstView?.answers.clear()
}

function placeOf(url: string): string {
  const { pathname, search } = new URL(url)
  return pathname + search
}
