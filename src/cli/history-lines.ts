import type { z } from 'zod'
import type { historyEntrySchema, historyNoteSchema, originSchema } from '../http/schemas/provenance.ts'
import { tableLines } from './table.ts'
import { printable } from './width.ts'
import { agoText, numberText } from './words.ts'

type Note = z.output<typeof historyNoteSchema>
type Entry = z.output<typeof historyEntrySchema>
type Origin = Pick<
  z.output<typeof originSchema>,
  'method' | 'model' | 'prompt' | 'restored' | 'usage' | 'writtenBy'
>

const methods = {
  imported: 'from the imported file',
  extractive: 'sentences of the text',
  generative: 'written by a model',
  person: 'written by a person',
}

/** How a text or a summary came about, in a few words. */
export function originText({ method, model, prompt, restored }: Omit<Origin, 'writtenBy' | 'usage'>): string {
  return [
    methods[method],
    ...(model === undefined ? [] : [model]),
    ...(prompt === undefined ? [] : [`prompt ${prompt.name} ${prompt.version} (${prompt.language})`]),
    ...(restored === undefined ? [] : ['restored']),
  ].join(', ')
}

/** The entries of a history, newest first. */
export function historyTable(notes: readonly Note[], columns: number | undefined): string[] {
  return tableLines(
    notes,
    [
      { title: 'ENTRY', text: ({ id }) => id },
      { title: 'WHAT', text: ({ what }) => what },
      { title: 'WHY', text: ({ why }) => why },
      { title: 'KEPT', text: ({ keptAt }) => agoText(keptAt) },
      { title: 'LENGTH', text: ({ length }) => numberText(length), right: true },
      { title: 'HOW', text: note => (note.provenance === undefined ? '' : originText(note.provenance)) },
      { title: 'BEGINS', text: ({ excerpt }) => excerpt },
    ],
    columns,
  )
}

/** An entry with its whole text and all that is known of where it comes from. */
export function entryLines(entry: Entry): string[] {
  const { what, why, keptAt, provenance, writtenBy } = entry
  const kept = why === 'conflict' ? 'kept beside an edit' : 'overwritten'
  const lines = [`${what}, ${kept} ${agoText(keptAt)}`]
  if (provenance !== undefined) lines.push(...originLines({ ...provenance, ...(writtenBy && { writtenBy }) }))
  return [...lines, '', ...entry.text.split('\n').map(line => printable(line).trimEnd())]
}

function originLines(origin: Origin): string[] {
  const { usage, writtenBy, restored } = origin
  const first = restored?.writtenBy ?? writtenBy
  const lines = [originText(origin)]
  if (first !== undefined) lines.push(`by ${writerText(first)}`)
  if (usage !== undefined) {
    const tokens = `${numberText(usage.inputTokens)} tokens in, ${numberText(usage.outputTokens)} out`
    lines.push(usage.cost === undefined ? tokens : `${tokens}, cost ${usage.cost}`)
  }
  return lines.map(printable)
}

function writerText(writer: NonNullable<Origin['writtenBy']>): string {
  return 'taskId' in writer ? `attempt ${writer.attempt} of task ${writer.taskId}` : `user ${writer.userId}`
}
