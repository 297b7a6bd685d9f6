import {
  chmodSync,
  chownSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { QuillworkError } from 'quillwork'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  closedText,
  closeToOthers,
  type OwnFiles,
  refuseChangeable,
} from '../../src/server/close-to-others.ts'
import { asOther, other, withoutRoot } from '../other-user.ts'

let folder: string
let data: string
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'quillwork-files-'))
  // Only the modes within it are in the way of another user.
  chmodSync(folder, 0o755)
  data = makeFolder('data')
})
afterEach(() => rmSync(folder, { recursive: true }))

/** Makes a folder, as far as the umask and whoever made it before let it be open. */
function makeFolder(name: string, mode = 0o755): string {
  const place = path.join(folder, name)
  mkdirSync(place, { recursive: true })
  chmodSync(place, mode)
  return place
}

function makeFile(name: string, mode = 0o644, text = 'text'): string {
  const place = path.join(folder, name)
  writeFileSync(place, text)
  chmodSync(place, mode)
  return place
}

/** What a configuration elsewhere keeps of the mode 666: that of root stays readable. */
const configured = process.geteuid?.() === 0 ? '644' : '600'

/** A name as uploaded files have. */
const upload = '0f8fad5b-d9cb-469f-a165-70867728950e.txt'

const modeOf = (place: string) => (statSync(place).mode & 0o7777).toString(8)

const close = (files: Partial<OwnFiles> = {}) => closeToOthers({ data, allowOpenData: false, ...files })

function refusal(files: Partial<OwnFiles> = {}): string {
  try {
    close(files)
  } catch (error) {
    expect(error).toBeInstanceOf(QuillworkError)
    expect(error).toMatchObject({ code: 'CONFIG_INVALID' })
    return (error as QuillworkError).message
  }
  return expect.fail('it was taken')
}

