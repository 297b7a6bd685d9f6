import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useEffect, useRef } from 'react'
import { useCapabilities } from '../../api/capabilities.ts'
import { api, dataOf } from '../../api/client.ts'
import { keys } from '../../api/keys.ts'
import { acceptedEndings, sendFile, type Upload } from '../../api/send-file.ts'
import { sharedValue } from '../../browser/shared-value.ts'

/** A file on its way to the server. */
export interface Sending {
  readonly id: number
  readonly file: File
  /** Whether it came without others: then one goes on with it as soon as the server has it. */
  readonly isAlone: boolean
  readonly state: 'waiting' | 'sending' | 'sent' | 'failed' | 'refused'
  readonly sentBytes: number
  /** Of a failed one: why. It can be tried again. */
  readonly error?: unknown
  /** Of a refused one: what is wrong with the file. Trying again would not help. */
  readonly refusal?: Refusal
  /** Of a sent one: what the server made of it. */
  readonly upload?: Upload
}

/**
 * The files that are being sent, one after the other. They belong to the tab and not to a page: going to another page breaks none of them.
 */
const all = sharedValue<readonly Sending[]>([])
const aborts = new Map<number, AbortController>()
/** The uploads that were there before a file was sent; what is there beside them afterwards may be the file. */
const before = new Map<number, ReadonlySet<string>>()
let lastId = 0
let isRunning = false

function change(id: number, changed: Partial<Sending>): void {
  all.set(all.get().map(each => (each.id === id ? { ...each, ...changed } : each)))
}

/** Queues files. `largest`: bytes that the server takes, where that is known. */
function send(files: readonly File[], largest: number | undefined): void {
  const added = files.map((file): Sending => {
    const refusal = refusalOf(file, largest)
    const start = { id: ++lastId, file, isAlone: files.length === 1, sentBytes: 0 }
    return refusal === undefined ? { ...start, state: 'waiting' } : { ...start, state: 'refused', refusal }
  })
  all.set([...all.get(), ...added])
  void run()
}

/** Sends a failed one again; what the server has of it already is not sent twice. */
export function sendAgain(id: number): void {
  all.set(
    all.get().map(each => {
      if (each.id !== id || each.state !== 'failed') return each
      const { error: _, ...rest } = each
      return { ...rest, state: 'waiting' }
    }),
  )
  void run()
}

/** Takes one from the list; one that is being sent is broken off. */
export function dropSending(id: number): void {
  aborts.get(id)?.abort()
  before.delete(id)
  all.set(all.get().filter(each => each.id !== id))
}

async function run(): Promise<void> {
  if (isRunning) return
  isRunning = true
  window.addEventListener('beforeunload', askBeforeLeaving)
  for (let next = nextOne(); next !== undefined; next = nextOne()) await sendOne(next)
  window.removeEventListener('beforeunload', askBeforeLeaving)
  isRunning = false
}

function nextOne(): Sending | undefined {
  return all.get().find(each => each.state === 'waiting')
}

/** Asks before the page is left: files that were not sent yet would be lost. */
function askBeforeLeaving(event: BeforeUnloadEvent): void {
  event.preventDefault()
}

async function sendOne({ id, file }: Sending): Promise<void> {
  const abort = new AbortController()
  aborts.set(id, abort)
  change(id, { state: 'sending', sentBytes: 0 })
  try {
    const earlier = before.has(id) ? await alreadyThere(id, file) : undefined
    if (!before.has(id)) before.set(id, new Set((await newestUploads()).map(upload => upload.id)))
    const options = { signal: abort.signal, onProgress: (bytes: number) => change(id, { sentBytes: bytes }) }
    const upload = earlier ?? (await sendFile(file, options))
    before.delete(id)
    change(id, { state: 'sent', sentBytes: file.size, upload })
  } catch (error) {
    // One that was broken off by the person is not in the list any more.
    change(id, { state: 'failed', error })
  } finally {
    aborts.delete(id)
  }
}

/** Returns the upload of a file whose answer was lost: it has the same name and length, and was not there before. */
async function alreadyThere(id: number, file: File): Promise<Upload | undefined> {
  const known = before.get(id)
  return (await newestUploads()).find(
    ({ id: uploadId, fileName, bytes, status }) =>
      known?.has(uploadId) === false &&
      fileName === file.name.slice(0, 255) &&
      bytes === file.size &&
      status === 'uploaded',
  )
}

async function newestUploads(): Promise<readonly Upload[]> {
  const { items } = await dataOf(api.GET('/v1/uploads', { params: { query: { pageSize: 100 } } }))
  return items
}

/** Returns the files that are being sent, in the order in which they came. */
export function useSendings(): readonly Sending[] {
  return all.useValue()
}

/** What is wrong with a file, found before anything is sent. */
type Refusal = { kind: 'ending' } | { kind: 'empty' } | { kind: 'tooLarge'; largest: number }

/** Returns why a file is not even sent; undefined where it is. `largest`: bytes that the server takes, where that is known. */
function refusalOf({ name, size }: File, largest: number | undefined): Refusal | undefined {
  const ending = /\.[^.]+$/.exec(name.toLowerCase())?.[0] ?? ''
  if (!acceptedEndings.split(',').includes(ending)) return { kind: 'ending' }
  if (size === 0) return { kind: 'empty' }
  if (largest !== undefined && size > largest) return { kind: 'tooLarge', largest }
  return undefined
}

/** Queues files to be sent, within what the server takes. */
export function useSend(): (files: readonly File[]) => void {
  const { data } = useCapabilities()
  return files => send(files, data?.limits['uploadBytes'])
}

/**
 * What follows when files have arrived: the preview of a single one opens at once, several wait on the page. What arrived while the person was on
 * another page waits too; nobody is taken anywhere for it.
 */
export function useFinishedSendings(): void {
  const queries = useQueryClient()
  const navigate = useNavigate()
  const sendings = useSendings()
  const isFirst = useRef(true)
  useEffect(() => {
    const wasAway = isFirst.current
    isFirst.current = false
    const sent = sendings.filter(({ state }) => state === 'sent')
    if (sent.length === 0) return
    const [only] = sent
    const goesOn = !wasAway && sendings.length === 1 && only?.isAlone === true
    for (const { id } of sent) dropSending(id)
    void queries.invalidateQueries({ queryKey: keys.uploads })
    if (goesOn && only.upload !== undefined)
      void navigate({ to: '/import/$uploadId', params: { uploadId: only.upload.id } })
  }, [queries, navigate, sendings])
}
