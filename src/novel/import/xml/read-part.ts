import type { Archive } from '../archive/archive.ts'
import { decodeXml } from './decode-xml.ts'
import { type XmlEvents, XmlReader } from './read-xml.ts'

/**
 * Reads an XML file of an archive to its end and answers how many faults it has. For the files that tell what is where: of their
 * texts, only what the events keep stays in memory. Throws as `Archive.read` and `XmlReader` do.
 */
export async function readPart(archive: Archive, name: string, events: XmlEvents): Promise<number> {
  const { text } = await decodeXml(archive.read(name))
  const reader = new XmlReader({ name, bounds: archive.bounds }, events)
  for await (const piece of text) reader.push(piece)
  reader.end()
  return reader.faults
}
