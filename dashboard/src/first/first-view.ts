/**
 * What is shown over a slow network until the program of the pages is there: the novels, the tasks, a task, a novel, a chapter or a scene, to
 * be read and gone through. It is a script of its own, of some kilobytes, and does nothing where the network is fast. It writes nothing.
 */
import { languageOf, readPreferences } from '../browser/read-preferences.ts'
import { readStored } from '../browser/state.ts'
import { firstTexts } from './texts.ts'
import { link, make, views } from './views.ts'

/** What a browser knows of its network. Not every browser says it. */
interface Connection {
  readonly rtt?: number
  readonly downlink?: number
}

/** From this many milliseconds to the server and back, or below this many megabits a second, the program is long on its way. */
const slow = { rtt: 250, downlink: 1 }

const answers = new Map<string, Promise<Response>>()
const language = languageOf(readPreferences())
const frame = make('div', '', { class: 'first-view', lang: language === 'zh' ? 'zh-CN' : language })
const texts = firstTexts[language]
/** Read once: the program takes the token out of the address, and answers to another one are not for it. */
const token =
  tokenOf(window.location.hash) ?? readStored('quillwork.token', 'session') ?? readStored('quillwork.token')

if (isSlow() && viewOf(placeNow()) !== undefined) void begin()

/** Returns the address that is shown, without its origin: what it searches for may be another list. */
function placeNow(): string {
  return window.location.pathname + window.location.search
}

function isSlow(): boolean {
  const { rtt = 0, downlink = 10 } = ((navigator as { connection?: Connection }).connection ??
    {}) as Connection
  return rtt >= slow.rtt || downlink < slow.downlink
}

/** Draws the page of the address, and from then on each page that is gone to, as long as the frame stands. */
async function begin(): Promise<void> {
  const drawn = await drawnAt(placeNow())
  const root = document.getElementById('root')
  // The program was quicker, or the server wants a token.
  if (drawn === undefined || root === null || root.childElementCount > 0) return
  globalThis.quillworkFirstView = { answers }
  document.documentElement.dataset['mantineColorScheme'] = shownTheme()
  show(drawn)
  root.append(frame)
  frame.addEventListener('click', event => void follow(event))
  window.addEventListener('popstate', () => frame.isConnected && void goTo(placeNow()))
}

function viewOf(place: string) {
  return views.find(({ address }) => address.test(place))
}

async function drawnAt(place: string) {
  const view = viewOf(place)
  const [, ...ids] = view?.address.exec(place) ?? []
  if (view === undefined) return undefined
  const response = await answerTo(view.asks(ids)).catch(() => undefined)
  return response?.ok === true ? view.draw(await response.clone().json(), texts) : undefined
}

/** Asks the API, once for each address. */
function answerTo(place: string): Promise<Response> {
  const headers = {
    'accept-language': language,
    ...(typeof token === 'string' && { authorization: `Bearer ${token}` }),
  }
  const answer = answers.get(place) ?? fetch(place, { headers })
  answers.set(place, answer)
  return answer
}

/** Returns the token of an address that the server printed. */
function tokenOf(hash: string): string | undefined {
  return /^#token=([\w.~+/-]+=*)$/.exec(hash)?.[1]
}

/** Follows a link within the frame. Pages that it cannot draw are opened as any other link is. */
async function follow(event: MouseEvent): Promise<void> {
  const target = event.target instanceof Element ? event.target.closest('a') : null
  const isPlain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey
  if (target === null || !isPlain || viewOf(target.pathname) === undefined) return
  event.preventDefault()
  window.history.pushState(null, '', target.pathname)
  await goTo(target.pathname)
}

async function goTo(place: string): Promise<void> {
  const drawn = await drawnAt(place)
  if (frame.isConnected && placeNow() === place) show(drawn)
}

/** Shows a page; where it cannot be drawn, that it is on its way, and nothing of the page before it. */
function show(drawn: Awaited<ReturnType<typeof drawnAt>>): void {
  document.title = drawn === undefined ? 'Quillwork' : `${drawn.title} · Quillwork`
  const places = make('nav')
  places.append(link('/', texts.home), link('/tasks', texts.tasks))
  const content = make('main')
  if (drawn !== undefined) content.append(make('h1', drawn.title), ...drawn.parts)
  content.append(make('p', texts.loading, { role: 'status' }))
  frame.replaceChildren(places, content)
}

function shownTheme(): 'light' | 'dark' {
  const chosen = localStorage.getItem('mantine-color-scheme-value')
  if (chosen === 'light' || chosen === 'dark') return chosen
  return window.matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'
}
