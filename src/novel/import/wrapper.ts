/** Lines with which Project Gutenberg encloses a book. What is outside is kept, but not as chapters. */
const START = /^\*{3}\s?START OF (?:THE|THIS) PROJECT GUTENBERG/i
const SMALL_PRINT_END = /^\*END\s?\*?\s?THE SMALL PRINT/i
const END = /^(?:\*{3}\s?END OF (?:THE|THIS) PROJECT GUTENBERG|End of (?:the |this )?Project Gutenberg)/i

/** Whether a line closes what stands before the book. */
export function isWrapperStart(line: string): boolean {
  return line.startsWith('*') && (START.test(line) || SMALL_PRINT_END.test(line))
}

/** Whether a line opens what stands after the book. */
export function isWrapperEnd(line: string): boolean {
  return (line.startsWith('*') || line.startsWith('E')) && END.test(line)
}
