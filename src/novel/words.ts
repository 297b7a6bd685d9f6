/**
 * The one rule by which words and characters are counted, in the preview of an import as in the library: each Han, kana or hangul
 * character is a word; elsewhere each run of letters and digits is one. Characters are those that can be seen.
 */
export { type Measure, measure } from './import/measure.ts'
