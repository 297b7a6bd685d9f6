import { splitPassages } from '../search/passages.ts'
import { buildSegment, type IndexedPassage } from '../search/segment.ts'
import type { NovelSegment } from './passage-index.ts'
import { notTaken } from './refusal.ts'
import type { SceneText } from './shelf.ts'

/** Passages that one segment may have: ids of passages are made of the segment's number and the place in it. */
export const passagesPerSegment = 65_536

/**
 * Makes a segment of scenes, and gives the event loop its turns meanwhile. About 60,000 characters of text are a good size.
 * Rejects with OPTION_INVALID for more text than a segment can hold, with the signal's reason when aborted.
 */
export async function buildNovelSegment(
  number: number,
  scenes: readonly SceneText[],
  options?: { signal?: AbortSignal },
): Promise<NovelSegment> {
  const passages: Place[] = []
  const postings = await buildSegment(textsOf(number, scenes, passages), options)
  return {
    number,
    scenes: scenes.map(({ id, textVersion }) => ({ sceneId: id, textVersion })),
    passages,
    postings,
  }
}

type Place = NovelSegment['passages'][number]

/** The text of each passage; its place is added to `places` when the text is taken. */
function* textsOf(
  number: number,
  scenes: readonly SceneText[],
  places: Place[],
): Generator<IndexedPassage, void> {
  for (const { id: sceneId, content } of scenes) {
    for (const { start, end } of splitPassages(content)) {
      if (places.length === passagesPerSegment) {
        throw notTaken(`A segment takes at most ${passagesPerSegment} passages; give it fewer scenes.`)
      }
      const id = number * passagesPerSegment + places.length
      places.push({ id, sceneId, start, end })
      yield { id, text: content.slice(start, end) }
    }
  }
}
