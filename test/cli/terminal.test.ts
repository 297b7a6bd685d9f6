import { PassThrough, Writable } from 'node:stream'
import { describe, expect, test } from 'vitest'
import { createTerminal, progressBar } from '../../src/cli/terminal.ts'

/** A screen that knows the two sequences that the terminal uses: up over lines, and erase to the end. */
class Screen extends Writable {
  readonly isTTY: boolean
  readonly columns = 20
  lines: string[] = ['']

  constructor(isTTY: boolean) {
    super({ decodeStrings: false })
    this.isTTY = isTTY
  }

  override _write(text: string, _encoding: string, done: () => void): void {
    const [up, erase] = text.split('\u001b[').slice(1)
    if (up !== undefined && erase === '0J')
      this.lines = [...this.lines.slice(0, this.lines.length - 1 - Number.parseInt(up, 10)), '']
    else {
      const [first = '', ...rest] = text.split('\n')
      this.lines[this.lines.length - 1] += first
      this.lines.push(...rest)
    }
    done()
  }
}

function terminalOn(isTTY: boolean) {
  const screen = new Screen(isTTY)
  const stdin = Object.assign(new PassThrough(), { isTTY })
  return { screen, stdin, terminal: createTerminal({ stdin, stdout: screen, stderr: screen }) }
}

describe('the terminal', () => {
  test('draws live lines over the last ones, below all others', () => {
    const { screen, terminal } = terminalOn(true)
    terminal.out('first')
    terminal.live(['a 1', 'b 1'])
    terminal.note('said in between')
    terminal.live(['a 2', 'b 2', 'c 2'])
    terminal.out('second')
    terminal.live(['a 3'])
    expect(screen.lines).toEqual(['first', 'said in between', 'second', 'a 3', ''])
    terminal.keep()
    terminal.out('third')
    expect(screen.lines).toEqual(['first', 'said in between', 'second', 'a 3', 'third', ''])
  })

  test('cuts live lines to its width, so that none takes two rows', () => {
    const { screen, terminal } = terminalOn(true)
    terminal.live(['x'.repeat(50), '第一章第二章第三章第四章'])
    expect(screen.lines).toEqual([`${'x'.repeat(18)}…`, '第一章第二章第三章…', ''])
  })

  test('elsewhere shows no live lines', () => {
    const { screen, terminal } = terminalOn(false)
    terminal.live(['a'])
    terminal.out('b')
    expect(screen.lines).toEqual(['b', ''])
    expect([terminal.isInteractive, terminal.canAsk]).toEqual([false, false])
  })

  test('escapes the controls of what it prints', async () => {
    const { screen, stdin, terminal } = terminalOn(false)
    const hostile = '\u001b[2J\u009b1m\u202e\u2028\r\nb\tc'
    const escaped = '\\u001b[2J\\u009b1m\\u202e\\u2028'
    for (const print of [terminal.out, terminal.note]) print(hostile)
    terminal.log(`${hostile}\n`)
    stdin.end()
    await terminal.confirm(hostile)
    const line = `${escaped}\\u000d\\u000ab\\u0009c`
    expect(screen.lines).toEqual([line, line, escaped, 'b\tc', `${line} [y/N] `])
  })

  test.each([
    [true, '\\u001b[2J\\u009b1m\\u0000\\u202e\\u2028\n\\u000cb\tc'],
    [false, '\\u001b[2J\\u009b1m\\u0000\u202e\u2028\r\n\fb\tc'],
  ])(
    'escapes what commands a terminal in a text (on a terminal: %s), and in a file nothing else',
    (isTTY, shown) => {
      const { screen, terminal } = terminalOn(isTTY)
      terminal.write('\u001b[2J\u009b1m\0\u202e\u2028\r\n\fb\tc')
      expect(screen.lines.join('\n')).toBe(shown)
    },
  )

  test.each([true, false])(
    'leaves the marks of Arabic and Hebrew in texts and lines (on a terminal: %s)',
    isTTY => {
      const { screen, terminal } = terminalOn(isTTY)
      const text = '\u061c\u200f\u05e9\u05dc\u05d5\u05dd\u200e 3'
      for (const print of [terminal.out, terminal.note]) print(text)
      for (const print of [terminal.write, terminal.log]) print(`${text}\n`)
      expect(screen.lines).toEqual([text, text, text, text, ''])
    },
  )

  test('escapes the controls of live lines, and counts the columns that they take then', () => {
    const { screen, terminal } = terminalOn(true)
    terminal.live(['\u001b[2J\n\u202e'])
    expect(screen.lines).toEqual(['\\u001b[2J\\u000a\\u2…', ''])
  })

  test.each([
    ['y\n', true],
    ['YES\n', true],
    ['\n', false],
    ['no\n', false],
    ['yesterday\n', false],
  ])('the answer %j is %s', async (answer, agreed) => {
    const { stdin, terminal } = terminalOn(false)
    stdin.write(answer)
    expect(await terminal.confirm('Import?')).toBe(agreed)
  })

  test('an input that ends is no', async () => {
    const { stdin, terminal } = terminalOn(false)
    stdin.end()
    expect(await terminal.confirm('Import?')).toBe(false)
  })
})

describe('a progress bar', () => {
  test.each([
    [0, 10, '[----------]'],
    [5, 10, '[#####-----]'],
    [99, 100, '[#########-]'],
    [100, 100, '[##########]'],
    [12, 10, '[##########]'],
    [0, 0, '[----------]'],
  ])('of %i of %i', (done, total, bar) => {
    expect(progressBar(done, total, 10)).toBe(bar)
  })
})

describe('a secret', () => {
  test('that is typed is not shown; only the question is', async () => {
    const { screen, stdin, terminal } = terminalOn(true)
    const reading = terminal.readSecret('The key: ')
    stdin.write('sk-s3cret\r')
    expect(await reading).toBe('sk-s3cret')
    expect(screen.lines).toEqual(['The key: ', ''])
  })

  test('that is piped in is read to its end, and nothing is asked', async () => {
    const { screen, stdin, terminal } = terminalOn(false)
    const reading = terminal.readSecret('The key: ')
    stdin.write('sk-')
    stdin.end('s3cret\n')
    expect(await reading).toBe('sk-s3cret\n')
    expect(screen.lines).toEqual([''])
  })

  test('without end is not read without end', async () => {
    const { stdin, terminal } = terminalOn(false)
    const reading = terminal.readSecret('The key: ')
    stdin.write('x'.repeat(100_000))
    expect((await reading).length).toBeLessThanOrEqual(100_000)
  })
})
