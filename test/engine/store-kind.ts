/**
 * Whether the tests run on SQLite: alone there every lease is void when the store is opened, a record can be damaged with SQL, the
 * newest thousand log lines are kept to the line, and ten thousand tasks take a second.
 */
export const onSqlite = process.env['QUILLWORK_TEST_STORE'] !== 'mongodb'
