/** Keeps the files of a server to its user: closes what is open to other users, and refuses links and what is not the user's own. */
import fs from 'node:fs'
import path from 'node:path'
import { placesOf } from './data-directory.ts'
import { invalid } from './settings.ts'

/** The files that a process is about to use. */
export interface OwnFiles {
  readonly data?: string
  /** A configuration file, also outside the data directory. */
  readonly configuration?: string | undefined
  /** An SQLite file, also outside the data directory. */
  readonly sqliteFile?: string
  /** A folder of uploaded files. Default: that of the data directory. */
  readonly uploads?: string
  /** Owners and modes are left as they are. Links are refused all the same. */
  readonly allowOpenData: boolean
}

/** How one path is judged. */
interface Rule {
  /** A link that this user or root made is followed. Default: any link is refused, because Quillwork writes there. */
  readonly followsLinks?: boolean
  /** Others may read it where it cannot be closed, such as a configuration that root mounted. */
  readonly mayBeRead?: boolean
  /** Others go on reading it where root owns it: the service that it is for runs as another user than root. */
  readonly keepsReaders?: boolean
  /** Whose things a folder holds. Default: those of Quillwork. */
  readonly contentOf?: (found: Found) => Content
}

/**
 * A folder is closed where all in it is of Quillwork, left as it is where some is, and refused where none is, such as `/tmp` and a home, or where
 * all in it may be of Quillwork or of another program.
 */
type Content = 'own' | 'mixed' | 'foreign' | 'unproved'

/** A path that exists, with what it leads to. */
interface Found {
  readonly place: string
  /** It was reached through a link. */
  readonly isLinked?: boolean
  readonly stat: fs.Stats
}

const dataRule: Rule = { followsLinks: true, contentOf: dataContent }
const uploadsRule: Rule = { contentOf: uploadsContent }
/** The names that the folder of uploads gives; other files in it are of others. */
const uploadName = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}\.txt(\.part)?$/
/** In a data directory, and elsewhere. */
const ownConfigurationRule: Rule = { followsLinks: true, mayBeRead: true }
const configurationRule: Rule = { ...ownConfigurationRule, keepsReaders: true }
/** Names that only a data directory has, also those of copies of a database. */
const evidence = /^quillwork\.(db.*|json)$/
/** What a system puts into any folder. */
const incidental = /^(\..*|@eaDir|lost\+found)$/
/** Bits of a mode: of a folder in which only owners remove files, and of what the owner, all others, or some of them may do. */
const [sticky, ownerWrite, anyAccess, anyWrite, publicWrite] = [0o1000, 0o200, 0o077, 0o022, 0o002]
/** Paths that one line names. */
const mostNamed = 4

/**
 * Closes to other users what belongs to this one: folders get the mode 700, files 600; a configuration of root stays readable, and a folder with
 * other things stays as it is. Returns what was open, with the mode that it had. Throws CONFIG_INVALID, with the command to type, for a link, for what belongs to neither this user nor root, and for what cannot be closed. Does nothing on Windows, which has no modes. `user` is the one that this process acts as.
 */
export function closeToOthers(
  { data, configuration, sqliteFile, ...rest }: OwnFiles,
  user = process.geteuid?.(),
): readonly string[] {
  if (user === undefined) return []
  const { allowOpenData, uploads = data && placesOf(data).uploads } = rest
  const closed: string[] = []
  const close = (place: string, rule: Rule = {}) => {
    const found = find(place, rule, user)
    if (found === undefined || allowOpenData) return
    requireOwner(found, rule, user)
    if (isOpen(found.stat) && closePath(found, rule, user)) closed.push(`${place} (was ${modeText(found)})`)
  }
  if (data !== undefined) {
    close(data, dataRule)
    for (const name of namesIn(data).filter(each => isOwnName(each) && each !== written.uploads))
      close(path.join(data, name), name === configurationName ? ownConfigurationRule : {})
  }
  if (uploads !== undefined) {
    close(uploads, uploadsRule)
    for (const name of namesIn(uploads).filter(each => uploadName.test(each))) close(path.join(uploads, name))
  }
  if (closed.length > 0 && data !== undefined) closed.unshift(...leftOpen(data))
  if (configuration !== undefined) close(configuration, configurationRule)
  if (sqliteFile !== undefined) {
    if (!allowOpenData) refuseSharedFolder(path.dirname(sqliteFile), user)
    for (const suffix of ['', '-wal', '-shm', '-journal']) close(sqliteFile + suffix)
  }
  return closed
}

/** Returns words for a data directory that stays open because it holds other things, beside those for its files. */
function leftOpen(data: string): string[] {
  const stat = inspect(data, fs.statSync)
  if (stat === undefined || !isOpen(stat)) return []
  const mode = modeText({ place: data, stat })
  return [`what is of Quillwork in ${data} (which holds other things and stays ${mode})`]
}

