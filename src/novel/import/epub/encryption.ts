import type { Archive } from '../archive/archive.ts'
import { overLimit } from '../archive/bounds.ts'
import { readPart } from '../xml/read-part.ts'
import { localName } from '../xml/read-xml.ts'
import { resolveTarget } from './paths.ts'

/** Ways to disguise embedded fonts. They lock nothing that is read here. */
const disguises = new Set(['http://www.idpf.org/2008/embedding', 'http://ns.adobe.com/pdf/enc#RC'])
const list = 'META-INF/encryption.xml'

/** The files of an EPUB that are encrypted so that only a licensed reader opens them. Throws what `readPart` throws. */
export async function lockedFiles(archive: Archive): Promise<ReadonlySet<string>> {
  const locked = new Set<string>()
  if (!archive.has(list)) return locked
  let isDisguise = false
  await readPart(archive, list, {
    open(name, attributes) {
      const local = localName(name)
      if (local === 'EncryptedData') isDisguise = false
      // The key of the data may have a method of its own, within the data.
      else if (local === 'EncryptionMethod') isDisguise ||= disguises.has(attributes['Algorithm'] ?? '')
      else if (local === 'CipherReference' && !isDisguise) {
        const target = resolveTarget('', attributes['URI'] ?? '')
        if (target !== undefined) locked.add(target.file)
        if (locked.size > archive.bounds.listed) throw overLimit('listed', archive.bounds.listed, list)
      }
    },
    close: () => undefined,
    text: () => undefined,
  })
  return locked
}
