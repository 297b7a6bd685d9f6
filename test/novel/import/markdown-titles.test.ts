import { describe, expect, it } from 'vitest'
import { levelHeading, markedHeading, underlinedHeading } from '../../../src/novel/import/markdown.ts'
import { outlineOf, prose, survey } from './reading.ts'

describe('the title of a Markdown heading is plain text', () => {
  it.each([
    ['## **Chapter 1**: *The Flood*', 'Chapter 1: The Flood'],
    ['## **Chapter 1: The Flood**', 'Chapter 1: The Flood'],
    ['## ***Chapter 1***', 'Chapter 1'],
    ['## **Chapter 1: *The Flood***', 'Chapter 1: The Flood'],
    ['## __Chapter 1__: _The Flood_', 'Chapter 1: The Flood'],
    ['## ~~Chapter 1~~ The Flood', 'Chapter 1 The Flood'],
    ['## [The Flood](the-flood.md)', 'The Flood'],
    ['## [The Flood](https://example.org/a_(b)#c "The title")', 'The Flood'],
    ['## [**Chapter 1**](#chapter-1): `The` Flood', 'Chapter 1: The Flood'],
    ['## [The Flood][flood]', 'The Flood'],
    ['## ![A wave](wave.png) The Flood', 'A wave The Flood'],
    ['## [![A wave](wave.png)](wave.html) The Flood', 'A wave The Flood'],
    ['## Chapter 1 {#id}', 'Chapter 1'],
    ['## Chapter 1 {#id .unnumbered}', 'Chapter 1'],
    ['## The Flood {-}', 'The Flood'],
    ['## The Flood ## {#flood}', 'The Flood'],
    ['## `code` and ``more``', 'code and more'],
    ['## <a id="one"></a>The <em>Flood</em><br/>', 'The Flood'],
    ['## The \\*Flood\\* \\#1', 'The *Flood* #1'],
    ['## 第一章 **雾**', '第一章 雾'],
    ['#**第一章** 雾', '第一章 雾'],
    [`## [The Flood](https://example.org/${'a'.repeat(200)})`, 'The Flood'],
  ])('%s', (line, title) => expect(markedHeading(line)?.heading.title).toBe(title))

  it.each([
    ['## snake_case_name', 'snake_case_name'],
    ['## 2 * 3 * 4', '2 * 3 * 4'],
    ['## The [Flood]', 'The [Flood]'],
    ['## The {Flood}', 'The {Flood}'],
    ['## <https://example.org>', '<https://example.org>'],
    ['## 1 < 2 > 0', '1 < 2 > 0'],
    ['## A* search', 'A* search'],
    ['## C:\\temp', 'C:\\temp'],
  ])('and what is no mark stays: %s', (line, title) => {
    expect(markedHeading(line)?.heading.title).toBe(title)
  })

  it.each(['## ', '## ***', `## ${'a'.repeat(121)}`, '## <br>', '## ![](wave.png)', '## [](flood.md)'])(
    'and a line without one is no heading: %s',
    line => expect(markedHeading(line)).toBeUndefined(),
  )

  it('above a line', () => {
    expect(underlinedHeading('**The** [Flood](a.md) {#b}', '===')).toMatchObject({
      heading: { title: 'The Flood' },
      level: 1,
    })
    expect(underlinedHeading('![](a.png)', '---')).toBeUndefined()
  })

  it('but not in an EPUB or a DOCX, which have marks of their own', () => {
    expect(levelHeading('The *Flood* [1](2) {#c}', 1).heading.title).toBe('The *Flood* [1](2) {#c}')
  })

  it('and names and numbers of chapters are found in it', async () => {
    const chapters = [1, 2, 3].map(n => `## **Chapter ${n}**: *Night ${n}* {#night-${n}}\n\n${prose(n)}`)
    const found = await survey(`# **The** [Weir](weir.md)\n\n${chapters.join('\n\n')}`, 'weir.md')
    expect(found.title).toBe('The Weir')
    expect(outlineOf(found)).toEqual({
      '': ['Chapter 1: Night 1', 'Chapter 2: Night 2', 'Chapter 3: Night 3'],
    })
    expect(found.warnings).toEqual([])
  })
})
