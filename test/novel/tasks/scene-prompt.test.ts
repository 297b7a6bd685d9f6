import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { LanguageModel } from '../../../src/ai/model.ts'
import { countTokens } from '../../../src/ai/providers/tokens.ts'
import { QuillworkError } from '../../../src/index.ts'
import { detectEntries } from '../../../src/novel/codex/select-entries.ts'
import { blocksOf, notesOf } from '../../../src/novel/models/blocks.ts'
import { type Material, onlyCodex } from '../../../src/novel/models/context.ts'
import { planScene } from '../../../src/novel/models/scene-plan.ts'
import { promptOfPart, sceneForm } from '../../../src/novel/models/scene-prompt.ts'
import { loadPrompts } from '../../../src/novel/prompts/prompts.ts'
import { parseTemplate, renderPieces, renderTemplate } from '../../../src/novel/prompts/template.ts'
import { entryFields } from '../library/codex-cases.ts'

const { note: _, ...told } = entryFields({ name: 'Ann', text: 'A miller.' })
const detected = detectEntries({
  entries: [
    { ...told, id: 'ann', novelId: 'n', version: 1, createdAt: 0, updatedAt: 0 },
    { ...told, name: 'Bob', id: 'bob', novelId: 'n', version: 1, createdAt: 0, updatedAt: 0 },
  ],
  place: [0, 1],
  places: new Map(),
  texts: [{ from: 'summary', text: 'Ann sings.' }],
  language: 'en',
})

const from = (of: 'scene' | 'chapter', id: string, text: string) => [{ text, source: { of, id, title: id } }]
const material: Material = {
  ...onlyCodex(detected),
  threads: [
    { text: 'The well (open): Deep.', source: { of: 'thread', id: 'well', title: 'The well' }, why: 'due' },
  ],
  textBefore: from('scene', 's1', 'It rained.\n\n\n\nAnn went out.'),
  chapterSummaries: from('chapter', 'c1', 'One: all began.'),
  passages: from('scene', 's0', 'Two: a lantern.'),
  names: from('scene', 'Mill', 'Mill'),
  leftOut: { passages: [{ of: 'scene', id: 's9', title: '', reason: 'later' }] },
}

const refuse = (what: string) => new QuillworkError('PROMPT_INVALID', what)

function promptFor(
  language: 'en' | 'zh',
  written: string,
  contextTokens = 10_000,
  { place, beats }: { place: number; beats?: number } = { place: 1 },
) {
  const model = { id: 'm', countTokens, contextTokens, maxOutputTokens: 8_000 } as LanguageModel
  const length = { words: 800 }
  const slots = {
    ...{ language: 'English', novel: 'The Mill', style: 'dry', tone: '', instructions: 'No rain.' },
    ...{ styleSheet: 'Short.', voice: 'VOICE', summary: 'Ann sings.\nBob comes.', narration: '' },
  }
  const planned = planScene({ model, length, writing: 'spaced', summary: slots.summary })
  const all = Array.from({ length: beats ?? 0 }, (_, at) => ({ text: `Beat ${at}.`, amount: 100 }))
  const plan = beats === undefined ? planned : { ...planned, beats: all }
  const scene = {
    model,
    prompts: loadPrompts(),
    writing: 'spaced',
    promptLanguage: language,
    slots,
    form: sceneForm,
    mostMaterial: 8_000,
    plan,
  } as const
  return promptOfPart(scene, { part: { length, written, place }, material })
}

