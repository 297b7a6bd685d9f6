import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  findSelection,
  type Selection,
  selectionEdits,
  usualLengthOf,
  withoutEchoes,
  withPassage,
  withPassageOf,
} from '../../src/novel/selection.ts'

const unchanged = { textVersion: 3 }
const selected = (text: string, start: number, version = 3): Selection => ({ start, text, version })
const refusal = (code: string) => expect.objectContaining({ code })

/** Prose in English and Chinese, with characters of several code units, white space of all kinds, and repetitions. */
const prose = fc
  .array(
    fc.constantFrom(
      ...[
        'The miller ',
        'crossed.',
        ' ',
        '\n\n',
        '\r\n',
        '\u3000\u3000',
        '河水',
        '渐渐平静。',
        '“走吧。”',
        '👩‍🚒',
        'e\u0301',
        '𠮷',
        '. ',
      ],
    ),
    { minLength: 1, maxLength: 30 },
  )
  .map(parts => parts.join(''))

describe('a selection', () => {
  it('is replaced, and every unit outside of it stays, for any answer', () => {
    fc.assert(
      fc.property(
        ...[prose, fc.nat(), fc.nat(), fc.constantFrom(...selectionEdits), fc.string({ unit: 'binary' })],
        ...[fc.constantFrom('cjk' as const, 'spaced' as const)],
        (content, one, other, edit, answer, writing) => {
          const [from = 0, to = 0] = [one, other].map(at => at % (content.length + 1)).sort((a, b) => a - b)
          let place: ReturnType<typeof findSelection>
          try {
            place = findSelection({ content, ...unchanged }, selected(content.slice(from, to), from))
          } catch (error) {
            expect(error).toEqual(refusal('OPTION_INVALID'))
            return
          }
          const kept = [
            content.slice(0, edit === 'continue' ? place.end : place.start),
            content.slice(place.end),
          ]
          const { content: whole, passage } = withPassage(content, place, { edit, text: answer, writing })
          expect(whole.startsWith(kept[0] ?? '')).toBe(true)
          expect(whole.endsWith(kept[1] ?? '')).toBe(true)
          expect(whole.slice(passage.end)).toBe(kept[1])
          const between = whole.slice(kept[0]?.length, passage.start)
          expect(edit === 'continue' ? between.trim() : between).toBe('')
          // White space at the ends of the selection is outside of it.
          expect(content.slice(place.start, place.end)).toBe(content.slice(from, to).trim())
        },
      ),
      { numRuns: 2_000 },
    )
  })

  it('is found again in a changed text only where that has it once', () => {
    const before = { content: 'New words. He went out. Then he slept.', textVersion: 4 }
    expect(findSelection(before, selected('He went out.', 0))).toEqual({ start: 11, end: 23 })
    const twice = { content: 'He went out. He went out.', textVersion: 4 }
    // Also where it is at its place: that may be the other one.
    expect(() => findSelection(twice, selected('He went out.', 13))).toThrow(refusal('SELECTION_NOT_FOUND'))
    expect(findSelection({ ...twice, ...unchanged }, selected('He went out.', 13))).toEqual({
      start: 13,
      end: 25,
    })
    const gone = { content: 'He stayed.', textVersion: 4 }
    expect(() => findSelection(gone, selected('He went out.', 0))).toThrow(refusal('SELECTION_NOT_FOUND'))
    const accented = { content: 'To the cafe\u0301.', textVersion: 4 }
    expect(() => findSelection(accented, selected('cafe', 7))).toThrow(refusal('SELECTION_NOT_FOUND'))
  })

  it.each([
    ['half of a surrogate pair', '𠮷河', '𠮷河'.slice(0, 1), 0],
    ['a letter without its accent', 'e\u0301 b', 'e', 0],
    ['one of a family', '👩‍🚒', '👩', 0],
    ['white space alone', 'a \n\n b', ' \n', 1],
  ])('is refused where it is %s', (_what, content, text, start) => {
    expect(() => findSelection({ content, ...unchanged }, selected(text, start))).toThrow(
      refusal('OPTION_INVALID'),
    )
  })

  it('is followed by a new paragraph behind the end of one, as the scene has them, else by what parts words', () => {
    const continued = (content: string, text: string, writing: 'cjk' | 'spaced' = 'spaced') => {
      const place = findSelection({ content, ...unchanged }, selected(text, content.indexOf(text)))
      return withPassage(content, place, { edit: 'continue', text: 'New.\n\nMore.', writing }).content
    }
    expect(continued('One.\n\nTwo.', 'One.')).toBe('One.\n\nNew.\n\nMore.\n\nTwo.')
    expect(continued('One.\nTwo.', 'One.')).toBe('One.\nNew.\nMore.\nTwo.')
    expect(continued('One. Two.', 'One.')).toBe('One. New.\n\nMore. Two.')
    expect(continued('河水平静。他走了。', '河水平静。', 'cjk')).toBe('河水平静。New.\n\nMore.他走了。')
  })
})

