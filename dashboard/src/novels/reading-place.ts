import { type RefObject, useCallback, useEffect, useRef, useState } from 'react'
import { readingPlace, readStored, writeStored } from '../browser/state.ts'

/** Where a person was in a novel. Kept in the browser for each novel. */
interface ReadingPlace {
  chapterId: string
  sceneId: string
  /** How much of the scene was above the place, 0 to 1. */
  share: number
}

/** Returns where the person was in a novel; undefined where nothing is known. */
export function readPlace(novelId: string): ReadingPlace | undefined {
  const stored = readStored(readingPlace(novelId))
  return isPlace(stored) ? stored : undefined
}

/** Keeps where the person is. */
function keepPlace(novelId: string, place: ReadingPlace): void {
  writeStored(readingPlace(novelId), place)
}

function isPlace(kept: unknown): kept is ReadingPlace {
  if (typeof kept !== 'object' || kept === null) return false
  const { chapterId, sceneId, share } = kept as Partial<ReadingPlace>
  return typeof chapterId === 'string' && typeof sceneId === 'string' && typeof share === 'number'
}

/** The place of reading in a chapter. */
interface Place {
  readonly container: RefObject<HTMLDivElement | null>
  /** The scene that must be there before the page can scroll to the place. */
  readonly sceneId: string | undefined
  /** Records that the text of a scene is shown. */
  readonly shown: (sceneId: string) => void
}

/** How far below the top of the window the eye is, in pixels. */
const eye = 140
/** Milliseconds between two notes of the place. */
const noteMs = 400

/**
 * Keeps where the person reads, and goes there when the chapter is opened again. `asked`: the scene that the address asks for; it goes
 * before what was kept.
 */
export function usePlace(novelId: string, chapterId: string, asked: string | undefined): Place {
  const container = useRef<HTMLDivElement>(null)
  const [kept] = useState(() => (asked === undefined ? keptIn(novelId, chapterId) : undefined))
  const isRestored = useRef(false)
  useNotes(container, novelId, chapterId)
  const shown = useCallback(
    (sceneId: string) => {
      if (kept?.sceneId !== sceneId || isRestored.current) return
      isRestored.current = true
      // The router goes to the top of a new page in this frame; this comes after it.
      requestAnimationFrame(() => requestAnimationFrame(() => goTo(container.current, kept)))
    },
    [kept],
  )
  return { container, sceneId: kept?.sceneId ?? asked, shown }
}

function keptIn(novelId: string, chapterId: string): ReadingPlace | undefined {
  const place = readPlace(novelId)
  return place?.chapterId === chapterId ? place : undefined
}

/** Notes the place while the person scrolls, and that the chapter was opened. */
function useNotes(container: RefObject<HTMLElement | null>, novelId: string, chapterId: string): void {
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    const note = () => {
      timer = undefined
      const place = placeIn(container.current)
      if (place !== undefined) keepPlace(novelId, { chapterId, ...place })
    }
    const onScroll = () => {
      timer ??= setTimeout(note, noteMs)
    }
    if (readPlace(novelId)?.chapterId !== chapterId) note()
    window.addEventListener('scroll', onScroll, { passive: true })
    return () => {
      clearTimeout(timer)
      window.removeEventListener('scroll', onScroll)
    }
  }, [container, novelId, chapterId])
}

const scenesIn = (container: HTMLElement | null) => [
  ...(container?.querySelectorAll<HTMLElement>('[data-scene]') ?? []),
]

/** Returns the scene at the height of the eye, and how much of it is above. */
function placeIn(container: HTMLElement | null): Omit<ReadingPlace, 'chapterId'> | undefined {
  const scenes = scenesIn(container)
  const at = scenes.findLast(each => each.getBoundingClientRect().top <= eye) ?? scenes[0]
  const sceneId = at?.dataset['scene']
  if (at === undefined || sceneId === undefined) return undefined
  const { top, height } = at.getBoundingClientRect()
  return { sceneId, share: height === 0 ? 0 : Math.min(1, Math.max(0, (eye - top) / height)) }
}

function goTo(container: HTMLElement | null, { sceneId, share }: ReadingPlace): void {
  const scenes = scenesIn(container)
  const scene = scenes.find(each => each.dataset['scene'] === sceneId)
  // The beginning of the chapter is where a page begins anyway.
  if (scene === undefined || (scene === scenes[0] && share < 0.02)) return
  const { top, height } = scene.getBoundingClientRect()
  window.scrollTo({ top: window.scrollY + top + share * height - eye })
}