/** Returns the line that tells people what `closeToOthers` closed, undefined for nothing. */
export function closedText(closed: readonly string[]): string | undefined {
  if (closed.length === 0) return undefined
  const more = closed.length > mostNamed ? ` and ${closed.length - mostNamed} more` : ''
  return `closed to other users: ${closed.slice(0, mostNamed).join(', ')}${more}`
}

const { configuration: configurationName, ...written } = placesOf('')
const baseNames = [configurationName, ...Object.values(written)].join('|').replaceAll('.', '\\.')
/** The names of a data directory, also of what is being written, with what SQLite keeps beside its file. */
const ownName = new RegExp(`^(${baseNames})(\\.\\d+|(\\.filling)?(-wal|-shm|-journal)?)$`)

function isOwnName(name: string): boolean {
  return ownName.test(name)
}

/** Returns what is there, undefined for nothing. Throws CONFIG_INVALID for a link that is not followed. */
function find(place: string, { followsLinks = false }: Rule, user: number): Found | undefined {
  const stat = inspect(place)
  if (stat === undefined || !stat.isSymbolicLink()) return stat && { place, stat }
  if (!followsLinks || !isOwner(stat, user))
    throw invalid(
      `${place} is a link, made by uid ${stat.uid}, and what it leads to may belong to others. Put there what it leads to, ` +
        `or nothing. To remove the link, type: rm ${quoted(place)}`,
    )
  const target = inspect(place, fs.statSync)
  return target && { place, isLinked: true, stat: target }
}

/** Returns what is known of a path, undefined where nothing is there. Throws CONFIG_INVALID where this user may not look. */
function inspect(place: string, look = fs.lstatSync): fs.Stats | undefined {
  return unlessMissing(place, () => look(place))
}

function namesIn(folder: string): string[] {
  return unlessMissing(folder, () => fs.readdirSync(folder)) ?? []
}

function unlessMissing<T>(place: string, look: () => T): T | undefined {
  try {
    return look()
  } catch (error) {
    // A file in the place of a folder is refused where the folder is made.
    if (/^(ENOENT|ENOTDIR)$/.test(String((error as NodeJS.ErrnoException).code))) return undefined
    throw invalid(`${place} cannot be read: ${error instanceof Error ? error.message : String(error)}`, error)
  }
}

function isOwner({ uid }: fs.Stats, user: number): boolean {
  return uid === user || uid === 0
}

function isOpen({ mode }: fs.Stats, by = anyAccess): boolean {
  return (mode & by) !== 0
}

function requireOwner(found: Found, rule: Rule, user: number): void {
  if (isOwner(found.stat, user)) return
  const command = contentOf(found, rule) !== 'own' ? '' : ` To take it over, type: ${takeOver(found, user)}`
  throw invalid(
    `${found.place} belongs to another user (uid ${found.stat.uid}), who can read and change it. Run this as that user, or ` +
      `name a data directory or file of your own.${command}${volumeHint}`,
  )
}

/** Closes an open path. Returns false where it stays as it is, throws CONFIG_INVALID where it may not. */
function closePath(found: Found, rule: Rule, user: number): boolean {
  const { place, stat } = found
  const { mayBeRead = false, keepsReaders = mayBeRead && found.isLinked === true } = rule
  const without = keepsReaders && stat.uid === 0 ? anyWrite : anyAccess
  if (!isOpen(stat, without)) return false
  const open = `${place} can be ${isOpen(stat, anyWrite) ? 'changed' : 'read'} by other users (mode ${modeText(found)})`
  const content = contentOf(found, rule)
  if (content === 'unproved' && stat.uid === user)
    throw invalid(
      `${open}, and nothing in it shows that it is a data directory of Quillwork, so it is not closed. If it is one, type: ` +
        `chmod 700 ${quoted(place)}. If not, name a folder within it: --data ${quoted(path.join(place, 'quillwork'))}`,
    )
  if (content === 'foreign' || content === 'unproved')
    throw invalid(
      `${open}, and it holds other things than the data of Quillwork, so it is not closed. Name a folder within it: ` +
        `--data ${quoted(path.join(place, 'quillwork'))}`,
    )
  if (content === 'mixed') {
    if (!isOpen(stat, anyWrite)) return false
    const sudo = stat.uid === user ? '' : 'sudo '
    throw invalid(
      `${open}, and it holds other things than the files of Quillwork, so it is not closed. ` +
        `Type: ${sudo}chmod go-w ${quoted(place)}${volumeHint}${stat.uid === user ? '' : groupHint(found, rule)}`,
    )
  }
  if (stat.uid === user && setMode(found, without)) return true
  if (mayBeRead && !isOpen(stat, anyWrite)) return false
  if (stat.uid === user)
    throw invalid(
      `${open}, and its mode could not be changed. Type: chmod ${wantedMode(found)} ${quoted(place)}${volumeHint}`,
    )
  const command = mayBeRead ? `sudo chmod go-w ${quoted(place)}` : takeOver(found, user)
  throw invalid(`${open}, and it belongs to root. Type: ${command}${volumeHint}${groupHint(found, rule)}`)
}

