/** The part of a structured logger that the engine uses; pino is one. */
export interface Logger {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** A logger that says nothing. */
export const silentLog: Logger = { info: () => undefined, warn: () => undefined, error: () => undefined }
