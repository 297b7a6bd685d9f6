import type { components } from '../api/schema.ts'
import type { Task } from '../api/task.ts'
import type { FirstTexts } from './texts.ts'

type Schemas = components['schemas']

/** A page as it is first drawn: what it asks the API for, and what it shows of the answer. */
interface View {
  /** Its path, and what it searches for. A list is drawn whole alone: what is filtered is another list. */
  readonly address: RegExp
  /** Returns what is asked for: as the page itself asks, so that it can take the answer over. */
  asks(ids: readonly string[]): string
  draw(answer: unknown, texts: FirstTexts): Drawn
}

interface Drawn {
  readonly title: string
  readonly parts: readonly HTMLElement[]
}

function view<Answer>(
  address: RegExp,
  asks: View['asks'],
  draw: (answer: Answer, texts: FirstTexts) => Drawn,
): View {
  return { address, asks, draw: (answer, texts) => draw(answer as Answer, texts) }
}

/** The pages that a first view can draw. */
export const views: readonly View[] = [
  view<{ items: Schemas['Novel'][] }>(
    /^\/$/,
    () => '/v1/novels?pageSize=24',
    ({ items }, { home }) => ({
      title: home,
      parts: [listOf(items.map(({ id, title, language }) => link(`/novels/${id}`, title, language)))],
    }),
  ),
  view<{ items: Task[] }>(
    /^\/tasks$/,
    () => '/v1/tasks?rootsOnly=true&pageSize=50',
    ({ items }, texts) => ({ title: texts.tasks, parts: [listOf(items.map(task => rowOf(task, texts)))] }),
  ),
  view<Task>(
    /^\/tasks\/([\w-]+)(?:\?|$)/,
    ([id]) => `/v1/tasks/${id}`,
    (task, { taskTypes, status }) => ({
      title: taskTypes[task.taskType] ?? task.taskType,
      parts: [make('p', status[task.status] ?? task.status), make('p', task.deadLetter?.error.message ?? '')],
    }),
  ),
  view<Schemas['Outline']>(
    /^\/novels\/([\w-]+)(?:\?|$)/,
    ([id]) => `/v1/novels/${id}`,
    ({ id, title, language, outline }) => ({
      title,
      parts: outline.flatMap(volume => [
        make('h2', volume.title),
        listOf(volume.chapters.map(each => link(`/novels/${id}/chapters/${each.id}`, each.title, language))),
      ]),
    }),
  ),
  view<Schemas['Chapter']>(
    /^\/novels\/([\w-]+)\/chapters\/([\w-]+)(?:\?|$)/,
    ([novel, chapter]) => `/v1/novels/${novel}/chapters/${chapter}`,
    ({ title, novelId, scenes }, { scene }) => ({
      title,
      parts: [
        listOf(
          scenes.map(each =>
            link(`/novels/${novelId}/scenes/${each.id}`, each.title ?? `${scene} ${each.position + 1}`),
          ),
        ),
      ],
    }),
  ),
  view<Schemas['Scene']>(
    /^\/novels\/([\w-]+)\/scenes\/([\w-]+)(?:\?|$)/,
    ([, scene]) => `/v1/scenes/${scene}`,
    ({ title, position, content }, { scene }) => ({
      title: title ?? `${scene} ${position + 1}`,
      parts: [make('div', content ?? '', { class: 'prose' })],
    }),
  ),
]

function rowOf(task: Task, { taskTypes, status }: FirstTexts): HTMLElement {
  const row = make('span', `${status[task.status] ?? task.status} · `)
  row.append(link(`/tasks/${task.id}`, taskTypes[task.taskType] ?? task.taskType))
  return row
}

function listOf(entries: readonly HTMLElement[]): HTMLElement {
  const list = make('ul')
  for (const entry of entries) list.appendChild(make('li')).append(entry)
  return list
}

/** Makes a link to another page. `language`: that of the text, where it is known. */
export function link(href: string, text: string, language?: string): HTMLElement {
  return make('a', text, { href, ...(language !== undefined && { lang: language }) })
}

/** Makes an element with a text, which is never read as HTML. */
export function make(name: string, text = '', attributes: Record<string, string> = {}): HTMLElement {
  const element = document.createElement(name)
  element.textContent = text
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value)
  return element
}
