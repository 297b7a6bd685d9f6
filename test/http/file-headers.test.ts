import { describe, expect, test } from 'vitest'
import { attachment, rangeIn } from '../../src/http/file-headers.ts'

describe('a range of a file of 10 bytes', () => {
  test.each([
    ['bytes=0-3', { from: 0, to: 4 }],
    ['bytes=4-', { from: 4, to: 10 }],
    ['bytes=9-9', { from: 9, to: 10 }],
    ['bytes=3-99', { from: 3, to: 10 }],
    ['bytes=-4', { from: 6, to: 10 }],
    ['bytes=-99', { from: 0, to: 10 }],
    ['Bytes=0-0', { from: 0, to: 1 }],
    ['bytes=10-', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    [undefined, undefined],
    ['bytes=5-4', undefined],
    ['bytes=0-1,4-5', undefined],
    ['bytes=-', undefined],
    ['bytes=a-b', undefined],
    ['lines=0-1', undefined],
    [`bytes=${'9'.repeat(400)}-`, undefined],
  ])('%j is %j', (header, range) => {
    expect(rangeIn(header, 10)).toEqual(range)
  })

  test('an empty file has no part', () => {
    expect([rangeIn('bytes=0-', 0), rangeIn('bytes=-1', 0)]).toEqual(['unsatisfiable', 'unsatisfiable'])
  })
})

describe('the disposition of a file', () => {
  test.each([
    ['The Salt Ledger.txt', 'filename="The Salt Ledger.txt"; filename*=UTF-8\'\'The%20Salt%20Ledger.txt'],
    ['渡口的钟.docx', 'filename="novel.docx"; filename*=UTF-8\'\'%E6%B8%A1%E5%8F%A3%E7%9A%84%E9%92%9F.docx'],
    ['Café (1).md', 'filename="Cafe (1).md"; filename*=UTF-8\'\'Caf%C3%A9%20%281%29.md'],
    [
      '50% "off"\\\r\nX: y.txt',
      'filename="50 offX: y.txt"; filename*=UTF-8\'\'50%25%20%22off%22%5C%0D%0AX%3A%20y.txt',
    ],
    ["it's*.txt", "filename=\"it's*.txt\"; filename*=UTF-8''it%27s%2A.txt"],
  ])('%j: %s', (name, disposition) => {
    expect(attachment(name)).toBe(`attachment; ${disposition}`)
  })
})