describe('what belongs to this user', () => {
  test('is closed to others, once, and named with the mode that it had', () => {
    makeFolder('data/uploads', 0o777)
    const names = ['quillwork.db', 'quillwork.db-wal', 'server.json', 'keys.json', 'quillwork.json']
    const files = [...names, `uploads/${upload}`].map(name => makeFile(`data/${name}`))
    for (const name of ['.DS_Store', '@eaDir', 'lost+found', 'quillwork.db.bak']) makeFile(`data/${name}`)
    const closed = close()
    expect(closed).toContain(`${data} (was 755)`)
    expect(closed).toContain(`${path.join(data, 'uploads')} (was 777)`)
    expect(closed).toHaveLength(2 + files.length)
    expect([data, path.join(data, 'uploads')].map(modeOf)).toEqual(['700', '700'])
    expect(files.map(modeOf)).toEqual(files.map(() => '600'))
    expect(close()).toEqual([])
    expect(closedText(closed)).toMatch(/^closed to other users: \S+ \(was 755\), .* and 4 more$/)
    expect(closedText([])).toBeUndefined()
  })

  test.each(['.DS_Store', '@eaDir', '.snapshot', 'lost+found'])('is closed where it holds only %s', name => {
    makeFolder(`data/${name}`)
    expect(close()).toEqual([`${data} (was 755)`])
  })

  test('stays open where it holds other things, its files are closed and it is named, unless others may write', () => {
    const database = makeFile('data/quillwork.db')
    const mine = makeFile('data/package.json')
    const left = `what is of Quillwork in ${data} (which holds other things and stays 755)`
    expect(close()).toEqual([left, `${database} (was 644)`])
    expect([data, database, mine].map(modeOf)).toEqual(['755', '600', '644'])
    expect(close()).toEqual([])
    const uploads = makeFolder('data/uploads')
    const theirs = makeFile('data/uploads/logo.svg')
    expect(close()).toEqual([])
    rmSync(theirs)
    expect(close()).toEqual([left, `${uploads} (was 755)`])
    chmodSync(data, 0o775)
    expect(refusal()).toContain(`Type: chmod go-w ${data}`)
    expect(modeOf(data)).toBe('775')
  })

  test('is closed where it is empty, and where nothing is there yet nothing happens', () => {
    expect(close()).toEqual([`${data} (was 755)`])
    rmSync(data, { recursive: true })
    expect(
      close({ configuration: path.join(folder, 'none.json'), sqliteFile: path.join(folder, 'a', 'b.db') }),
    ).toEqual([])
  })

  test('a configuration and a database elsewhere are closed, the folders around them are not', () => {
    const configuration = makeFile('my.json', 0o666)
    const sqliteFile = makeFile('tasks.db', 0o664)
    const log = makeFile('tasks.db-wal')
    expect(close({ configuration, sqliteFile })).toHaveLength(4)
    expect([configuration, sqliteFile, log].map(modeOf)).toEqual([configured, '600', '600'])
    expect(modeOf(folder)).toBe('755')
  })

  test.skipIf(withoutRoot !== undefined).each([
    [0o644, 0o644],
    [0o640, 0o640],
    [0o666, 0o644],
    [0o664, 0o644],
  ])(
    `root's configuration elsewhere, of mode %o, stays readable for the user of the service${withoutRoot ?? ''}`,
    (mode, after) => {
      const configuration = makeFile('my.json', mode)
      symlinkSync(configuration, path.join(folder, 'link.json'))
      symlinkSync(configuration, path.join(data, 'quillwork.json'))
      chmodSync(data, 0o700)
      expect(close()).toEqual(
        mode === after ? [] : [`${path.join(data, 'quillwork.json')} (was ${mode.toString(8)})`],
      )
      expect(close({ configuration: path.join(folder, 'link.json') })).toEqual([])
      chmodSync(configuration, mode)
      expect(close({ data: path.join(folder, 'none'), configuration })).toHaveLength(mode === after ? 0 : 1)
      expect(modeOf(configuration)).toBe(after.toString(8))
    },
  )

  test.each([
    ['a folder with other things', 0o755, ['notes.txt']],
    ['a project with files of such names', 0o755, ['package.json', 'server.json', 'keys.json']],
    ['a folder for what is temporary', 0o1777, ['.X11-unix']],
    ['a folder that all users share', 0o1777, ['notes.txt', 'quillwork.db']],
  ])('%s is not closed, and another one is proposed', (_, mode, names) => {
    for (const name of names) makeFile(`data/${name}`)
    chmodSync(data, mode)
    expect(refusal()).toContain(`holds other things than the data of Quillwork, so it is not closed`)
    expect(refusal()).toContain(`--data ${path.join(data, 'quillwork')}`)
    expect(modeOf(data)).toBe(mode.toString(8))
  })

  test.each([
    ['nothing', []],
    ['a database', ['quillwork.db']],
  ])('a volume that all users share is closed where it holds %s', (_, names) => {
    for (const name of names) makeFile(`data/${name}`)
    chmodSync(data, 0o1777)
    expect(close()).toContain(`${data} (was 1777)`)
    expect(modeOf(data)).toBe('700')
  })

  test.each(['uploads', 'server.json', 'keys.json'])(
    'a folder with %s alone may be that of another program',
    name => {
      const place = makeFolder(`data/${name}`)
      expect(refusal()).toContain(`If it is one, type: chmod 700 ${data}. If not`)
      expect([data, place].map(modeOf)).toEqual(['755', '755'])
    },
  )

  test('of a folder of uploads that holds other things only the uploads are closed', () => {
    const uploads = makeFolder('uploads')
    const mine = makeFile('uploads/notes.txt')
    const uploaded = makeFile(`uploads/${upload}`)
    const files = { sqliteFile: path.join(folder, 'quillwork.db'), uploads }
    expect(closeToOthers({ ...files, allowOpenData: false })).toEqual([`${uploaded} (was 644)`])
    expect([uploads, mine, uploaded].map(modeOf)).toEqual(['755', '644', '600'])
    chmodSync(uploads, 0o777)
    expect(refusal(files)).toContain(`Type: chmod go-w ${uploads}`)
    rmSync(mine)
    expect(close(files)).toContain(`${uploads} (was 777)`)
    expect(modeOf(uploads)).toBe('700')
  })

  test('a folder in which everybody can replace the database is refused', () => {
    const shared = makeFolder('all of us', 0o777)
    const sqliteFile = path.join(shared, 'tasks.db')
    expect(refusal({ sqliteFile })).toContain(`Type: chmod o-w '${shared}'`)
    chmodSync(shared, 0o1777)
    expect(close({ sqliteFile })).toEqual([])
  })

  test('is left as it is where that is allowed, links are not', () => {
    makeFile('data/quillwork.db', 0o666)
    expect(close({ allowOpenData: true })).toEqual([])
    expect([data, path.join(data, 'quillwork.db')].map(modeOf)).toEqual(['755', '666'])
    symlinkSync('quillwork.db', path.join(data, 'keys.json'))
    expect(refusal({ allowOpenData: true })).toContain('is a link')
  })
})

