import { isIP } from 'node:net'

/** Whether a text is an IP address, or a network such as `10.0.0.0/8`. One that holds every address is none. */
export function isNetwork(text: string): boolean {
  const [, address = '', prefix = '1'] = /^([\da-f.:]+)(?:\/(\d{1,3}))?$/i.exec(text) ?? []
  const version = isIP(address)
  return version !== 0 && Number(prefix) >= 1 && Number(prefix) <= (version === 4 ? 32 : 128)
}
