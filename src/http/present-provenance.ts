import type { Provenance, Writer } from '../novel/library/provenance.ts'
import type { HistoryEntry } from '../novel/library/scenes.ts'
import { timeText } from './schemas/task.ts'

/** How a text came about. */
export function presentProvenance({ method, restored, ...rest }: Provenance) {
  const { model, prompt, parameters, usage, finishReason, brief } = rest
  return {
    method,
    model,
    prompt,
    parameters: parameters && { ...parameters },
    usage,
    finishReason,
    brief,
    restored: restored && { entryId: restored.entryId, ...presentWriting(restored) },
  }
}

/** Who wrote something, and when. */
export function presentWriting({
  writtenBy,
  writtenAt,
}: {
  writtenBy?: Writer | undefined
  writtenAt?: number | undefined
}) {
  return { writtenBy, writtenAt: timeText(writtenAt) }
}

/** Code units of an excerpt. */
const excerptUnits = 200

/** An entry of the history without its whole text. */
export function presentNote(entry: HistoryEntry) {
  const excerpt = entry.text.slice(0, excerptUnits).replace(/[\uD800-\uDBFF]$/, '')
  return { ...presentEntryFields(entry), excerpt }
}

/** An entry of the history. */
export function presentEntry(entry: HistoryEntry) {
  return { ...presentEntryFields(entry), text: entry.text }
}

function presentEntryFields({ id, what, why, version, keptAt, overwrittenBy, ...entry }: HistoryEntry) {
  return {
    id,
    what,
    why,
    version,
    keptAt: timeText(keptAt),
    overwrittenBy,
    provenance: entry.provenance && presentProvenance(entry.provenance),
    ...presentWriting(entry),
    length: entry.text.length,
  }
}
