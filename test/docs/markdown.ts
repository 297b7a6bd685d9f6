/** A fenced block of a document. */
export interface Block {
  /** First word of the info string: `ts`, `console`, `json`. */
  language: string
  /** The rest of it: a file name, or how the block is run. */
  info: string
  text: string
  /** Line of the document on which the block begins, from 1. */
  line: number
  /** The paragraph before it. */
  before: string
}

/** The fenced blocks of a document, in order. */
export function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = []
  const lines = markdown.split('\n')
  for (let at = 0; at < lines.length; at++) {
    const fence = /^```(\S+) ?(.*)$/.exec(lines[at] ?? '')
    if (fence === null) continue
    const end = lines.indexOf('```', at + 1)
    if (end < 0) throw new Error(`the block of line ${at + 1} does not end`)
    const [, language = '', info = ''] = fence
    const before = lines.slice(0, at).join('\n').trimEnd().split('\n\n').at(-1) ?? ''
    blocks.push({ language, info, text: `${lines.slice(at + 1, end).join('\n')}\n`, line: at + 1, before })
    at = end
  }
  return blocks
}

/** A command of a transcript and what it prints. */
export interface Step {
  command: string
  prints: string
}

/** The commands of a transcript: lines that begin with `$ `, each followed by what it prints. */
export function stepsOf(transcript: string): Step[] {
  return transcript
    .split(/^\$ /m)
    .slice(1)
    .map(step => {
      const [command = '', ...prints] = step.trimEnd().split('\n')
      return { command, prints: prints.join('\n') }
    })
}

/** Whether a text is what a document shows of it: `…` stands for anything, white space for any white space. */
export function looksLike(shown: string, text: string): boolean {
  const parts = shown.trim().split('…')
  const pattern = parts.map(part => part.trim().split(/\s+/).map(quoted).join('\\s+')).join('[\\s\\S]*?')
  return new RegExp(`^${pattern}$`).test(text.trim())
}

function quoted(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
}
