import { describe, expect, it, test } from 'vitest'
import { hasSameView, type Narration, narrationInstruction, narrationOf } from '../../src/novel/narration.ts'

describe('how a scene is told', () => {
  const usual: Narration = { pov: 'first', povCharacter: 'Berit', tense: 'past' }

  it('is what it says of itself, else what the novel says', () => {
    expect(narrationOf(undefined, usual)).toEqual(usual)
    expect(narrationOf({ tense: 'present', povCharacter: 'Anna' }, usual)).toEqual({
      ...{ pov: 'first', povCharacter: 'Anna', tense: 'present' },
    })
    expect(narrationOf({ pov: 'third-omniscient' }, usual)).toEqual({
      pov: 'third-omniscient',
      tense: 'past',
    })
    expect(narrationOf(undefined, {})).toEqual({})
  })

  test.each([
    [{}, usual, true],
    [usual, { ...usual, povCharacter: 'BERIT', tense: 'present' }, true],
    [usual, { ...usual, povCharacter: 'Anna' }, false],
    [usual, { ...usual, pov: 'third-limited' }, false],
  ] as const)('of %o and %o the views are the same: %s', (one, other, isSame) => {
    expect(hasSameView(one, other)).toBe(isSame)
    expect(hasSameView(other, one)).toBe(isSame)
  })

  it('is one line of a prompt, in its language, or none', () => {
    expect(narrationInstruction(usual, 'en')).toBe(
      'Narration: first person; past tense; the point of view is that of Berit.',
    )
    expect(narrationInstruction({ pov: 'third-limited', povCharacter: '玄德' }, 'zh')).toBe(
      '叙述：第三人称有限视角，视角人物是玄德。',
    )
    expect(narrationInstruction({}, 'en')).toBe('')
  })
})