describe('a passage that was written for an earlier text', () => {
  const earlier = 'He came. She saw him. They left.'
  const written = (selection: string, edit: 'rewrite' | 'continue', text = 'NEW.') => {
    const start = earlier.indexOf(selection)
    const { content, passage } = withPassage(
      ...[earlier, { start, end: start + selection.length }, { edit, text, writing: 'spaced' as const }],
    )
    return { text: content, passage }
  }

  it.each([
    [
      'behind a change',
      'They left.',
      'rewrite',
      'Long ago he came. She saw him. They left.',
      'Long ago he came. She saw him. NEW.',
    ],
    [
      'before a change',
      'He came.',
      'rewrite',
      'He came. She saw him. They stayed.',
      'NEW. She saw him. They stayed.',
    ],
    [
      'between changes',
      'She saw him.',
      'rewrite',
      'He ran. She saw him. They stayed.',
      'He ran. NEW. They stayed.',
    ],
    [
      'where it is no single one, beside a change',
      'She saw him.',
      'rewrite',
      `${earlier} She saw him.`,
      'He came. NEW. They left. She saw him.',
    ],
    [
      'as a continuation',
      'She saw him.',
      'continue',
      'He ran. She saw him. They left.',
      'He ran. She saw him. NEW. They left.',
    ],
    [
      'at the end',
      'They left.',
      'continue',
      'He ran. She saw him. They left.',
      'He ran. She saw him. They left.\n\nNEW.',
    ],
    [
      'not into a place that changed',
      'She saw him.',
      'rewrite',
      'He came. She saw her. They left.',
      undefined,
    ],
    [
      'not into one of two places',
      'She saw him.',
      'rewrite',
      'He ran. She saw him. She saw him. They stayed.',
      undefined,
    ],
    ['not into a character', 'They left.', 'rewrite', `${earlier}\u0301`, undefined],
    [
      'not between changes where nothing says where',
      'She saw him.',
      'continue',
      'He ran. She saw him. They stayed.',
      undefined,
    ],
  ] as const)('is put in %s', (_what, selection, edit, now, expected) => {
    expect(withPassageOf(written(selection, edit), earlier, now)).toBe(expected)
  })

  it('is not put in where the earlier text is another one', () => {
    expect(withPassageOf(written('She saw him.', 'rewrite'), 'He went.', 'He went.')).toBeUndefined()
  })

  it('takes nothing of what changed before or behind it, for any text', () => {
    fc.assert(
      fc.property(
        ...[prose, prose, prose, prose, fc.boolean()],
        (before, selection, after, changed, isBefore) => {
          const content = before + selection + after
          const place = { start: before.length, end: before.length + selection.length }
          const edit = { edit: 'rewrite', text: 'NEW.', writing: 'spaced' } as const
          const { content: text, passage } = withPassage(content, place, edit)
          const [head, tail] = isBefore ? [changed, after] : [before, changed]
          const found = withPassageOf({ text, passage }, content, head + selection + tail)
          if (found !== undefined) expect(found).toBe(`${head}NEW.${tail}`)
        },
      ),
      { numRuns: 500 },
    )
  })
})

describe('the length of a new text', () => {
  it('is that of the selection, half of it, or twice of it, in the unit of the language', () => {
    const hundred = 'word '.repeat(100)
    expect(usualLengthOf('rewrite', hundred, 'spaced')).toEqual({ words: 100 })
    expect(usualLengthOf('shorten', hundred, 'spaced')).toEqual({ words: 50 })
    expect(usualLengthOf('expand', '河'.repeat(40), 'cjk')).toEqual({ characters: 80 })
    expect(usualLengthOf('continue', hundred, 'spaced')).toEqual({ words: 150 })
    expect(usualLengthOf('shorten', 'No', 'spaced')).toEqual({ words: 1 })
  })
})

describe('what an answer repeats of the text around', () => {
  const around = {
    before: 'The night was long. The miller crossed the bridge at dawn. ',
    selected: 'He was tired.',
    after: ' The river was loud below him, and nobody came.',
  }
  const kept = (answer: string, writing: 'cjk' | 'spaced' = 'spaced', texts = around) =>
    withoutEchoes(answer, texts, writing)

  it('is dropped at its beginning and at its end', () => {
    expect(kept('The miller crossed the bridge at dawn. His legs ached. The river was loud below him,')).toBe(
      'His legs ached.',
    )
    const chinese = {
      before: '夜色很深。老人提着灯笼慢慢走过石桥。',
      selected: '他累了。',
      after: '河水在他脚下轰鸣，没有人来。',
    }
    expect(kept('老人提着灯笼慢慢走过石桥。他的腿疼了。河水在他脚下轰鸣，没有人来。', 'cjk', chinese)).toBe(
      '他的腿疼了。',
    )
  })

  it('stays where it is short, where the selection has it too, and where nothing else is left', () => {
    expect(kept('at dawn. His legs ached.')).toBe('at dawn. His legs ached.')
    const refrain = { ...around, selected: 'The miller crossed the bridge at dawn. He was tired.' }
    const answer = 'The miller crossed the bridge at dawn. His legs ached.'
    expect(kept(answer, 'spaced', refrain)).toBe(answer)
    const all = 'The miller crossed the bridge at dawn.'
    expect(kept(all)).toBe(all)
  })
})
