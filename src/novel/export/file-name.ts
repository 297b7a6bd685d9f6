/** Names of files that Windows, macOS and Linux all take, in any script. */
import { withoutControls } from '../../task/controls.ts'

/** Length of a name with its extension, UTF-16 code units; and bytes of UTF-8, of which file systems take 255. */
const mostUnits = 100
const mostBytes = 200

/** Names that Windows keeps for devices, whatever their extension. */
const device = /^(?:con|prn|aux|nul|com[\d¹²³]|lpt[\d¹²³]|conin\$|conout\$) *(?:\.|$)/i

/** Returns the name of the file of a novel or a part of it: its title as far as it can be in a name, and the extension. */
export function fileNameOf(title: string, extension: string): string {
  const room = mostUnits - extension.length - 1
  const name = plainName(title, room)
  return `${device.test(name) ? `_${name}`.slice(0, room) : name || 'novel'}.${extension}`
}

/** Returns the name of a file that no other one has: a title as far as there is room beside the id. */
export function distinctFileName(
  title: string,
  { id, extension }: { id: string; extension: string },
): string {
  const name = plainName(title, Math.max(0, mostUnits - id.length - extension.length - 2))
  return `${name === '' ? '' : `${name}-`}${id}.${extension}`
}

/** Returns the name of the file of a chapter, which no other chapter has. Names sort in the order of the chapters, of which `last` is the last number. */
export function chapterFileName(
  { position, title }: { readonly position: number; readonly title: string },
  { last, extension }: { readonly last: number; readonly extension: string },
): string {
  const number = String(position + 1).padStart(Math.max(3, String(last).length), '0')
  const name = plainName(title, mostUnits - number.length - extension.length - 2)
  return `${name === '' ? number : `${number} ${name}`}.${extension}`
}

/** Returns what of a text can be in a name: without separators of paths, wildcards, controls, and dots at its ends. May be empty. */
function plainName(text: string, room: number): string {
  const plain = withoutControls(text.slice(0, 4 * mostUnits))
    .replace(/[\p{Surrogate}\u200b\ufeff\ufffe\uffff]/gu, '')
    .replace(/[<>:"/\\|?*]/g, ' ')
    .normalize('NFC')
    .replace(/\s+/g, ' ')
  return trimmed(cut(trimmed(plain), room))
}

/** Windows takes no dot and no space at the end; at the beginning a dot hides a file. */
function trimmed(text: string): string {
  return text.replace(/^[. ]+/, '').replace(/[. ]+$/, '')
}

/** Returns as many whole characters as there is room for. */
function cut(text: string, room: number): string {
  let kept = ''
  for (const { segment } of new Intl.Segmenter().segment(text)) {
    const longer = kept + segment
    if (longer.length > room || Buffer.byteLength(longer) > mostBytes) break
    kept = longer
  }
  return kept
}
