/** The prompt of a scene in a terminal. */
import type { PreviewJson } from '../http/schemas/preview.ts'
import { printable } from './text.ts'
import { costText, countOf, tokensText } from './words.ts'

type Block = PreviewJson['blocks'][number]
type Reason = Block['shown'][number]['reason']

/** Returns what a model would be shown: each block with its sources, what is left out of it, and its text. */
export function previewLines(preview: PreviewJson): string[] {
  const { blocks, model, expected, problem, shared, prompt, part, parts } = preview
  const cost =
    expected?.cost === undefined ? '' : `, ${costText(expected.cost)} ${printable(expected.currency ?? '')}`
  const whose = { product: 'the product', server: 'the server', novel: 'the novel', trial: 'this trial' }
  const made =
    prompt === undefined
      ? []
      : [`Prompt ${prompt.name}.${prompt.language} of ${whose[prompt.from]}, part ${part} of ${parts}.`]
  return [
    ...made,
    ...blocks.flatMap(blockLines),
    ...passageLines(preview),
    ...shared.map(
      ({ name }) => `The name ${printable(name)} belongs to several entries: it counts for none.`,
    ),
    ...(problem === undefined ? [] : [`Writing it would fail: ${printable(problem.message)}`]),
    ...(expected === undefined
      ? ['There is no model for prose: this is the prompt for a large one.']
      : [
          `${countOf(expected.calls, 'call')} of ${printable(model ?? '')}: about ${tokensText(expected)}${cost}.`,
        ]),
  ]
}

function passageLines({ passageSearch: search }: PreviewJson): string[] {
  if (search === undefined) return []
  if (search.by === 'both') return [`Passages: by words and meaning (${printable(search.model ?? '')}).`]
  const { reason = 'not-asked', message = '' } = search.degraded ?? {}
  return [`Passages: by words alone (${reason}${message === '' ? '' : `: ${printable(message)}`}).`]
}

function blockLines({ kind, tokens, shown, leftOut, text }: Block): string[] {
  const name = ({ of, title }: { of: string; title: string }) => printable(title === '' ? of : title)
  return [
    `== ${kind}, ${countOf(tokens, 'token')}`,
    ...shown.map(source => {
      const cut = source.isCut === true ? ', only a part' : ''
      return `  + ${name(source)}: ${reasonText(source.reason)}${cut} (${countOf(source.tokens, 'token')})`
    }),
    ...leftOut.map(source => `  - ${name(source)}: ${source.reason}`),
    ...text
      .trim()
      .split('\n')
      .map(line => `    ${printable(line)}`.trimEnd()),
    '',
  ]
}

function reasonText(reason: Reason): string {
  return reason.why === 'mentioned' ? `mentioned as ${printable(reason.names.join(', '))}` : reason.why
}