describe('a link', () => {
  test.each([
    'quillwork.db',
    'quillwork.db-wal',
    'quillwork.db-journal',
    'uploads',
    'keys.json',
    'server.json',
  ])('in the place of %s is refused, and what it leads to stays as it is', name => {
    makeFile('data/quillwork.json', 0o600)
    const target = makeFile('target')
    const link = path.join(data, name)
    symlinkSync(target, link)
    expect(refusal()).toContain(`${link} is a link`)
    expect(refusal()).toContain(`type: rm ${link}`)
    expect(modeOf(target)).toBe('644')
    rmSync(target)
    expect(refusal()).toContain('is a link')
  })

  test('to an uploaded file, or to a database elsewhere, is refused', () => {
    makeFile('data/quillwork.json', 0o600)
    makeFolder('data/uploads')
    symlinkSync(makeFile('target'), path.join(data, 'uploads', upload))
    expect(refusal()).toMatch(/uploads.[-\da-f]+\.txt is a link/)
    symlinkSync(path.join(folder, 'target'), path.join(folder, 'tasks.db'))
    rmSync(path.join(data, 'uploads'), { recursive: true })
    expect(refusal({ sqliteFile: path.join(folder, 'tasks.db') })).toMatch(/tasks\.db is a link/)
  })

  test('that the user made is followed to the data directory and to the configuration, and they are closed', () => {
    symlinkSync(data, path.join(folder, 'link'))
    const configuration = makeFile('my.json', 0o666)
    symlinkSync(configuration, path.join(folder, 'link.json'))
    const through = { data: path.join(folder, 'link'), configuration: path.join(folder, 'link.json') }
    expect(close(through)).toHaveLength(2)
    expect([data, configuration].map(modeOf)).toEqual(['700', configured])
    const inside = { data: path.join(folder, 'above', 'data') }
    makeFolder('real/data')
    symlinkSync(path.join(folder, 'real'), path.join(folder, 'above'))
    expect(close(inside)).toEqual([`${inside.data} (was 755)`])
  })
})

describe.skipIf(withoutRoot !== undefined)(`what belongs to another user${withoutRoot ?? ''}`, () => {
  test.each([
    ['data directory', () => data],
    ['database', () => makeFile('data/quillwork.db', 0o600)],
    ['folder of uploads', () => makeFolder('data/uploads', 0o700)],
    [
      'uploaded file',
      () => makeFile(path.join(makeFolder('data/uploads').slice(folder.length), upload), 0o600),
    ],
    ['configuration', () => makeFile('data/quillwork.json', 0o600)],
    ['announced server', () => makeFile('data/server.json', 0o600)],
  ])('is refused as %s, with what to type, and left as it is', (_, make) => {
    makeFile('data/quillwork.json', 0o600)
    const place = make()
    chmodSync(data, 0o700)
    chownSync(place, other, other)
    const said = refusal()
    expect(said).toContain(`${place} belongs to another user (uid ${other})`)
    expect(said).toMatch(new RegExp(`To take it over, type: chown (-R )?0 ${place}`))
    expect(said).toContain('--allow-open-data')
    expect(statSync(place).uid).toBe(other)
    expect(close({ allowOpenData: true })).toEqual([])
  })

  test('is refused as a folder around a database, as a configuration that was named, and as a link of theirs', () => {
    const theirs = makeFolder('theirs', 0o700)
    chownSync(theirs, other, other)
    makeFile('theirs/notes.txt')
    const said = refusal({ sqliteFile: path.join(theirs, 'tasks.db') })
    expect(said).toContain(`${theirs} belongs to`)
    expect(said).not.toContain('chown')
    const configuration = makeFile('my.json', 0o600)
    chownSync(configuration, other, other)
    expect(refusal({ configuration })).toContain(`${configuration} belongs to`)
    const link = path.join(folder, 'link')
    symlinkSync(data, link)
    lchownSync(link, other, other)
    expect(refusal({ data: link })).toContain(`${link} is a link, made by uid ${other}`)
    expect(refusal({ data: link, allowOpenData: true })).toContain('is a link')
  })

  test('this user is not root: a configuration of root may be read, not written, by others', () => {
    const configuration = makeFile('my.json', 0o644, '{}')
    chownSync(data, other, other)
    chmodSync(data, 0o700)
    expect(asOther(() => close({ configuration }))).toEqual([])
    expect(modeOf(configuration)).toBe('644')
    chmodSync(configuration, 0o664)
    expect(asOther(() => refusal({ configuration }))).toContain(`Type: sudo chmod go-w ${configuration}`)
  })

  test('this user is not root: a volume that root mounted for its group is refused, with what can be done there', () => {
    const within = path.join(data, 'quillwork')
    const database = makeFile('data/quillwork.db', 0o660)
    chownSync(data, 0, other)
    chownSync(database, other, other)
    chmodSync(data, 0o2775)
    const proposed = `move the data into a folder within it and use that, --data ${within}, or start with --allow-open-data`
    expect(asOther(() => refusal())).toContain(proposed)
    makeFile('data/notes.txt')
    expect(asOther(() => refusal())).toContain(proposed)
    asOther(() => {
      mkdirSync(within, { mode: 0o2770 })
      renameSync(database, path.join(within, 'quillwork.db'))
      expect(close({ data: within })).toHaveLength(2)
    })
    expect([within, path.join(within, 'quillwork.db')].map(modeOf)).toEqual(['700', '600'])
    chmodSync(data, 0o2777)
    expect(asOther(() => refusal())).not.toContain(proposed)
  })

  test('this user is not root: an open volume of root is refused, a folder within it is not', () => {
    chmodSync(data, 0o777)
    expect(asOther(() => refusal())).toContain(`Type: sudo chown -R ${other} ${data}`)
    expect(asOther(() => close({ allowOpenData: true }))).toEqual([])
    const others = asOther(() => refusal({ data: '/' }))
    expect(others).toContain('Name a folder within it: --data /quillwork')
    expect(others).not.toContain('chown')
    const within = makeFolder('data/mine')
    chownSync(within, other, other)
    expect(asOther(() => close({ data: within }))).toEqual([`${within} (was 755)`])
    const closed = makeFile('shut', 0o600)
    expect(() => asOther(() => readFileSync(closed))).toThrow('EACCES')
  })
})

