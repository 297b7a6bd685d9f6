/** Encodings that novels come in, by their names in the Encoding Standard, the most usual first. The server knows more. */
export const usualEncodings = [
  'utf-8',
  'gb18030',
  'big5',
  'utf-16le',
  'utf-16be',
  'windows-1252',
  'shift_jis',
  'euc-jp',
  'euc-kr',
  'windows-1251',
  'koi8-r',
  'iso-8859-2',
  'windows-1250',
] as const

/** How sure the reading of a file is, in words rather than in figures. */
export function confidenceOf(share: number): 'certain' | 'probable' | 'guess' {
  if (share >= 0.9) return 'certain'
  return share >= 0.5 ? 'probable' : 'guess'
}

/** Whether a file brings its encoding along, so that there is nothing to choose. */
export function saysItself(fileName: string): boolean {
  return /\.(?:epub|docx)$/i.test(fileName)
}
