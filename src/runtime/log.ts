/** The part of a structured logger that the engine uses; pino is one. */
export interface Logger {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/**
 * Returns a logger that never throws. What is logged may be an error that cannot be read, and the code that logs it goes on. Where the logger
 * throws, it gets the line once more, with what `messageOf` returns in place of the error.
 */
export function guardLog(log: Logger, messageOf: (error: unknown) => string): Logger {
  const guarded = (level: keyof Logger) => (fields: object, message: string) => {
    try {
      log[level](fields, message)
    } catch {
      try {
        log[level]('err' in fields ? { ...fields, err: messageOf(fields.err) } : fields, message)
      } catch {
        // Nobody can be told.
      }
    }
  }
  return { info: guarded('info'), warn: guarded('warn'), error: guarded('error') }
}

/** A logger that says nothing. */
export const silentLog: Logger = { info: () => undefined, warn: () => undefined, error: () => undefined }
