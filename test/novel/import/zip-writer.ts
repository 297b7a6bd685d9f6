import { crc32, deflateRawSync } from 'node:zlib'

/** A file of an archive, and what its headers say wrongly of it. */
export interface ZipFile {
  readonly name: string
  readonly content: string | Uint8Array
  /** Not packed, as the first file of an EPUB has to be. */
  readonly stored?: boolean
  readonly encrypted?: boolean
  /** Packing method that the headers name. */
  readonly method?: number
  /** Unpacked length that the headers name. */
  readonly size?: number
  readonly crc?: number
}

/** Writes a ZIP archive: local files, directory, end. */
export function zip(files: readonly ZipFile[]): Buffer {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const file of files) {
    const bytes = typeof file.content === 'string' ? Buffer.from(file.content) : Buffer.from(file.content)
    const packed = file.stored === true ? bytes : deflateRawSync(bytes)
    const name = Buffer.from(file.name)
    const fields = fieldsOf(file, bytes, packed, name)
    const local = Buffer.concat([
      Buffer.from('PK\x03\x04'),
      Buffer.from([20, 0]),
      fields,
      Buffer.alloc(2),
      name,
    ])
    parts.push(local, packed)
    const central = Buffer.alloc(14)
    central.writeUInt32LE(offset, 10)
    directory.push(
      Buffer.concat([
        Buffer.from('PK\x01\x02'),
        Buffer.from([20, 0, 20, 0]),
        fields,
        Buffer.alloc(2),
        central,
        name,
      ]),
    )
    offset += local.length + packed.length
  }
  const listed = Buffer.concat(directory)
  const end = Buffer.alloc(22)
  end.write('PK\x05\x06', 'latin1')
  end.writeUInt16LE(files.length & 0xffff, 8)
  end.writeUInt16LE(files.length & 0xffff, 10)
  end.writeUInt32LE(listed.length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...parts, listed, end])
}

/** What both headers of a file say, from its flags to the length of its name. */
function fieldsOf(file: ZipFile, bytes: Buffer, packed: Buffer, name: Buffer): Buffer {
  const fields = Buffer.alloc(22)
  fields.writeUInt16LE((file.encrypted === true ? 1 : 0) | 0x800, 0)
  fields.writeUInt16LE(file.method ?? (file.stored === true ? 0 : 8), 2)
  fields.writeUInt32LE(file.crc ?? crc32(bytes), 8)
  fields.writeUInt32LE(packed.length, 12)
  fields.writeUInt32LE(file.size ?? bytes.length, 16)
  fields.writeUInt16LE(name.length, 20)
  return fields
}