function contentOf(found: Found, rule: Rule): Content {
  try {
    return rule.contentOf?.(found) ?? 'own'
  } catch {
    return 'foreign'
  }
}

function dataContent({ place, stat }: Found): Content {
  const isShared = isOpen(stat, sticky)
  // As /tmp is, and a volume in memory: there, names with a dot are those of other users.
  const names = namesIn(place).filter(name => (isShared ? name !== 'lost+found' : !incidental.test(name)))
  if (names.length === 0) return 'own'
  if (!names.some(name => evidence.test(name)))
    return !isShared && names.every(isOwnName) ? 'unproved' : 'foreign'
  if (names.every(name => isOwnName(name) || evidence.test(name))) return 'own'
  return isShared ? 'foreign' : 'mixed'
}

function uploadsContent({ place }: Found): Content {
  return namesIn(place).every(name => uploadName.test(name) || incidental.test(name)) ? 'own' : 'mixed'
}

/** Takes bits from the mode of what was judged, not of what another user may have put there since. Returns whether they are gone. */
function setMode({ place, stat }: Found, without: number): boolean {
  try {
    const descriptor = fs.openSync(place, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK)
    try {
      const { dev, ino } = fs.fstatSync(descriptor)
      if (dev !== stat.dev || ino !== stat.ino) return false
      const closed = stat.isDirectory() ? 0o700 : 0o600
      fs.fchmodSync(descriptor, closed | (stat.mode & anyAccess & ~without))
      return !isOpen(fs.fstatSync(descriptor), without)
    } finally {
      fs.closeSync(descriptor)
    }
  } catch {
    return false
  }
}

/**
 * Throws CONFIG_INVALID for a file with a secret that others can change. They may read it, and it may be another's where nobody writes to it: it may be
 * mounted into a container, or meant for several services.
 */
export function refuseChangeable(place: string, user = process.geteuid?.()): void {
  const stat = user === undefined ? undefined : inspect(place, fs.statSync)
  if (stat === undefined || user === undefined) return
  const ofOthers = isOwner(stat, user) ? anyWrite : anyWrite | ownerWrite
  if (!isOpen(stat, ofOthers)) return
  const sudo = stat.uid === user ? '' : 'sudo '
  throw invalid(
    `${place} can be changed by other users (uid ${stat.uid}, mode ${modeText({ place, stat })}). ` +
      `Type: ${sudo}chmod ${isOwner(stat, user) ? 'go-w' : 'a-w'} ${quoted(place)}`,
  )
}

/** Throws CONFIG_INVALID for the folder of a database in which others can replace it. It may hold other things, so its mode is left as it is. */
function refuseSharedFolder(place: string, user: number): void {
  const stat = inspect(place, fs.statSync)
  if (stat === undefined) return
  const found = { place, stat }
  requireOwner(found, dataRule, user)
  if (!isOpen(stat, publicWrite) || isOpen(stat, sticky)) return
  const sudo = stat.uid === user ? '' : 'sudo '
  throw invalid(
    `Other users can replace the database, because they can write in ${place} (mode ${modeText(found)}). ` +
      `Type: ${sudo}chmod o-w ${quoted(place)}${volumeHint}`,
  )
}

const volumeHint = ' (on a volume without owners and modes: start with --allow-open-data)'

/** Returns what to do with a volume that was mounted for a group, whose owner cannot be changed. */
function groupHint({ place, stat }: Found, { contentOf: isData }: Rule): string {
  const mayWrite = isOpen(stat, anyWrite) && !isOpen(stat, publicWrite) && isWritable(place)
  if (isData !== dataContent || !mayWrite) return ''
  const within = quoted(path.join(place, 'quillwork'))
  return `. Where it was mounted for a group: move the data into a folder within it and use that, --data ${within}, or start with --allow-open-data`
}

function isWritable(place: string): boolean {
  try {
    fs.accessSync(place, fs.constants.W_OK)
    return true
  } catch {
    return false
  }
}

function takeOver({ place, stat }: Found, user: number): string {
  return `${user === 0 ? '' : 'sudo '}chown ${stat.isDirectory() ? '-R ' : ''}${user} ${quoted(place)}`
}

function wantedMode({ stat }: Found): string {
  return stat.isDirectory() ? '700' : '600'
}

function modeText({ stat }: Found): string {
  return (stat.mode & 0o7777).toString(8)
}

function quoted(text: string): string {
  return /^[\w./@%+=:,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}
