import fc from 'fast-check'

const fragments = [
  '。',
  '！',
  '？',
  '”',
  '“',
  '「',
  '」',
  '，',
  '……',
  '——',
  '话说天下大势',
  '玄德曰：',
  '分久必合',
  '云长大怒',
  '　　',
  '\n',
  '\r\n',
  '\n\n',
  '\u2028',
  ' ',
  '. ',
  '! ',
  '? ',
  ', ',
  '"',
  "'",
  '’',
  '‘',
  '`',
  'Mr. ',
  'Dr. ',
  'St. ',
  'e.g. ',
  'He said',
  'Alice',
  'the rabbit',
  'ran',
  'I',
  '😀',
  '𠀀',
  '한국어',
  'カタカナ',
  '7',
  'Ａ',
]

/** Texts with much punctuation, broken quotations, line breaks of every kind, and characters of two code units. */
export const hardText = fc.oneof(
  fc.array(fc.constantFrom(...fragments), { maxLength: 80 }).map(parts => parts.join('')),
  fc.string({ unit: 'binary', maxLength: 60 }),
)

/** Texts with at least one letter. */
export const textWithLetters = hardText.filter(text => /[\p{L}\p{N}]/u.test(text))