describe('what belongs to this user, for a process of another one,', () => {
  const owner = process.geteuid?.() || other
  /** Gives a path to the owner, and returns how a process of somebody else refuses it. */
  function refusalOfStranger(place: string, files: Partial<OwnFiles>): string {
    if (process.geteuid?.() === 0) lchownSync(place, owner, owner)
    const all = { allowOpenData: false, ...files }
    let said = ''
    try {
      closeToOthers(all, owner + 1)
    } catch (error) {
      expect(error).toMatchObject({ code: 'CONFIG_INVALID' })
      said = (error as QuillworkError).message
    }
    return said
  }

  test('is refused as data directory, configuration, database, folder around it and uploads', () => {
    const file = makeFile('my.json', 0o600)
    const uploads = makeFolder('uploads')
    for (const [place, files] of [
      [data, { data }],
      [file, { configuration: file }],
      [folder, { sqliteFile: file }],
      [uploads, { uploads }],
    ] as const)
      expect(refusalOfStranger(place, files)).toContain(`${place} belongs to another user (uid ${owner})`)
    expect(refusalOfStranger(data, { data })).toContain(
      `To take it over, type: sudo chown -R ${owner + 1} ${data}`,
    )
    expect([data, file, uploads].map(modeOf)).toEqual(['755', '600', '755'])
  })

  test('is refused as a link', () => {
    const link = path.join(folder, 'link')
    symlinkSync(data, link)
    expect(refusalOfStranger(link, { data: link })).toContain(`${link} is a link, made by uid ${owner}`)
    expect(refusalOfStranger(link, { data: link, allowOpenData: true })).toContain('is a link')
  })

  test('what belongs to root is refused where it is a folder with other things, and read as a configuration', () => {
    expect(refusalOfStranger(data, { data: '/' })).toContain('Name a folder within it: --data /quillwork')
    expect(closeToOthers({ configuration: '/etc/passwd', allowOpenData: false }, owner + 1)).toEqual([])
  })
})

describe('a file with a secret', () => {
  const owner = process.geteuid?.() || other

  function secretFile(mode: number): string {
    const place = makeFile('secret', mode)
    if (process.geteuid?.() === 0) lchownSync(place, owner, owner)
    return place
  }

  test.each([
    [0o600, owner],
    [0o444, owner],
    // As Compose mounts it: of the user of the host.
    [0o444, owner + 1],
  ])('of mode %o is read by uid %s', (mode, reader) => {
    const place = secretFile(mode)
    expect(() => refuseChangeable(place, reader)).not.toThrow()
    expect(statSync(place).mode & 0o777).toBe(mode)
  })

  test.each([
    [0o664, owner, 'chmod go-w'],
    [0o602, owner, 'chmod go-w'],
    [0o644, owner + 1, 'sudo chmod a-w'],
  ])('of mode %o, which others can change, is refused for uid %s', (mode, reader, command) => {
    const place = secretFile(mode)
    const message = expect.stringContaining(`Type: ${command} ${place}`)
    expect(() => refuseChangeable(place, reader)).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID', message }),
    )
  })
})