describe('the blocks of a prompt', () => {
  it.each(['en', 'zh'] as const)(
    'are what is sent, the stable ones first, the text before it last (%s)',
    language => {
      const { request, blocks } = promptFor(language, '')
      const [system, ...rest] = blocks.map(({ text }) => text)
      expect(system).toBe(request.system)
      expect(rest.join('')).toBe(request.prompt)
      expect(blocks.map(({ kind }) => kind)).toEqual([
        ...['system', 'novel', 'styleSheet', 'voice', 'codex', 'threads', 'chapterSummaries', 'passages'],
        ...['names', 'plan', 'request', 'textBefore'],
      ])
      for (const { text, tokens } of blocks) expect(tokens).toBe(countTokens(text))
      // Blank lines of the novel stay.
      expect(blocks.at(-1)?.text).toContain('It rained.\n\n\n\nAnn went out.')
    },
  )

  it('end with what is written where a scene goes on', () => {
    const { request, blocks } = promptFor('en', 'She sang.')
    expect(
      blocks
        .slice(1)
        .map(({ text }) => text)
        .join(''),
    ).toBe(request.prompt)
    expect(blocks.slice(-2).map(({ kind }) => kind)).toEqual(['request', 'written'])
    expect(blocks.map(({ kind }) => kind)).toContain('textBefore')
  })

  it('say where each text is from, why it is there, and what was left out', () => {
    const { blocks } = promptFor('en', '')
    const block = (wanted: string) => blocks.find(({ kind }) => kind === wanted)
    expect(block('codex')).toMatchObject({
      shown: [{ of: 'entry', id: 'ann', title: 'Ann', reason: { why: 'mentioned', names: ['Ann'] } }],
      leftOut: [{ of: 'entry', id: 'bob', title: 'Bob', reason: 'not-mentioned' }],
    })
    expect(block('threads')).toMatchObject({
      shown: [{ of: 'thread', id: 'well', title: 'The well', reason: { why: 'due' } }],
    })
    expect(block('passages')).toMatchObject({
      shown: [{ of: 'scene', id: 's0', reason: { why: 'close' } }],
      leftOut: [{ id: 's9', reason: 'later' }],
    })
    expect(block('textBefore')).toMatchObject({ shown: [{ id: 's1', reason: { why: 'before' } }] })
    expect(block('request')).toMatchObject({ shown: [], leftOut: [] })
  })

  it('tell what a window is too small for, also where nothing of it is shown', () => {
    const { blocks } = promptFor('en', '', 800)
    expect(blocks.find(({ kind }) => kind === 'names')).toMatchObject({
      text: '',
      leftOut: [{ id: 'Mill', reason: 'over-budget' }],
    })
  })

  it('tell what a prompt of ones own has no slot for', () => {
    const shown = [{ of: 'name', id: 'Mill', title: 'Mill', reason: { why: 'found' }, tokens: 2 }] as const
    const pieces = [{ text: 'Write.' }]
    const blocks = blocksOf(
      { system: 'S', prompt: 'Write.', pieces },
      { names: { shown, leftOut: [] } },
      countTokens,
    )
    expect(blocks.map(({ kind }) => kind)).toEqual(['system', 'names', 'request'])
    expect(blocks[1]).toMatchObject({ text: '', shown: [], leftOut: [{ id: 'Mill', reason: 'no-slot' }] })
  })

  it('are kept without their texts, what nobody expects to be told last, and in number', () => {
    const out = (reason: 'never' | 'over-budget', at: number) =>
      ({ of: 'entry', id: `${reason} ${at}`, title: '', reason }) as const
    const many = Array.from({ length: 150 }, (_, at) => out('never', at))
    const leftOut = [...many, out('over-budget', 0)]
    const [note] = notesOf([{ kind: 'codex', text: 'TEXT', tokens: 1, shown: [], leftOut }], true)
    expect(note).not.toHaveProperty('text')
    expect(note?.leftOut).toHaveLength(100)
    expect(note?.leftOut[0]?.id).toBe('over-budget 0')
    expect(note?.moreLeftOut).toBe(51)
  })
})

describe('what a provider may keep of a prompt', () => {
  const stable = (part: { written: string; place: number; beats: number }) => {
    const { request } = promptFor('en', part.written, 10_000, part)
    return request.stableEnds?.map(end => request.prompt.slice(0, end).trimEnd().split('\n').slice(-2)) ?? []
  }

  it('is what all scenes have, and, from the second of several parts on, what further parts have', () => {
    const voice = ['VOICE', '</novel-text>']
    expect(stable({ written: '', place: 1, beats: 1 })).toEqual([voice])
    expect(stable({ written: '', place: 1, beats: 3 })).toEqual([voice])
    expect(stable({ written: 'W.', place: 2, beats: 3 })).toEqual([voice, ['Mill', '</novel-text>']])
    expect(stable({ written: 'W.', place: 2, beats: 2 })).toEqual([voice])
  })
})

describe('the pieces of a template', () => {
  it('are the whole, however many sections are empty', () => {
    const template =
      '\n\n{{#a}}A: {{a}}{{/a}}\n\n{{#b}}B: {{b}}{{/b}}\n\n\n{{c}}\n\nEnd.\n\n{{#d}}D: {{d}}{{/d}}\n'
    const nodes = parseTemplate(template, { required: [], optional: ['a', 'b', 'c', 'd'] }, refuse)
    const value = fc.constantFrom('', ' ', 'x', 'x\n\n\n\ny', '\n\nx')
    fc.assert(
      fc.property(fc.record({ a: value, b: value, c: value, d: value }), values => {
        const pieces = renderPieces(nodes, values)
        const whole = pieces.map(({ text }) => text).join('')
        expect(renderTemplate(nodes, values)).toBe(whole)
        // As if the blank lines of the whole were reduced at once.
        const filled = (slot: 'a' | 'b' | 'c' | 'd') => (values[slot].trim() === '' ? '' : `\0${slot}\0`)
        const section = (slot: 'a' | 'b' | 'd') => filled(slot) && `${slot.toUpperCase()}: ${filled(slot)}`
        const skeleton = `${section('a')}\n\n${section('b')}\n\n\n\0c\0\n\nEnd.\n\n${section('d')}`
        const expected = skeleton.replace(/\n{3,}/g, '\n\n').trim()
        const named = (slot: string) => (filled(slot as 'a') === '' ? '' : values[slot as 'a'])
        expect(whole).toBe(expected.replace(/\0(\w)\0/g, (_, slot: string) => named(slot)))
      }),
    )
  })
})
