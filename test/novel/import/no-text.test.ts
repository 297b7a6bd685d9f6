import { createHash } from 'node:crypto'
import { deflateSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { encode } from './encoders.ts'
import { hanProse, prose, read } from './reading.ts'

/** Bytes without any order, the same in each run. */
function noise(length: number, seed = 'noise'): Buffer {
  const blocks = Array.from({ length: Math.ceil(length / 32) }, (_, i) =>
    createHash('sha256').update(`${seed} ${i}`).digest(),
  )
  return Buffer.concat(blocks).subarray(0, length)
}

const bytes = (hex: string, rest: Uint8Array = noise(4_000)) => Buffer.concat([Buffer.from(hex, 'hex'), rest])
const page = `<head><title>The Mill</title><meta charset="utf-8"></head><body><p>${prose(1)}</p></body></html>`
const refusal = (content: Uint8Array, encoding?: string) =>
  read(content, 'book.txt', encoding).then(
    ({ survey }) => survey.encoding.name,
    (error: unknown) => error,
  )

describe('a file that is no text is refused by its bytes', () => {
  it.each<[string, Uint8Array, RegExp]>([
    ['a PNG', bytes('89504e470d0a1a0a0000000d49484452'), /picture/],
    ['a JPEG', bytes('ffd8ffe000104a464946'), /picture/],
    ['a GIF', bytes('474946383961'), /picture/],
    ['a WebP', bytes('52494646001000005745425056503820'), /picture/],
    ['a TIFF', bytes('49492a0008000000'), /picture/],
    ['a white BMP', bytes('424d361b00000000000036000000', Buffer.alloc(4_000, 0xff)), /picture/],
    [
      'a tape archive',
      Buffer.concat([Buffer.from('a.txt'), Buffer.alloc(252), Buffer.from('ustar\0')]),
      /\.tar/,
    ],
    [
      'a tape archive of GNU',
      Buffer.concat([Buffer.from('a.txt'), Buffer.alloc(252), Buffer.from('ustar  \0')]),
      /\.tar/,
    ],
    [
      'a form',
      Buffer.from(`--x7\r\nContent-Disposition: form-data; name="file"\r\n\r\n${prose(1)}`),
      /form.*file itself/,
    ],
    [
      'XML',
      Buffer.from(`<?xml version="1.0"?><FictionBook><body><p>${prose(1)}</p></body></FictionBook>`),
      /XML/,
    ],
    [
      'a program',
      bytes('7f454c46020101000000000000000000', Buffer.alloc(3_000).fill('\x02\0\x3e\0\x01\0\0\0')),
      /control/,
    ],
    [
      'a compressed file without a head',
      deflateSync(Buffer.from(prose(1, 400).repeat(3) + noise(9_000).toString('hex'))),
      /control/,
    ],
    ['noise behind the mark of UTF-16', bytes('fffe', noise(40_000)), /control/],
  ])('%s', async (_name, content, message) => {
    expect(await refusal(content)).toMatchObject({
      code: 'FILE_KIND_UNSUPPORTED',
      message: expect.stringMatching(message),
    })
  })

  it.each([300, 1_000, 20_000, 200_000])('%i random bytes', async length => {
    for (let seed = 0; seed < 8; seed++) {
      const content = noise(length, `seed ${seed}`)
      for (const encoding of [undefined, 'utf-8', 'windows-1252', 'gb18030'])
        expect(await refusal(content, encoding)).toMatchObject({
          code: 'FILE_KIND_UNSUPPORTED',
          message: expect.stringMatching(/no text.*name its encoding/),
        })
    }
  })
})

describe('a page of HTML is known by its bytes', () => {
  it.each<[string, Uint8Array, string]>([
    ['with its type', Buffer.from(`<!DOCTYPE html>\n<html lang="en">${page}`), 'utf-8'],
    ['without its type', Buffer.from(`<HTML>${page.toUpperCase()}`), 'utf-8'],
    ['behind a mark, a comment and space', Buffer.from(`\ufeff\n <!-- saved -->\n<html>${page}`), 'utf-8'],
    ['as XHTML', Buffer.from(`<?xml version="1.0"?>\n<!DOCTYPE html PUBLIC "x">\n<html>${page}`), 'utf-8'],
    ['in UTF-16', Buffer.from(`\ufeff<html>${page}`, 'utf16le'), 'utf-16le'],
    ['in UTF-16 without a mark', Buffer.from(`<html>${page}`, 'utf16le'), 'utf-16le'],
    [
      'in GB18030',
      encode(`<html><head><title>渡口</title></head><p>${hanProse(1)}</p>`, 'gb18030'),
      'gb18030',
    ],
  ])('%s', async (_name, content, encoding) => {
    const { survey } = await read(content, 'book.txt')
    expect(survey).toMatchObject({ kind: 'html', encoding: { name: encoding } })
    expect(survey.title.toLowerCase()).toMatch(/^(?:the mill|渡口)$/)
  })
})

const japanese =
  '第一章　渡し場\n\n　川は夜のうちに増していた。渡し守はランプを持って、岸に立っていた。「もう舟は出ません」と彼は言った。\n'
const korean =
  '제1장 나루터\n\n강은 밤새 불어 있었다. 뱃사공은 등불을 들고 강가에 서 있었다. "이제 배는 없습니다." 그가 말했다.\n'
const russian =
  'Глава 1. Переправа\n\nРека поднялась за ночь. Паромщик стоял на берегу с фонарём. «Лодок больше нет», — сказал он.\n'
const traditional = '第一回　話說\n\n　　話說天下大勢，分久必合，合久必分。周末七國分爭，并入於秦。\n'
const french = 'Chapitre 1. Le bac\n\nIl était une fois, près de la forêt, « déjà », où l’été s’achève…\n'
const english = `Chapter 1. The Mill\n\n${prose(1)}\n`
const chinese = `第一章　渡口\n\n${hanProse(1)}\n`

describe('a text is not refused', () => {
  it('with mustard where a tape archive has its mark', async () => {
    const text = `${prose(1, 20).slice(0, 255)} mustard ${prose(2)}`
    expect(text.indexOf('ustar')).toBe(257)
    expect(await refusal(Buffer.from(text))).toBe('utf-8')
  })

  it.each<[string, string]>([
    ...[english, chinese, traditional, japanese, korean, russian, french].flatMap(
      (text): [string, string][] => ['utf-8', 'utf-16le', 'utf-16be'].map(encoding => [encoding, text]),
    ),
    ['gb18030', chinese],
    ['gb18030', traditional],
    ['big5', traditional],
    ['windows-1252', french],
    ['shift_jis', japanese],
    ['euc-kr', korean],
    ['windows-1251', russian],
  ])('%s: %s', async (encoding, text) => {
    for (const each of [text, text.repeat(30), text.repeat(3_000)]) {
      const content = encode(each, encoding)
      expect(await refusal(content)).toBe(encoding)
      expect(await refusal(content, encoding)).toBe(encoding)
    }
    if (!encoding.startsWith('utf-16')) return
    expect(await refusal(encode(`\ufeff${text}`, encoding))).toBe(encoding)
  })

  it.each<[string, string | Uint8Array]>([
    ['angle brackets', `${english}"<No>," he wrote, "1 < 2 and 3 > 2." <<Oui>>, <3\n`],
    ['a story about HTML', `<html> was all that she had typed. Then <body>, then nothing.\n\n${english}`],
    ['a story that begins with a document type', `<!DOCTYPE html>, it said on the wall.\n\n${english}`],
    [
      'a page of HTML within a story',
      `${english}\n<!DOCTYPE html>\n<html><body><p>Hello</p></body></html>\n${english}`,
    ],
    ['Markdown with tags', `<div align="center"><h1>The Mill</h1></div>\n\n# Chapter 1\n\n${prose(1)}<br>\n`],
    ['Markdown behind a comment', `<!-- draft -->\n\n# Chapter 1\n\n${prose(1)}\n`],
    ['a story about XML', `<?xml is what it began with.\n\n${english}`],
    ['dashes at its start', `--\nContent\n\n${english}`],
    ['a dialogue of dashes', `--- Hello\r\n--- Content-Disposition: is a header\r\n\r\n${english}`],
    ['a few control characters', `\x01${english}\x07\b${prose(2)}\x02\x1f\n${prose(3, 40)}`],
    ['form feeds, tabs and an end-of-file', `\f\t${english}\v\n\f${prose(2)}\x1a`],
    ['colours of a terminal', `\x1b[1mThe Mill\x1b[0m\n${english}`],
    ['NUL between and after', `${english}\0\n${prose(2)}${'\0'.repeat(4_000)}`],
    ['letters of another encoding', encode(russian, 'koi8-r')],
    [
      'bytes of the Macintosh',
      Uint8Array.from([...Buffer.from(english), 0x8e, 0x8f, 0x90, 0x9d, 0x88, 0x0d]),
    ],
    ['names of kinds', 'BM is what they called him. GIF, RIFF and II* were his dogs.\n'],
    ['nothing', ''],
    ['one letter', 'A'],
  ])('%s', async (_name, text) => {
    expect(await refusal(typeof text === 'string' ? Buffer.from(text) : text)).toEqual(expect.any(String))
  })
})
