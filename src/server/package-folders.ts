/** Folders that come with the package: at the same place for the sources and for the build. */

/** The web pages, which the build makes; not there in a checkout where only the server was built. */
export const pagesFolder = new URL('../../dist/dashboard/', import.meta.url)

/** The sample: short stories of our own. */
export const samplesFolder = new URL('../../samples/', import.meta.url)
